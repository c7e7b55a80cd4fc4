//! Carrying out a course of trials. The trait lets the sweep's rules be tested without training anything.

pub mod built_in;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data::{Dataset, hold_out};
use model::{EngineData, EngineError, EpochScores, Observer, Outcome, Score, Training, Weights};
use tracking::ErrorAnalysis;

use crate::executor::built_in::error_analysis::examples;
use crate::experiment::group::Course;
use crate::experiment::plan::Trial;
use crate::experiment::spec::Validation;

/// What came of a trial.
#[derive(Debug)]
pub struct Execution {
    pub outcome: Outcome,
    /// Each epoch's metrics and its seconds.
    pub epochs: Vec<(EpochScores, Duration)>,
    /// The whole trial's time, evaluations included, as if it had been alone.
    pub elapsed: Duration,
    /// Final weights of a finished trial.
    pub weights: Option<Weights>,
    /// What these make of the test set.
    pub examples: Option<ErrorAnalysis>,
}

/// How far a course has come: after its last whole epoch, all that it goes on from.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The epochs until then.
    pub epochs: Vec<(EpochScores, Duration)>,
    /// Time that they took.
    pub elapsed: Duration,
    pub weights: Weights,
}

/// Somebody who watches a course, and may stop it.
pub trait Watcher {
    /// After a step, with the epoch's running score.
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()>;
    /// After an epoch: its metrics and seconds, the time that all epochs took, and the weights.
    fn epoch(
        &mut self,
        epoch: (EpochScores, Duration),
        elapsed: Duration,
        weights: Weights,
    ) -> ControlFlow<()>;
    /// A trial of the course has ended; they end in their order.
    fn ended(&mut self, execution: Execution);
}

/// Carries out courses, several at a time if asked from several threads.
pub trait Executor: Sync {
    /// Trains from the start, or from where the course had come to, and tells `watcher` of every trial that ends.
    ///
    /// # Errors
    /// When the computation itself fails: then the trials that `watcher` was not told of have no result.
    fn execute(
        &self,
        course: &Course<'_>,
        reached: Option<Reached>,
        watcher: &mut dyn Watcher,
    ) -> Result<(), EngineError>;
}

/// Trains with an engine.
pub struct Trainer {
    dataset: Arc<Dataset>,
    prepared: EngineData,
}

impl Trainer {
    /// Shares `prepared`, which is `dataset` as the engine wants it, among all trials.
    pub fn new(dataset: Arc<Dataset>, prepared: EngineData) -> Self {
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

impl Executor for Trainer {
    fn execute(
        &self,
        course: &Course<'_>,
        reached: Option<Reached>,
        watcher: &mut dyn Watcher,
    ) -> Result<(), EngineError> {
        let started = Instant::now();
        let longest = course.longest();
        let (rows, held_out) = self.partition(longest);
        let validation =
            held_out.as_deref().map_or(model::ValidationSet::Test, model::ValidationSet::HeldOut);
        let engine = self.prepared.engine(&longest.hyperparameters)?;
        let mut training = Training::new(engine, longest.hyperparameters, &rows, validation);
        let (mut epochs, mut spent) = (Vec::new(), Duration::ZERO);
        if let Some(reached) = reached {
            training.resume(
                reached.epochs.last().map_or(0, |(last, _)| last.epoch),
                &reached.weights,
            )?;
            (epochs, spent) = (reached.epochs, reached.elapsed);
        }
        spent += started.elapsed();
        for (index, trial) in course.trials.iter().enumerate() {
            while epochs.len() < trial.hyperparameters.epochs.get() as usize {
                let started = Instant::now();
                let trained = training.epoch(&mut Steps(watcher))?;
                let elapsed = started.elapsed();
                spent += elapsed;
                let ended = match trained {
                    ControlFlow::Continue(metrics) => {
                        epochs.push((metrics, elapsed));
                        let weights = training.engine().weights()?;
                        let goes_on =
                            watcher.epoch((metrics, elapsed), spent, weights).is_continue();
                        let is_last = epochs.len() == trial.hyperparameters.epochs.get() as usize;
                        (!goes_on && !is_last).then_some(Outcome::Stopped)
                    }
                    ControlFlow::Break(outcome) => Some(outcome),
                };
                // It would have been so for every trial that goes as far.
                if let Some(outcome) = ended {
                    for _ in &course.trials[index..] {
                        let epochs = epochs.clone();
                        watcher.ended(Execution {
                            outcome,
                            epochs,
                            elapsed: spent,
                            weights: None,
                            examples: None,
                        });
                    }
                    return Ok(());
                }
            }
            let started = Instant::now();
            let outcome = training.outcome()?;
            let finished = matches!(outcome, Outcome::Finished { .. });
            let weights = if finished { Some(training.engine().weights()?) } else { None };
            let elapsed = spent + started.elapsed();
            // Of no trial's time: nothing of it is training.
            let examples = finished.then(|| examples(&self.dataset, training.predictions()));
            watcher.ended(Execution {
                outcome,
                epochs: epochs.clone(),
                elapsed,
                weights,
                examples,
            });
        }
        Ok(())
    }
}

/// A watcher as the training sees it.
struct Steps<'a>(&'a mut dyn Watcher);

impl Observer for Steps<'_> {
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()> {
        self.0.step(epoch, step, running)
    }
}
