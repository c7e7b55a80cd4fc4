//! A recorded run with its metrics.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracking::{EpochMetrics, RecordedRun, Value};

/// A run with its final metrics and its per-epoch metrics at the chosen epoch.
#[derive(Debug, Clone)]
pub struct MeasuredRun {
    /// The run as recorded.
    pub run: RecordedRun,
    /// Per-epoch metrics that count as final metrics.
    pub by_epoch: Vec<(Arc<str>, f64)>,
}

/// Keys of conditions besides hyperparameters and metrics.
pub const FACTS: [&str; 8] =
    ["status", "dataset", "trial", "run", "engine", "device", "started_at", "ended_at"];

impl MeasuredRun {
    /// The value of the metric `name`, if the run has a finite one.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let by_epoch =
            || self.by_epoch.iter().find(|(key, _)| &**key == name).map(|(_, value)| *value);
        // This workspace records finite values only, but other programs can write to the store.
        self.run.result(name).or_else(by_epoch).filter(|value| value.is_finite())
    }

    /// The value of the fact, hyperparameter or metric `name`.
    ///
    /// A hyperparameter called `dataset`, `engine` or `device` hides the fact of that name. Any
    /// other fact hides a hyperparameter or metric of its name; `param_NAME` and `metric_NAME` find
    /// these.
    pub fn value(&self, name: &str) -> Option<Value> {
        match name {
            "dataset" | "engine" | "device" if self.run.param(name).is_some() => {
                self.run.param(name).cloned()
            }
            "status" => Some(self.run.status.as_str().into()),
            "dataset" => Some(self.run.dataset.as_str().into()),
            "trial" => Some(self.run.trial.as_str().into()),
            "run" => Some(self.run.id.as_str().into()),
            "engine" => Some(self.run.engine.as_str().into()),
            "device" => Some(self.run.device.as_str().into()),
            "started_at" => Some(self.run.started_at.as_str().into()),
            // The text is empty until the run ends.
            "ended_at" => {
                Some(self.run.ended_at.as_str()).filter(|time| !time.is_empty()).map(Value::from)
            }
            _ => {
                let param = |name: &str| self.run.param(name).cloned();
                let metric = |name: &str| self.metric(name).map(Value::Real);
                param(name)
                    .or_else(|| metric(name))
                    .or_else(|| param(name.strip_prefix("param_")?))
                    .or_else(|| metric(name.strip_prefix("metric_")?))
            }
        }
    }
}

/// The value of the metric `name` in an epoch.
pub fn epoch_metric(epoch: &EpochMetrics, name: &str) -> Option<f64> {
    epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}

/// The file in which the runner keeps the final weights of a run.
pub fn weights_file(results: &Path, run: &RecordedRun) -> PathBuf {
    results.join(&run.experiment).join("models").join(format!("{}.safetensors", run.trial))
}
