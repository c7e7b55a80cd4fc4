//! The training loop.

use std::ops::ControlFlow;

use data::random::{Purpose, generator};

use crate::engine::{Engine, EngineError, Examples, Prediction, Score};
use crate::hyperparameters::{Hyperparameters, LastBatch};
use crate::learning_rate::learning_rate_at;
use crate::weights::Weights;

/// What `val_loss` and `val_accuracy` are measured on.
#[derive(Debug, Clone, Copy)]
pub enum ValidationSet<'a> {
    /// The test split, as the tutorial does.
    Test,
    /// These rows of the training split, which no step sees.
    HeldOut(&'a [u32]),
}

/// What an epoch measured. Losses are mean cross-entropies, accuracies shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochScores {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps taken since the training began.
    pub step: u64,
    /// Running mean over the epoch's batches, each before its update, as Keras prints it.
    pub loss: f64,
    /// Running mean likewise.
    pub accuracy: f64,
    /// After the epoch.
    pub val_loss: f64,
    /// After the epoch.
    pub val_accuracy: f64,
    /// After the epoch on the test split, where the validation is another: so that an epoch can be chosen by the one and
    /// reported by the other.
    pub test_loss: Option<f64>,
    /// Likewise.
    pub test_accuracy: Option<f64>,
    /// Learning rate at the epoch's last step.
    pub learning_rate: f64,
}

/// Somebody who watches a training, and may stop it.
pub trait Observer {
    /// After each step, with the running score of its epoch.
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()>;
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// All epochs were trained.
    Finished {
        /// Final weights on the training examples.
        train: Score,
        /// Final weights on the test split.
        test: Score,
    },
    /// A loss was not finite.
    Diverged {
        /// In this epoch, from 1.
        epoch: u32,
        /// At this step, counted from 1 over the whole training.
        step: u64,
    },
    /// The observer stopped it.
    Stopped,
}

/// A training under way, epoch by epoch. Nothing in it depends on how many epochs there will be, so that the first of many
/// are, bit for bit, those of a training that has no more.
pub struct Training<'a> {
    engine: Box<dyn Engine>,
    hyperparameters: Hyperparameters,
    train: &'a [u32],
    validation: ValidationSet<'a>,
    order: Vec<u32>,
    epoch: u32,
    step: u64,
    /// Of the weights as they are, where it was measured: by the last epoch's validation, or for the outcome.
    test: Option<(Score, Vec<Prediction>)>,
}

impl<'a> Training<'a> {
    /// On the rows `train` of the training split, with `engine` at its start.
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

    /// Goes on after `epoch` epochs that another training of the same kind took to `weights`: bit for bit as that one would
    /// have. Its generators are keyed by seed and epoch, so that the epoch is their position.
    ///
    /// # Errors
    /// When the weights do not fit.
    pub fn resume(&mut self, epoch: u32, weights: &Weights) -> Result<(), EngineError> {
        self.engine.restore(weights)?;
        self.epoch = epoch;
        self.step = u64::from(epoch) * self.hyperparameters.steps_per_epoch(self.train.len());
        self.test = None;
        Ok(())
    }

    /// Trains one more epoch: its metrics, or how the training ended in it.
    ///
    /// # Errors
    /// When the engine's computation fails.
    pub fn epoch(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Outcome, EpochScores>, EngineError> {
        let Hyperparameters { learning_rate: base, decay, seed, .. } = self.hyperparameters;
        self.test = None;
        self.epoch += 1;
        let epoch = self.epoch;
        // The order of an epoch depends on the seed and the epoch alone: never on the batch size, nor on earlier epochs.
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

    /// The outcome, if the training ends here; it may also go on.
    ///
    /// # Errors
    /// When the engine's computation fails.
    pub fn outcome(&mut self) -> Result<Outcome, EngineError> {
        let train = self.engine.evaluate(Examples::Train(self.train))?;
        let test = self.test()?;
        if train.loss_sum.is_finite() && test.loss_sum.is_finite() {
            Ok(Outcome::Finished { train, test })
        } else {
            Ok(self.diverged())
        }
    }

    /// What the weights as they are make of each example of the test split, in order; nothing before [`Training::outcome`] told
    /// how they do on it.
    #[must_use]
    pub fn predictions(&self) -> &[Prediction] {
        self.test.as_ref().map_or(&[], |(_, predictions)| predictions)
    }

    /// Score of the weights as they are on the test split: measured once.
    fn test(&mut self) -> Result<Score, EngineError> {
        let test = self.test.take().map_or_else(|| self.engine.predict(), Ok)?;
        Ok(self.test.insert(test).0)
    }

    /// The engine, with the weights as they are.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    fn diverged(&self) -> Outcome {
        Outcome::Diverged { epoch: self.epoch, step: self.step }
    }
}

/// The batches of an epoch, each with the rows that follow it.
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
