//! Detects whether the best setting still improves at its last epoch.

use tracking::{EpochMetrics, Reader, RunId, StoreError, ValidationSet};

use crate::analysis::comparison::Comparison;
use crate::analysis::samples::{replicate_means, samples};
use crate::analysis::statistics::{CONFIDENCE, Statistic, count, quantile};
use crate::runs::{EpochChoice, MeasuredRun, epoch_metric, grid};

/// Runs with fewer epochs are not examined.
const MIN_EPOCHS: usize = 3;

/// The mean improvement of the best setting in its last epoch, if it is significant.
pub fn last_improvement(
    reader: &Reader,
    comparison: &Comparison,
    runs: &[MeasuredRun],
) -> Result<Option<f64>, StoreError> {
    let (Some(best), Some(metric), Some(replicate), EpochChoice::Last) =
        (comparison.best(), comparison.ranking(), &comparison.replicate, comparison.epoch)
    else {
        return Ok(None);
    };
    let is_of_best = |id: &RunId| best.finished.contains(id);
    let mut changes = Vec::new();
    for measured in runs.iter().filter(|measured| is_of_best(&measured.run.id)) {
        let epochs = reader.epochs(&measured.run)?;
        let change = last_change(&epochs, &metric.name, &comparison.validation)
            .map(|change| metric.oriented(change));
        changes.extend(change.map(|change| ((measured.run.param(replicate), Vec::new()), change)));
    }
    let changes: Vec<f64> =
        samples(&[changes]).iter().flat_map(|samples| replicate_means(samples)).collect();
    let settings = comparison.settings.iter().filter(|setting| setting.level.is_some()).count();
    let grid = grid(metric, runs.iter()).unwrap_or_default();
    Ok(improvement(changes, settings, grid))
}

/// The mean of the last `changes` of a setting, one per replicate, if a one-sided t-test finds it
/// above 0. The values after these changes chose this setting out of `settings`, so Bonferroni's
/// correction for that number applies. The variance is at least that of rounding to the step
/// `grid`.
fn improvement(changes: Vec<f64>, settings: usize, grid: f64) -> Option<f64> {
    let Statistic { n, mean, deviation } = Statistic::of(changes)?;
    let variance = deviation?.powi(2).max(grid * grid / 6.0);
    let threshold =
        quantile((1.0 - CONFIDENCE) / count(settings.max(1)), n - 1) * (variance / count(n)).sqrt();
    (mean > threshold).then_some(mean)
}

/// The change of the metric `name` in the last epoch of a run. If the test set is the validation,
/// the per-epoch metric of `test_…` may be called `val_…`.
fn last_change(epochs: &[EpochMetrics], name: &str, validation: &ValidationSet) -> Option<f64> {
    let name_by_epoch = name
        .strip_prefix("test_")
        .filter(|_| *validation == ValidationSet::Test)
        .map(|rest| format!("val_{rest}"));
    let value = |epoch: &EpochMetrics| {
        epoch_metric(epoch, name).or_else(|| epoch_metric(epoch, name_by_epoch.as_deref()?))
    };
    let values: Vec<f64> = epochs.iter().filter_map(value).collect();
    match values.as_slice() {
        [.., before, last] if values.len() >= MIN_EPOCHS => Some(last - before),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::simulation::Normal;

    /// The curves are flat, and the noise of the last epoch chooses the setting. At most 5 % may be
    /// reported as improving.
    #[test]
    fn flat_curves_are_rarely_reported_as_improving() {
        let mut normal = Normal(5);
        let (tables, settings, seeds) = (2_000, 10, 3);
        let mut reported = 0;
        for _ in 0..tables {
            let curve = |normal: &mut Normal| -> Vec<[f64; 2]> {
                (0..seeds).map(|_| [normal.next(), normal.next()]).collect()
            };
            let curves: Vec<Vec<[f64; 2]>> = (0..settings).map(|_| curve(&mut normal)).collect();
            let end = |curve: &[[f64; 2]]| curve.iter().map(|[_, last]| last).sum::<f64>();
            let best = curves.iter().max_by(|a, b| end(a).total_cmp(&end(b)));
            let changes = best.into_iter().flatten().map(|[before, last]| last - before).collect();
            reported += u32::from(improvement(changes, settings, 0.0).is_some());
        }
        assert!(reported <= tables / 20, "{reported} of {tables}");
    }

    #[test]
    fn a_change_within_the_grid_is_no_improvement() {
        assert_eq!(improvement(vec![0.01; 2], 1, 0.01), None, "each run gained one image");
        assert!(improvement(vec![0.05, 0.06, 0.055], 2, 0.01).is_some());
        assert_eq!(improvement(vec![0.05], 1, 0.0), None, "one replicate has no spread");
    }
}
