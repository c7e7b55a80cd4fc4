//! Properties of a metric that follow from its runs: its unit, its resolution, and whether it is
//! final.

use tracking::ValidationSet;
use tracking::metric::{self, Rules, Split};

use super::measured_run::MeasuredRun;
use crate::metric::{Metric, Unit};

/// Describes the metric `name` of `runs` by its name, its values and the rules.
pub fn metric_of(name: &str, runs: &[&MeasuredRun], rules: &Rules) -> Metric {
    let values = runs.iter().filter_map(|run| run.metric(name));
    let largest = values.map(f64::abs).fold(0.0, f64::max);
    Metric {
        name: name.to_owned(),
        direction: rules.direction(name),
        unit: Unit::of(name, largest),
    }
}

/// Whether a run ended with the metric `name`.
pub fn is_final(name: &str, runs: &[&MeasuredRun]) -> bool {
    runs.iter().any(|measured| measured.run.result(name).is_some())
}

/// The resolution of `metric`, in its own unit: 1 / examples for an accuracy, or `None` if the
/// number of examples is unknown; 0 for other metrics.
#[allow(clippy::cast_precision_loss, reason = "datasets have fewer than 2⁵³ examples")]
pub fn grid<'a>(metric: &Metric, runs: impl Iterator<Item = &'a MeasuredRun>) -> Option<f64> {
    if !metric.unit.is_points() {
        return Some(0.0);
    }
    let examples = |measured: &MeasuredRun| {
        let sizes = measured.run.split_sizes;
        match metric::split(&metric.name) {
            Split::Train => sizes.train,
            Split::Validation if measured.run.validation != ValidationSet::Test => sizes.validation,
            Split::Validation | Split::Test => sizes.test,
            Split::Unspecified => None,
        }
    };
    let least = runs.filter_map(examples).filter(|examples| *examples > 0).min();
    let step = if metric.unit == Unit::Percent { 100.0 } else { 1.0 };
    least.map(|examples| step / examples as f64)
}
