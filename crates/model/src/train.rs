//! The training loop.

use std::ops::ControlFlow;

use data::random::{Purpose, generator};

use crate::engine::{Engine, EngineError, Examples, Score};
use crate::hyperparameters::{Hyperparameters, LastBatch};
use crate::learning_rate::learning_rate_at;

/// What `val_loss` and `val_accuracy` are measured on.
#[derive(Debug, Clone, Copy)]
pub enum Validation<'a> {
    /// The test split, as the tutorial does.
    Test,
    /// These rows of the training split, which no step sees.
    HeldOut(&'a [u32]),
}

/// What an epoch measured. Losses are mean cross-entropies, accuracies shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochMetrics {
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
    /// Learning rate at the epoch's last step.
    pub learning_rate: f64,
}

/// Somebody who watches a training, and may stop it after any step.
pub trait Observer {
    /// After each step, with the running score of its epoch.
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()>;
    /// After each epoch.
    fn epoch(&mut self, metrics: &EpochMetrics) -> ControlFlow<()>;
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

/// Trains on the rows `train` of the training split.
///
/// # Errors
/// When the engine's computation fails.
pub fn train(
    engine: &mut dyn Engine,
    hyperparameters: &Hyperparameters,
    train: &[u32],
    validation: Validation<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome, EngineError> {
    let Hyperparameters { learning_rate: base, decay, .. } = *hyperparameters;
    let mut order = train.to_vec();
    let mut learning_rate = base.get();
    let mut step = 0;
    for epoch in 1..=hyperparameters.epochs.get() {
        shuffle(&mut order, train, hyperparameters.seed.get(), epoch);
        let mut running = Score::default();
        for batch in batches(&order, hyperparameters) {
            learning_rate = learning_rate_at(base, decay, step);
            let score = engine.step(batch, learning_rate)?;
            step += 1;
            if !score.loss_sum.is_finite() {
                return Ok(Outcome::Diverged { epoch, step });
            }
            running += score;
            if observer.step(epoch, step, &running).is_break() {
                return Ok(Outcome::Stopped);
            }
        }
        let validated = engine.evaluate(match validation {
            Validation::Test => Examples::Test,
            Validation::HeldOut(rows) => Examples::Train(rows),
        })?;
        if !validated.loss_sum.is_finite() {
            return Ok(Outcome::Diverged { epoch, step });
        }
        let metrics = EpochMetrics {
            epoch,
            step,
            loss: running.loss(),
            accuracy: running.accuracy(),
            val_loss: validated.loss(),
            val_accuracy: validated.accuracy(),
            learning_rate,
        };
        if observer.epoch(&metrics).is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    let (train, test) = (engine.evaluate(Examples::Train(train))?, engine.evaluate(Examples::Test)?);
    if !(train.loss_sum.is_finite() && test.loss_sum.is_finite()) {
        return Ok(Outcome::Diverged { epoch: hyperparameters.epochs.get(), step });
    }
    Ok(Outcome::Finished { train, test })
}

/// The order of an epoch depends on the seed and the epoch alone: never on the batch size, nor on earlier epochs.
fn shuffle(order: &mut [u32], train: &[u32], seed: u64, epoch: u32) {
    order.copy_from_slice(train);
    generator(seed, Purpose::Shuffle { epoch }).shuffle(order);
}

fn batches<'a>(order: &'a [u32], hyperparameters: &Hyperparameters) -> impl Iterator<Item = &'a [u32]> {
    let size = hyperparameters.batch_size.get() as usize;
    let used = match hyperparameters.last_batch {
        LastBatch::Keep => order.len(),
        LastBatch::Drop => order.len() - order.len() % size,
    };
    order[..used].chunks(size)
}
