//! How long trials will take: from what earlier runs here took, else from a rule of thumb.

use std::time::Duration;

use model::EngineKind;
use tracking::{RecordedRun, Status, Value};

use crate::experiment::group::Course;
use crate::experiment::plan::Plan;

/// What the time of a step is estimated from.
pub struct Estimate {
    engine: EngineKind,
    /// Measured against the rule of thumb: 1 when nothing was measured.
    scale: f64,
    /// Earlier runs that it rests on.
    pub measured_runs: usize,
}

impl Estimate {
    /// Learns from those of the `runs`, on the same dataset, that `engine` finished.
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
            let number = |name: &str| match run.param(name) {
                Some(Value::Integer(value)) => u32::try_from(*value).ok(),
                _ => None,
            };
            let (Some(batch), Some(epochs), Some(seconds)) =
                (number("batch_size"), number("epochs"), run.result("seconds"))
            else {
                continue;
            };
            measured += seconds;
            predicted += f64::from(epochs) * rule_of_thumb(engine, batch, examples);
            count += 1;
        }
        Self {
            engine,
            scale: if count > 0 { measured / predicted } else { 1.0 },
            measured_runs: count,
        }
    }

    /// Time for `courses` on `jobs` cores.
    pub fn time(&self, plan: &Plan, courses: &[Course<'_>], jobs: usize) -> Duration {
        let seconds = |course: &Course<'_>| {
            let hyperparameters = &course.longest().hyperparameters;
            let epoch = rule_of_thumb(self.engine, hyperparameters.batch_size.get(), plan.examples);
            f64::from(hyperparameters.epochs.get()) * epoch
        };
        #[allow(clippy::cast_precision_loss, reason = "a number of threads")]
        let jobs = jobs.clamp(1, courses.len().max(1)) as f64;
        Duration::try_from_secs_f64(self.scale * courses.iter().map(seconds).sum::<f64>() / jobs)
            .unwrap_or(Duration::MAX)
    }
}

/// Seconds an epoch on one core, for images like MNIST's.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn rule_of_thumb(engine: EngineKind, batch_size: u32, examples: usize) -> f64 {
    let (a_step, an_example) = match engine {
        EngineKind::Autograd => (90e-6, 3e-6),
        EngineKind::Fused => (0.6e-6, 0.25e-6),
    };
    let examples = examples as f64;
    (examples / f64::from(batch_size)).ceil() * a_step + examples * an_example
}
