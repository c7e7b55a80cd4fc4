//! Detects whether the best setting still improves at its last epoch.

use analysis::improvement::improvement;
use analysis::runs::{EpochChoice, MeasuredRun, epoch_metric, grid};
use analysis::samples::{replicate_means, samples};
use tracking::{EpochMetrics, Reader, RunId, StoreError, ValidationSet};

use super::Comparison;

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
