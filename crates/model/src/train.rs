//! The training loop.

use std::ops::ControlFlow;

use data::random::{Purpose, generator};

use crate::engine::{Engine, EngineError, Examples, Prediction, Score};
use crate::hyperparameters::{Hyperparameters, LastBatch};
use crate::learning_rate::learning_rate_at;
use crate::weights::Weights;

/// The examples on which `val_loss` and `val_accuracy` are measured.
#[derive(Debug, Clone, Copy)]
pub enum ValidationSet<'a> {
    /// The test split, as in the tutorial.
    Test,
    /// These rows of the training split, which are not trained on.
    HeldOut(&'a [u32]),
}

/// The measurements of one epoch. Losses are mean cross-entropies. Accuracies are fractions from 0
/// to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochScores {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps since the start of the training.
    pub step: u64,
    /// Mean training loss over the batches of the epoch, each measured before its update, as Keras
    /// reports it.
    pub loss: f64,
    /// Training accuracy, measured like `loss`.
    pub accuracy: f64,
    /// Validation loss after the epoch.
    pub val_loss: f64,
    /// Validation accuracy after the epoch.
    pub val_accuracy: f64,
    /// Test loss after the epoch, if validation uses held-out examples. The report can then choose an
    /// epoch by validation and show its test result.
    pub test_loss: Option<f64>,
    /// Test accuracy after the epoch, under the same condition.
    pub test_accuracy: Option<f64>,
    /// Learning rate of the last step of the epoch.
    pub learning_rate: f64,
}

/// Callback that runs after each step and can stop the training.
pub trait Observer {
    /// Receives the score of the epoch so far. `step` counts from 1 over the whole training.
    /// [`ControlFlow::Break`] stops the training.
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()>;
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// All epochs were trained.
    Finished {
        /// Score of the final weights on the training examples.
        train: Score,
        /// Score of the final weights on the test split.
        test: Score,
    },
    /// A loss was not finite.
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// The step, counted from 1 over the whole training.
        step: u64,
    },
    /// The observer stopped the training.
    Stopped,
}

/// A training in progress.
///
/// No epoch depends on the total number of epochs. Trainings that differ only in the number of epochs
/// therefore have the same bits in the epochs that they share.
pub struct Training<'a> {
    engine: Box<dyn Engine>,
    hyperparameters: Hyperparameters,
    train: &'a [u32],
    validation: ValidationSet<'a>,
    order: Vec<u32>,
    epoch: u32,
    step: u64,
    /// Test score and predictions of the current weights, once they are measured.
    test: Option<(Score, Vec<Prediction>)>,
}

impl<'a> Training<'a> {
    /// Creates a training on the rows `train` of the training split. `engine` has its initial weights.
    #[must_use]
    pub fn new(
        engine: Box<dyn Engine>,
        hyperparameters: Hyperparameters,
        train: &'a [u32],
        validation: ValidationSet<'a>,
    ) -> Self {
        Self {
            engine,
            hyperparameters,
            train,
            validation,
            order: train.to_vec(),
            epoch: 0,
            step: 0,
            test: None,
        }
    }

    /// Resumes another training with the same hyperparameters and rows, which had `weights` after
    /// `epoch` epochs. The following epochs have the same bits as in the other training. The random
    /// generators are keyed by seed and epoch, so they need no further state.
    ///
    /// # Errors
    /// If the weights have another shape.
    pub fn resume(&mut self, epoch: u32, weights: &Weights) -> Result<(), EngineError> {
        self.engine.restore(weights)?;
        self.epoch = epoch;
        self.step = u64::from(epoch) * self.hyperparameters.steps_per_epoch(self.train.len());
        self.test = None;
        Ok(())
    }

    /// Trains one epoch. Returns its scores, or the outcome if the training ends in this epoch.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn epoch(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Outcome, EpochScores>, EngineError> {
        let Hyperparameters { learning_rate: base, decay, seed, .. } = self.hyperparameters;
        self.test = None;
        self.epoch += 1;
        let epoch = self.epoch;
        // The order depends on the seed and the epoch only, not on the batch size or earlier epochs.
        self.order.copy_from_slice(self.train);
        generator(seed.get(), Purpose::Shuffle { epoch }).shuffle(&mut self.order);
        let mut running = Score::default();
        let mut learning_rate = base.get();
        for (batch, upcoming) in batches(&self.order, &self.hyperparameters) {
            learning_rate = learning_rate_at(base, decay, self.step);
            let score = self.engine.step(batch, upcoming, learning_rate)?;
            self.step += 1;
            if !score.loss_sum.is_finite() {
                return Ok(ControlFlow::Break(self.diverged()));
            }
            running += score;
            if observer.step(epoch, self.step, &running).is_break() {
                return Ok(ControlFlow::Break(Outcome::Stopped));
            }
        }
        let (validated, test) = match self.validation {
            ValidationSet::Test => (self.test()?, None),
            ValidationSet::HeldOut(rows) => {
                (self.engine.evaluate(Examples::Train(rows))?, Some(self.test()?))
            }
        };
        if !validated.loss_sum.is_finite() {
            return Ok(ControlFlow::Break(self.diverged()));
        }
        Ok(ControlFlow::Continue(EpochScores {
            epoch,
            step: self.step,
            loss: running.loss(),
            accuracy: running.accuracy(),
            val_loss: validated.loss(),
            val_accuracy: validated.accuracy(),
            test_loss: test.map(|test| test.loss()),
            test_accuracy: test.map(|test| test.accuracy()),
            learning_rate,
        }))
    }

    /// Returns the outcome of a training that ends after the current epoch. Further epochs remain
    /// possible.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn outcome(&mut self) -> Result<Outcome, EngineError> {
        let train = self.engine.evaluate(Examples::Train(self.train))?;
        let test = self.test()?;
        if train.loss_sum.is_finite() && test.loss_sum.is_finite() {
            Ok(Outcome::Finished { train, test })
        } else {
            Ok(self.diverged())
        }
    }

    /// Predictions of the current weights on the test split, in order. Empty until
    /// [`Training::outcome`] has measured them.
    #[must_use]
    pub fn predictions(&self) -> &[Prediction] {
        self.test.as_ref().map_or(&[], |(_, predictions)| predictions)
    }

    /// Scores the current weights on the test split, at most once.
    fn test(&mut self) -> Result<Score, EngineError> {
        let test = self.test.take().map_or_else(|| self.engine.predict(), Ok)?;
        Ok(self.test.insert(test).0)
    }

    /// The engine with the current weights.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    fn diverged(&self) -> Outcome {
        Outcome::Diverged { epoch: self.epoch, step: self.step }
    }
}

/// The batches of an epoch, each with the rows of the following batches.
fn batches<'a>(
    order: &'a [u32],
    hyperparameters: &Hyperparameters,
) -> impl Iterator<Item = (&'a [u32], &'a [u32])> + use<'a> {
    let size = hyperparameters.batch_size.get() as usize;
    let used = match hyperparameters.last_batch {
        LastBatch::Keep => order.len(),
        LastBatch::Drop => order.len() - order.len() % size,
    };
    let mut rest = &order[..used];
    std::iter::from_fn(move || {
        let (batch, upcoming) = rest.split_at(rest.len().min(size));
        rest = upcoming;
        (!batch.is_empty()).then_some((batch, upcoming))
    })
}
