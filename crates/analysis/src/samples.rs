//! The values of a metric, paired between settings by replicate and cell.
//!
//! A *replicate* repeats a setting: a seed or a fold. Some hyperparameters can be neither keys of
//! the comparison nor the replicate, if `--by` averages over them. A *cell* is a combination of
//! their values; without such hyperparameters, there is only one cell.
//!
//! Runs of one replicate are not independent. The number of independent differences between two
//! settings is the number of their common replicates, not the number of runs.

use std::cmp::Ordering;

use tracking::Value;

use super::statistics::{CONFIDENCE, Interval, Statistic, count, quantile, two_sided};

/// One value of a setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The index of the replicate, the same in every setting.
    pub replicate: usize,
    /// The index of the cell, the same in every setting.
    pub cell: usize,
    /// The metric; the mean if several runs share this replicate and cell.
    pub value: f64,
}

/// The values of one setting, by replicate, then cell, each combination once.
pub type Samples = Vec<Sample>;

/// The coordinates of a run: its replicate and its cell.
pub type Coordinates<'a> = (Option<&'a Value>, Vec<Option<&'a Value>>);

/// The samples of each setting, from the coordinates and the metric of its runs. Indices of
/// replicates and cells are the same in all settings.
pub fn samples(settings: &[Vec<(Coordinates<'_>, f64)>]) -> Vec<Samples> {
    let all = || settings.iter().flatten().map(|(coordinates, _)| coordinates);
    let replicates =
        sorted_distinct(all().map(|(replicate, _)| *replicate), |a, b| by_value(*a, *b));
    let cells = sorted_distinct(all().map(|(_, cell)| cell.clone()), |a, b| by_values(a, b));
    let indices = |(replicate, cell): &Coordinates<'_>| {
        let replicate = replicates.binary_search_by(|known| by_value(*known, *replicate));
        let cell = cells.binary_search_by(|known| by_values(known, cell));
        (replicate.unwrap_or_else(|index| index), cell.unwrap_or_else(|index| index))
    };
    let of_setting = |runs: &Vec<(Coordinates<'_>, f64)>| {
        let mut indexed: Vec<((usize, usize), f64)> =
            runs.iter().map(|(coordinates, value)| (indices(coordinates), *value)).collect();
        indexed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let sample = |chunk: &[((usize, usize), f64)]| {
            let mean = Statistic::of(chunk.iter().map(|(_, value)| *value).collect())?.mean;
            Some(Sample { replicate: chunk[0].0.0, cell: chunk[0].0.1, value: mean })
        };
        indexed.chunk_by(|a, b| a.0 == b.0).filter_map(sample).collect()
    };
    settings.iter().map(of_setting).collect()
}

/// The distinct values in the order of `compare`.
pub fn sorted_distinct<T>(
    all: impl Iterator<Item = T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by(&compare);
    all.dedup_by(|a, b| compare(a, b).is_eq());
    all
}

/// Orders by value, absent first; `1` and `1.0` are equal.
pub fn by_value(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Lexicographic [`by_value`].
pub fn by_values(a: &[Option<&Value>], b: &[Option<&Value>]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| by_value(*a, *b));
    pairs.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// The mean of each replicate over its cells.
pub fn replicate_means(samples: &[Sample]) -> Vec<f64> {
    let mean = |chunk: &[Sample]| {
        Statistic::of(chunk.iter().map(|sample| sample.value).collect())
            .map(|statistic| statistic.mean)
    };
    samples.chunk_by(|a, b| a.replicate == b.replicate).filter_map(mean).collect()
}

/// The estimated difference between two settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The number of replicates with a common cell.
    pub n: usize,
    /// The mean difference, the first setting less the second.
    pub mean: f64,
    /// Its standard error; `None` if it cannot be tested.
    pub error: Option<f64>,
    /// Whether the error gives an interval. Accuracies that are equal over an unknown number of
    /// examples show neither a difference nor equality: they are tested but have no interval.
    pub has_limits: bool,
}

impl Difference {
    /// The 95 % interval of this difference alone; `None` if it cannot be tested.
    pub fn interval(&self) -> Option<Interval> {
        let error = self.error.filter(|_| self.has_limits)?;
        Some(Interval::around(self.mean, quantile((1.0 - CONFIDENCE) / 2.0, self.n - 1) * error))
    }

    /// The two-sided p-value of the paired t-test; `None` if it cannot be tested.
    pub fn p(&self) -> Option<f64> {
        let error = self.error?;
        Some(if self.mean == 0.0 { 1.0 } else { two_sided(self.mean / error, self.n - 1) })
    }
}

/// The resolution of a metric: differences below it are no evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// The grid step: 1 / examples for an accuracy, 0 for a continuous metric, `None` if unknown.
    pub grid: Option<f64>,
    /// The largest absolute value over all settings.
    pub scale: f64,
}

impl Resolution {
    /// The resolution of these settings on a grid of step `grid`.
    pub fn of(settings: &[Samples], grid: Option<f64>) -> Self {
        let scale = settings.iter().flatten().map(|sample| sample.value.abs()).fold(0.0, f64::max);
        Self { grid, scale }
    }
}

/// Compares two settings on their common replicates and cells: the difference on a replicate is the
/// mean over its common cells.
///
/// Accuracies are multiples of the grid step g, so equal differences do not show certainty. The
/// variance is therefore at least g² / 6, the variance of rounding two values, or g² / 6c for means
/// over c cells.
///
/// One replicate has no standard error. Several replicates have none if all differences are equal
/// but not 0, and the grid is 0 or unknown.
pub fn difference(
    a: &[Sample],
    b: &[Sample],
    resolution: Resolution,
    scratch: &mut Vec<f64>,
) -> Option<Difference> {
    scratch.clear();
    let cells = if add_aligned(a, b, scratch) { 1.0 } else { add_merged(a, b, scratch) };
    let n = scratch.len();
    if n == 0 {
        return None;
    }
    let mean = scratch.iter().sum::<f64>() / count(n);
    if !mean.is_finite() {
        return None;
    }
    if n == 1 {
        return Some(Difference { n, mean, error: None, has_limits: false });
    }
    let squares: f64 = scratch.iter().map(|value| (value - mean) * (value - mean)).sum();
    let floor = resolution.grid.unwrap_or_default().powi(2) / 6.0 / cells;
    let variance = (squares / count(n - 1)).max(floor);
    // A spread below 10⁻¹² of the values is rounding. The maximum over all settings usually
    // decides; only if it does not, the values of the pair are read.
    let exceeds_rounding = |scale: f64| variance > (1e-12 * scale).powi(2);
    let scale_of_pair = || a.iter().chain(b).map(|sample| sample.value.abs()).fold(0.0, f64::max);
    let has_spread = exceeds_rounding(resolution.scale) || exceeds_rounding(scale_of_pair());
    let error = match has_spread {
        true if variance.is_finite() => Some((variance / count(n)).sqrt()),
        false if mean == 0.0 => Some(0.0),
        _ => None,
    };
    let has_limits = error.is_some_and(|error| error > 0.0 || resolution.grid.is_some());
    Some(Difference { n, mean, error, has_limits })
}

/// Adds the differences between two settings with equal replicates and one cell, and returns true;
/// false for other settings. This fast path matters: a large table has millions of pairs.
fn add_aligned(a: &[Sample], b: &[Sample], differences: &mut Vec<f64>) -> bool {
    let is_pair =
        |(x, y): (&Sample, &Sample)| x.replicate == y.replicate && x.cell == 0 && y.cell == 0;
    let aligned = a.len() == b.len() && a.iter().zip(b).all(is_pair);
    if aligned {
        differences.extend(a.iter().zip(b).map(|(x, y)| x.value - y.value));
    }
    aligned
}

/// Adds the mean difference on each replicate over its common cells. Returns the harmonic mean of
/// the numbers of common cells.
fn add_merged(a: &[Sample], b: &[Sample], differences: &mut Vec<f64>) -> f64 {
    let (mut i, mut j) = (0, 0);
    let mut inverse_sum = 0.0;
    while i < a.len() && j < b.len() {
        let replicate = a[i].replicate.max(b[j].replicate);
        let (mut sum, mut cells) = (0.0, 0.0);
        while i < a.len()
            && j < b.len()
            && a[i].replicate <= replicate
            && b[j].replicate <= replicate
        {
            let (x, y) = (&a[i], &b[j]);
            match (x.replicate, x.cell).cmp(&(y.replicate, y.cell)) {
                Ordering::Less => i += 1,
                Ordering::Greater => j += 1,
                Ordering::Equal => {
                    sum += x.value - y.value;
                    cells += 1.0;
                    (i, j) = (i + 1, j + 1);
                }
            }
        }
        if cells > 0.0 {
            differences.push(sum / cells);
            inverse_sum += 1.0 / cells;
        }
    }
    count(differences.len()) / inverse_sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn samples_of(values: &[(usize, usize, f64)]) -> Samples {
        values
            .iter()
            .map(|(replicate, cell, value)| Sample {
                replicate: *replicate,
                cell: *cell,
                value: *value,
            })
            .collect()
    }

    fn differ(
        a: &[(usize, usize, f64)],
        b: &[(usize, usize, f64)],
        grid: impl Into<Option<f64>>,
    ) -> Option<Difference> {
        let settings = [samples_of(a), samples_of(b)];
        difference(
            &settings[0],
            &settings[1],
            Resolution::of(&settings, grid.into()),
            &mut Vec::new(),
        )
    }

    #[test]
    fn only_common_replicates_are_compared() {
        let found = differ(
            &[(0, 0, 9.0), (1, 0, 3.0), (2, 0, 5.0)],
            &[(1, 0, 1.0), (2, 0, 4.0), (3, 0, 0.0)],
            0.0,
        )
        .unwrap();
        // Differences 2 and 1: mean 1.5, variance 0.5, error √(0.5 / 2).
        assert_eq!((found.n, found.mean, found.error), (2, 1.5, Some(0.5)));
        assert_eq!(differ(&[(0, 0, 1.0)], &[(1, 0, 1.0)], 0.0), None);
        assert_eq!(differ(&[(0, 0, 1.0)], &[(0, 1, 1.0)], 0.0), None, "another cell is no pair");
    }

    /// Two replicates with two cells each give two differences, not four.
    #[test]
    fn cells_are_averaged_within_a_replicate() {
        let a = [(0, 0, 1.0), (0, 1, 3.0), (1, 0, 2.0), (1, 1, 2.0)];
        let b = [(0, 0, 0.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 2.0)];
        let found = differ(&a, &b, 0.0).unwrap();
        assert_eq!((found.n, found.mean, found.error), (2, 1.5, Some(0.5)));
        // Only the common cell is compared.
        assert_eq!(
            differ(&a, &b[1..2], 0.0).unwrap(),
            Difference { n: 1, mean: 3.0, error: None, has_limits: false }
        );
    }

    /// Large values of a third setting do not make the difference of the others count as rounding.
    #[test]
    fn rounding_is_judged_by_the_values_of_the_pair() {
        let settings = [
            samples_of(&[(0, 0, 1.0), (1, 0, 1.5)]),
            samples_of(&[(0, 0, 2.0), (1, 0, 2.25)]),
            samples_of(&[(0, 0, 1e20)]),
        ];
        let found = difference(
            &settings[0],
            &settings[1],
            Resolution::of(&settings, Some(0.0)),
            &mut Vec::new(),
        );
        assert_eq!(found.unwrap().error, Some(0.125));
    }

    #[test]
    fn a_grid_sets_a_floor_for_the_spread() {
        let (a, b) = ([(0, 0, 0.5), (1, 0, 0.6)], [(0, 0, 0.4), (1, 0, 0.5)]);
        assert_eq!(
            differ(&a, &b, 0.0).unwrap().error,
            None,
            "equal differences and no grid: no test"
        );
        let found = differ(&a, &b, 0.1).unwrap();
        assert!((found.error.unwrap() - (0.01f64 / 6.0 / 2.0).sqrt()).abs() < 1e-15, "{found:?}");
        let equal = differ(&a, &a, 0.0).unwrap();
        assert_eq!(
            (equal.error, equal.has_limits),
            (Some(0.0), true),
            "equal losses are certainly equal"
        );
        let equal = differ(&a, &a, None).unwrap();
        assert_eq!(
            (equal.p(), equal.interval()),
            (Some(1.0), None),
            "rounding may have made the accuracies equal"
        );
        let cells = [(0, 0, 0.5), (0, 1, 0.5), (1, 0, 0.5), (1, 1, 0.5)];
        let found = differ(&cells, &cells, 0.1).unwrap();
        assert!((found.error.unwrap() - (0.01f64 / 12.0 / 2.0).sqrt()).abs() < 1e-15, "{found:?}");
    }

    /// `pvalue` and `confidence_interval(0.95)` of `scipy.stats.ttest_rel(x, best)`.
    #[test]
    #[rustfmt::skip]
    fn paired_differences_equal_those_of_scipy() {
        let best = [0.9141, 0.9137, 0.9145, 0.9150, 0.9129];
        let table = [
            ([0.9120, 0.9131, 0.9122, 0.9149, 0.9111], 0.033827067941416086, -0.0025883119720338243, -0.00017168802796613844),
            ([0.9085, 0.9102, 0.9079, 0.9080, 0.9101], 0.0036443501879664113, -0.007419619775023343, -0.002780380224976644),
            ([0.9143, 0.9133, 0.9141, 0.9152, 0.9121], 0.2835110642276383, -0.0007783726804675611, 0.00029837268046756964),
        ];
        let by_seed = |values: [f64; 5]| values.into_iter().enumerate().map(|(seed, value)| (seed, 0, value)).collect::<Vec<_>>();
        for (values, p, low, high) in table {
            let difference = differ(&by_seed(values), &by_seed(best), 0.0).unwrap();
            let interval = difference.interval().unwrap();
            assert!((difference.p().unwrap() - p).abs() <= 1e-9 * p, "{difference:?}");
            assert!((interval.low - low).abs() < 1e-12 && (interval.high - high).abs() < 1e-12, "{interval:?}");
        }
    }

    #[test]
    fn one_and_one_point_zero_are_one_replicate() {
        let (integer, real) = (Value::Integer(1), Value::Real(1.0));
        let runs = [
            vec![((Some(&integer), Vec::new()), 0.5), ((Some(&real), Vec::new()), 0.7)],
            vec![((Some(&real), Vec::new()), 0.1)],
        ];
        let samples = samples(&runs);
        assert_eq!((samples[0].len(), samples[1].len()), (1, 1));
        assert!((samples[0][0].value - 0.6).abs() < 1e-15, "the mean of both");
        assert_eq!(samples[0][0].replicate, samples[1][0].replicate);
    }
}
