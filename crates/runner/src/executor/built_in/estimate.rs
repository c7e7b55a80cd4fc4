//! Estimates the time of trials: from earlier runs in the same store, or by a rule of thumb.

use std::time::Duration;

use model::EngineKind;
use tracking::{RecordedRun, Status, Value};

use crate::experiment::group::TrialGroup;

/// Estimates the time of trials.
pub struct Estimate {
    engine: EngineKind,
    /// Number of training examples.
    examples: usize,
    /// The measured time divided by the rule of thumb; 1 without a measurement.
    scale: f64,
    /// The number of earlier runs that the estimate uses.
    pub measured_runs: usize,
}

impl Estimate {
    /// Uses the `runs` that `engine` finished. They must be on the same dataset.
    pub fn from_runs<'a>(
        engine: EngineKind,
        runs: impl IntoIterator<Item = &'a RecordedRun>,
        examples: usize,
    ) -> Self {
        let (mut measured, mut predicted, mut count) = (0.0, 0.0, 0);
        for run in runs
            .into_iter()
            .filter(|run| run.status == Status::Finished && run.engine == engine.name())
        {
            let (Some(batch), Some(epochs), Some(seconds)) = (
                integer(run.param("batch_size")),
                integer(run.param("epochs")),
                run.result("seconds"),
            ) else {
                continue;
            };
            measured += seconds;
            predicted += f64::from(epochs) * rule_of_thumb(engine, batch, examples);
            count += 1;
        }
        Self {
            engine,
            examples,
            scale: if count > 0 { measured / predicted } else { 1.0 },
            measured_runs: count,
        }
    }

    /// Time to train `groups` on `jobs` cores.
    pub fn time(&self, groups: &[TrialGroup<'_>], jobs: usize) -> Duration {
        let seconds = |group: &TrialGroup<'_>| {
            let longest = group.longest();
            let batch = integer(longest.param("batch_size")).unwrap_or(1);
            let epoch = rule_of_thumb(self.engine, batch, self.examples);
            f64::from(longest.workload.epochs.unwrap_or(1)) * epoch
        };
        #[allow(clippy::cast_precision_loss, reason = "a number of threads")]
        let jobs = jobs.clamp(1, groups.len().max(1)) as f64;
        Duration::try_from_secs_f64(self.scale * groups.iter().map(seconds).sum::<f64>() / jobs)
            .unwrap_or(Duration::MAX)
    }
}

fn integer(value: Option<&Value>) -> Option<u32> {
    match value {
        Some(Value::Integer(value)) => u32::try_from(*value).ok(),
        _ => None,
    }
}

/// Seconds per epoch on one core, for images like those of MNIST.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn rule_of_thumb(engine: EngineKind, batch_size: u32, examples: usize) -> f64 {
    let (per_step, per_example) = match engine {
        EngineKind::Autograd => (90e-6, 3e-6),
        EngineKind::Fused => (0.6e-6, 0.25e-6),
    };
    let examples = examples as f64;
    (examples / f64::from(batch_size)).ceil() * per_step + examples * per_example
}
