//! Trains trial groups of the built-in model.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use data::{Dataset, hold_out};
use model::{EngineData, Hyperparameters, Observer, Score, Training, ValidationSet, Weights};
use tracking::{EpochMetrics, RunId};

use super::error_analysis::error_analysis;
use super::hyperparameters::typed;
use super::metrics::{self, Running};
use crate::executor::{ClaimedGroup, Execution, Executor, GroupObserver, Outcome, ResumeState};
use crate::experiment::trial::Trial;
use crate::experiment::validation::Validation;

/// Trains on one dataset with one engine.
pub struct Trainer {
    dataset: Arc<Dataset>,
    data: EngineData,
    validation: Validation,
}

impl Trainer {
    /// `data` is `dataset` in the engine's form, which all trials share.
    pub fn new(dataset: Arc<Dataset>, data: EngineData, validation: Validation) -> Self {
        Self { dataset, data, validation }
    }

    /// Rows of the training split to train on, and the rows held out.
    fn partition(&self, seed: u64) -> (Vec<u32>, Option<Vec<u32>>) {
        let labels = &self.dataset.train.labels;
        match self.validation {
            Validation::Test => ((0..).take(labels.len()).collect(), None),
            Validation::HeldOut(fraction) => {
                let partition = hold_out(labels, fraction, seed);
                (partition.train, Some(partition.validation))
            }
        }
    }

    /// Evaluates the model after the last epoch of a trial.
    fn finish(&self, training: &mut Training<'_>, trained: &TrainedEpochs) -> Result<Execution> {
        let started = Instant::now();
        let outcome = training.outcome()?;
        let model::Outcome::Finished { train, test } = outcome else {
            let elapsed = started.elapsed();
            return Ok(trained.unfinished(outcome_of(outcome), elapsed));
        };
        let weights = training.engine().weights()?;
        Ok(Execution {
            outcome: Outcome::Finished,
            epochs: trained.epochs.clone(),
            results: metrics::results(&train, &test),
            elapsed: trained.elapsed + started.elapsed(),
            // The following fields are not part of training, so `elapsed` is computed before them.
            model: Some(weights.to_safetensors()?),
            error_analysis: Some(error_analysis(&self.dataset, training.predictions())),
        })
    }
}

/// The epochs of a group so far, and their time.
#[derive(Default)]
struct TrainedEpochs {
    epochs: Vec<EpochMetrics>,
    elapsed: Duration,
}

impl TrainedEpochs {
    /// A trial that ends without final metrics, `since` after the last of these epochs.
    fn unfinished(&self, outcome: Outcome, since: Duration) -> Execution {
        Execution {
            outcome,
            epochs: self.epochs.clone(),
            results: Vec::new(),
            elapsed: self.elapsed + since,
            model: None,
            error_analysis: None,
        }
    }

    /// Trains one epoch, unless the training ends in it.
    fn epoch(
        &mut self,
        training: &mut Training<'_>,
        epochs: u32,
        observer: &mut dyn GroupObserver,
    ) -> Result<ControlFlow<Outcome>> {
        let started = Instant::now();
        let flow = training.epoch(&mut Steps(observer))?;
        let elapsed = started.elapsed();
        self.elapsed += elapsed;
        let measured = match flow {
            ControlFlow::Continue(measured) => measured,
            ControlFlow::Break(outcome) => return Ok(ControlFlow::Break(outcome_of(outcome))),
        };
        let metrics = metrics::epoch(&measured, elapsed);
        self.epochs.push(metrics.clone());
        let weights = training.engine().weights()?;
        let serialize = Box::new(move || weights.to_safetensors().map_err(Error::from));
        let flow = observer.epoch(metrics, self.elapsed, serialize);
        // A trial whose last epoch is trained ends as finished.
        let stopped = flow.is_break() && measured.epoch < epochs;
        Ok(if stopped { ControlFlow::Break(Outcome::Stopped) } else { ControlFlow::Continue(()) })
    }
}

impl Executor for Trainer {
    fn execute(
        &self,
        ClaimedGroup { group, resume, .. }: ClaimedGroup<'_>,
        observer: &mut dyn GroupObserver,
    ) -> Result<()> {
        let started = Instant::now();
        let longest = group.longest();
        let hyperparameters: Hyperparameters = typed(&longest.params).map_err(Error::msg)?;
        let (rows, held_out) = self.partition(hyperparameters.seed.get());
        let validation = held_out.as_deref().map_or(ValidationSet::Test, ValidationSet::HeldOut);
        let engine = self.data.engine(&hyperparameters)?;
        let mut training = Training::new(engine, hyperparameters, &rows, validation);
        let mut trained = TrainedEpochs::default();
        if let Some(ResumeState { epochs, elapsed, model }) = resume {
            let epoch = epochs.last().map_or(0, |last| last.epoch);
            training.resume(epoch, &Weights::from_safetensors(&model)?)?;
            trained = TrainedEpochs { epochs, elapsed };
        }
        trained.elapsed += started.elapsed();
        for (index, trial) in group.trials.iter().enumerate() {
            let epochs = typed(&trial.params).map_err(Error::msg)?.epochs.get();
            while trained.epochs.len() < epochs as usize {
                let flow = trained.epoch(&mut training, epochs, observer)?;
                if let ControlFlow::Break(outcome) = flow {
                    // Every longer trial of the group ends in the same epoch.
                    for _ in &group.trials[index..] {
                        observer.trial_ended(trained.unfinished(outcome.clone(), Duration::ZERO));
                    }
                    return Ok(());
                }
            }
            observer.trial_ended(self.finish(&mut training, &trained)?);
        }
        Ok(())
    }

    fn can_resume(&self, _: &Trial, _: &RunId, model: &[u8]) -> bool {
        Weights::from_safetensors(model).is_ok()
    }
}

fn outcome_of(outcome: model::Outcome) -> Outcome {
    match outcome {
        model::Outcome::Finished { .. } => Outcome::Finished,
        model::Outcome::Diverged { epoch, step } => {
            let reason = format!("the loss was not finite in epoch {epoch}, at step {step}");
            Outcome::Diverged(reason)
        }
        model::Outcome::Stopped => Outcome::Stopped,
    }
}

/// Passes the training's steps on to the group's observer.
struct Steps<'a>(&'a mut dyn GroupObserver);

impl Observer for Steps<'_> {
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()> {
        self.0.step(epoch, step, &Running(running))
    }
}
