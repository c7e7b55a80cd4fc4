//! Whoever takes part in the race.

use anyhow::Result;

/// The task, the same for all: MNIST, plain SGD, the test set evaluated after each epoch.
pub const BATCH: u32 = 32;
/// See [`BATCH`].
pub const LEARNING_RATE: f64 = 0.01;
/// After this many epochs the contenders must have learnt the same.
pub const EPOCHS: u32 = 5;

/// One turn in the race.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// A trial and epoch.
    pub seconds: f64,
    /// On the test set, from 0 to 1.
    pub accuracy: f64,
    /// Epochs that a trial had trained when `accuracy` was measured.
    pub epochs: u32,
}

/// Something that trains an epoch when it is asked to.
pub trait Contender {
    /// What it is, with its version if that is not this repository's.
    fn name(&self) -> String;

    /// Cores it may use.
    fn cores(&self) -> usize;

    /// Trains: one more epoch of one training, or a whole sweep anew.
    fn turn(&mut self) -> Result<Turn>;
}
