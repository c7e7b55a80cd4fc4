//! The task that all contenders train, and their common interface.

use anyhow::Result;

/// Batch size of the task: MNIST, plain SGD, evaluation on the test set after each epoch.
pub const BATCH: u32 = 32;
/// Learning rate of the task.
pub const LEARNING_RATE: f64 = 0.01;
/// Number of epochs after which the accuracies of all contenders must agree.
pub const EPOCHS: u32 = 5;

/// The measurement of one turn.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Time per trial and epoch.
    pub seconds: f64,
    /// Accuracy on the test set, from 0 to 1.
    pub accuracy: f64,
    /// Number of epochs that the trial had trained when `accuracy` was measured.
    pub epochs: u32,
}

/// A program or library that trains one epoch per turn.
pub trait Contender {
    /// Name, with the version of other libraries.
    fn name(&self) -> String;

    /// Number of cores that it may use.
    fn cores(&self) -> usize;

    /// Trains the next epoch, or a complete sweep again.
    fn turn(&mut self) -> Result<Turn>;
}
