//! The difference of a metric over pairs of runs.

use analysis::metric::Metric;
use analysis::runs::grid;
use analysis::samples::{
    Coordinates, Difference, Resolution, difference, replicate_means, samples,
};
use analysis::statistics::{CONFIDENCE, Statistic};

use super::pair::Pair;

/// A metric over the pairs that have it on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDifference {
    pub metric: Metric,
    /// The mean on the left.
    pub left: f64,
    /// The mean on the right.
    pub right: f64,
    /// The number of pairs with the metric.
    pub pairs: usize,
    /// Right minus left. The pairs of one replicate give one mean.
    pub difference: Difference,
    /// The number of pairs with equal bits.
    pub equal: usize,
}

/// The side with the better values of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetterSide {
    Left,
    Right,
    /// The difference is not significant, or the direction of the metric is unknown.
    Undecided,
}

impl MetricDifference {
    /// Compares a metric over `pairs`; `None` if there is no finite difference.
    pub fn of<'p>(
        metric: Metric,
        pairs: &[Pair<'p>],
        coordinates: &dyn Fn(&Pair<'p>) -> Coordinates<'p>,
    ) -> Option<Self> {
        let values: Vec<(&Pair<'p>, f64, f64)> = pairs
            .iter()
            .filter_map(|pair| pair.metric(&metric.name).map(|(left, right)| (pair, left, right)))
            .collect();
        let left = values.iter().map(|(pair, left, _)| (coordinates(pair), *left)).collect();
        let right = values.iter().map(|(pair, _, right)| (coordinates(pair), *right)).collect();
        let sides = samples(&[left, right]);
        let grid = grid(&metric, pairs.iter().flat_map(|pair| [pair.left, pair.right]));
        let resolution = Resolution::of(&sides, grid);
        let difference = difference(&sides[1], &sides[0], resolution, &mut Vec::new())?;
        let mean = |side: usize| {
            Statistic::of(replicate_means(&sides[side])).map(|statistic| statistic.mean)
        };
        let has_equal_bits =
            |(_, left, right): &&(&Pair<'p>, f64, f64)| left.to_bits() == right.to_bits();
        Some(Self {
            left: mean(0)?,
            right: mean(1)?,
            pairs: values.len(),
            difference,
            equal: values.iter().filter(has_equal_bits).count(),
            metric,
        })
    }

    /// Whether the p-value of the paired t-test is below 0.05.
    pub fn is_significant(&self) -> bool {
        self.difference.p().is_some_and(|p| p < 1.0 - CONFIDENCE)
    }

    /// The better side, if the difference is significant.
    pub fn better_side(&self) -> BetterSide {
        match self.metric.oriented(self.difference.mean) {
            _ if !self.is_significant() || self.metric.direction.is_none() => BetterSide::Undecided,
            0.0.. => BetterSide::Right,
            _ => BetterSide::Left,
        }
    }
}
