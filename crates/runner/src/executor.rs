//! Carrying out one trial. The trait lets the sweep's rules be tested without training anything.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data::{Dataset, hold_out};
use model::{Autograd, AutogradData, EngineError, EpochMetrics, Observer, Outcome, Score, Weights, train};

use crate::plan::Trial;
use crate::spec::Validation;

/// What came of a trial.
#[derive(Debug)]
pub struct Execution {
    pub outcome: Outcome,
    /// Each epoch's metrics and its seconds.
    pub epochs: Vec<(EpochMetrics, Duration)>,
    /// The whole trial's time, evaluations included.
    pub elapsed: Duration,
    /// Final weights of a finished trial.
    pub weights: Option<Weights>,
}

/// Somebody who watches a trial, and may stop it.
pub trait Watcher {
    /// After a step, with the epoch's running score.
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()>;
}

/// Carries out trials, several at a time if asked from several threads.
pub trait Executor: Sync {
    /// Trains `trial` from its start.
    ///
    /// # Errors
    /// When the computation itself fails.
    fn execute(&self, trial: &Trial, watcher: &mut dyn Watcher) -> Result<Execution, EngineError>;
}

/// Trains with candle's autograd.
pub struct AutogradExecutor {
    dataset: Arc<Dataset>,
    prepared: Arc<AutogradData>,
}

impl AutogradExecutor {
    /// Shares `prepared`, the tensors of `dataset`, among all trials.
    pub fn new(dataset: Arc<Dataset>, prepared: Arc<AutogradData>) -> Self {
        Self { dataset, prepared }
    }

    /// Rows of the training split to train on, and those held out.
    fn partition(&self, trial: &Trial) -> (Vec<u32>, Option<Vec<u32>>) {
        let labels = &self.dataset.train.labels;
        match trial.validation {
            Validation::Test => ((0..).take(labels.len()).collect(), None),
            Validation::HeldOut(fraction) => {
                let partition = hold_out(labels, fraction, trial.hyperparameters.seed.get());
                (partition.train, Some(partition.validation))
            }
        }
    }
}

impl Executor for AutogradExecutor {
    fn execute(&self, trial: &Trial, watcher: &mut dyn Watcher) -> Result<Execution, EngineError> {
        let started = Instant::now();
        let (rows, held_out) = self.partition(trial);
        let validation = held_out.as_deref().map_or(model::Validation::Test, model::Validation::HeldOut);
        let mut engine = Autograd::new(Arc::clone(&self.prepared), &trial.hyperparameters)?;
        let mut stopwatch = Stopwatch { watcher, epoch_started: started, epochs: Vec::new() };
        let outcome = train(&mut engine, &trial.hyperparameters, &rows, validation, &mut stopwatch)?;
        let epochs = stopwatch.epochs;
        let weights = match outcome {
            Outcome::Finished { .. } => Some(model::Engine::weights(&engine)?),
            Outcome::Diverged { .. } | Outcome::Stopped => None,
        };
        Ok(Execution { outcome, epochs, elapsed: started.elapsed(), weights })
    }
}

/// Adds the clock, which the training loop does not have.
struct Stopwatch<'a> {
    watcher: &'a mut dyn Watcher,
    epoch_started: Instant,
    epochs: Vec<(EpochMetrics, Duration)>,
}

impl Observer for Stopwatch<'_> {
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()> {
        self.watcher.step(epoch, step, running)
    }

    fn epoch(&mut self, metrics: &EpochMetrics) -> ControlFlow<()> {
        self.epochs.push((*metrics, self.epoch_started.elapsed()));
        self.epoch_started = Instant::now();
        ControlFlow::Continue(())
    }
}
