//! A recorded run with its metrics.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracking::filter::Condition;
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

    /// Whether `condition` holds for the run.
    pub fn matches(&self, condition: &Condition) -> bool {
        condition.holds(&|key| self.value(key))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{measured_runs, run};

    fn measured(params: &[(&str, Value)]) -> MeasuredRun {
        measured_runs(&[run(params, 0.9)]).remove(0)
    }

    fn matches(run: &MeasuredRun, condition: &str) -> bool {
        run.matches(&Condition::parse(condition).unwrap())
    }

    #[test]
    fn conditions_compare_facts_hyperparameters_and_metrics() {
        let run = measured(&[("batch_size", 32.into())]);
        for condition in [
            "status=finished and dataset=mnist and engine=autograd and device=cpu",
            "batch_size=32 and test_accuracy=0.9 and val_accuracy>0.88 and not seed=0",
            "started_at=2023-11-14 and ended_at>=2023-11-14",
        ] {
            assert!(matches(&run, condition), "{condition}");
        }
        for id in [run.run.id.as_str(), &run.run.id.as_str()[..12]] {
            assert!(matches(&run, &format!("run={id}")) && !matches(&run, &format!("run!={id}")));
        }
        assert!(matches(&run, &format!("trial={}", run.run.trial)));
    }

    #[test]
    fn hyperparameter_named_device_replaces_the_fact() {
        let run = measured(&[("device", "cuda:0".into())]);
        assert!(matches(&run, "device=cuda:0") && !matches(&run, "device=cpu"));
        assert!(matches(&measured(&[]), "device=cpu"));
    }

    #[test]
    fn run_without_an_end_has_no_time_of_it() {
        let mut run = measured(&[]);
        run.run.ended_at = String::new();
        assert!(matches(&run, "not ended_at>2000") && !matches(&run, "ended_at>2000"));
    }
}
