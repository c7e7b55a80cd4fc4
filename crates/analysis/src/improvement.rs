//! Tests whether a setting still improves at its last epoch.

use crate::statistics::{CONFIDENCE, Statistic, count, quantile};

/// The mean of the last `changes` of a setting, one per replicate, if a one-sided t-test finds it
/// above 0. The values after these changes chose this setting out of `settings`, so Bonferroni's
/// correction for that number applies. The variance is at least that of rounding to the step
/// `grid`.
pub fn improvement(changes: Vec<f64>, settings: usize, grid: f64) -> Option<f64> {
    let Statistic { n, mean, deviation } = Statistic::of(changes)?;
    let variance = deviation?.powi(2).max(grid * grid / 6.0);
    let threshold =
        quantile((1.0 - CONFIDENCE) / count(settings.max(1)), n - 1) * (variance / count(n)).sqrt();
    (mean > threshold).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Normal;

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
