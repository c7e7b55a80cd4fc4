//! What the course of training says of a comparison: whether the marked setting still improves where it ended.

use tracking::{EpochMetrics, Reader, RunId, StoreError};

use crate::analysis::statistics::{CONFIDENCE, Statistic, quantile};
use crate::comparison::Comparison;
use crate::narrative::amount;
use crate::observed::{At, Observed};
use crate::wording::title;

/// Epochs that a curve needs before its end says anything.
const LEAST: usize = 3;

/// Warnings from the epochs of the marked setting's runs.
pub fn warnings(reader: &Reader, comparison: &Comparison, runs: &[Observed]) -> Result<Vec<String>, StoreError> {
    let (Some(best), Some(metric), At::Last) = (comparison.best(), comparison.ranking(), comparison.at) else {
        return Ok(Vec::new());
    };
    let is_its = |id: &RunId| best.finished.contains(id);
    let mut steps = Vec::new();
    for it in runs.iter().filter(|it| is_its(&it.run.id)) {
        let epochs = reader.epochs(&it.run)?;
        steps.extend(last_step(&epochs, &metric.name, &comparison.validation).map(|step| metric.worth(step)));
    }
    // One-sided paired t-test of the last two values.
    let improves = Statistic::of(steps).filter(|it| {
        let error = it.deviation.map(|deviation| deviation / (it.n as f64).sqrt());
        error.is_some_and(|error| it.mean > quantile(1.0 - CONFIDENCE, it.n - 1) * error)
    });
    let sentence = |it: Statistic| {
        format!(
            "The {} of the best still improves at its last epoch, by {}: more epochs may change the order.",
            title(&metric.name),
            amount(metric.unit, it.mean)
        )
    };
    Ok(improves.map(sentence).into_iter().collect())
}

/// The last change of the metric in a run's epochs; where the test set is the validation, `val_…` is of the test set.
fn last_step(epochs: &[EpochMetrics], name: &str, validation: &str) -> Option<f64> {
    let on_validation = name.strip_prefix("test_").filter(|_| validation == "test").map(|rest| format!("val_{rest}"));
    let of = |epoch: &EpochMetrics| {
        let named = |name: &str| epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        named(name).or_else(|| named(on_validation.as_deref()?))
    };
    let values: Vec<f64> = epochs.iter().filter_map(of).collect();
    match values.as_slice() {
        [.., before, last] if values.len() >= LEAST => Some(last - before),
        _ => None,
    }
}
