//! The interface between the training loop and the computation of a step.

use thiserror::Error;

use crate::weights::Weights;

/// Which examples to evaluate.
#[derive(Debug, Clone, Copy)]
pub enum Examples<'a> {
    /// These rows of the training split.
    Train(&'a [u32]),
    /// All rows of the test split.
    Test,
}

/// Loss and accuracy on a set of examples. They are stored as sums, so that the scores of batches add
/// up to the score of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Sum of the cross-entropy of the examples.
    pub loss_sum: f64,
    /// Number of examples whose most probable class is the label.
    pub correct: u64,
    /// Number of examples.
    pub examples: u64,
}

impl Score {
    /// Mean cross-entropy.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53 examples")]
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.examples as f64
    }

    /// Fraction of correct examples, from 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53 examples")]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples as f64
    }
}

/// The prediction for one example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The most probable class. Among equals, the lowest.
    pub class: u32,
    /// The probability of the class: 1 / Σ e^(z − max z).
    pub probability: f32,
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.examples += other.examples;
    }
}

/// A failed computation, for example because of a lack of memory or a lost GPU.
#[derive(Debug, Error)]
#[error("the {engine} engine failed: {reason}")]
pub struct EngineError {
    /// Name of the engine.
    pub engine: &'static str,
    /// The message of the engine.
    pub reason: String,
}

/// Checks that `weights` have the shape of the model.
pub(crate) fn check_shape(
    engine: &'static str,
    weights: &Weights,
    classes: usize,
    features: usize,
) -> Result<(), EngineError> {
    if (weights.classes, weights.features) == (classes, features) {
        return Ok(());
    }
    let reason = format!(
        "cannot restore weights of {} classes and {} features: expected {classes} and {features}",
        weights.classes, weights.features
    );
    Err(EngineError { engine, reason })
}

/// Computes the steps of one training, whose weights it holds.
pub trait Engine {
    /// Updates the weights once on the training rows `batch`, which must not be empty. Returns the score
    /// of the weights *before* the update, as Keras reports it. `upcoming` are the rows of the following
    /// steps. They are a hint for prefetching and do not affect results.
    ///
    /// # Errors
    /// If the computation fails. A loss that is not finite is a score, not an error.
    fn step(
        &mut self,
        batch: &[u32],
        upcoming: &[u32],
        learning_rate: f64,
    ) -> Result<Score, EngineError>;

    /// Scores the current weights.
    ///
    /// # Errors
    /// If the computation fails.
    fn evaluate(&self, examples: Examples<'_>) -> Result<Score, EngineError>;

    /// Scores the current weights on the test split, and returns the prediction for each example, in
    /// order. The score has the same bits as that of [`Engine::evaluate`]. Its `correct` is the number
    /// of predictions that equal their label.
    ///
    /// # Errors
    /// If the computation fails.
    fn predict(&self) -> Result<(Score, Vec<Prediction>), EngineError>;

    /// Copies the current weights. Together with the epoch, they are the whole state of a training.
    ///
    /// # Errors
    /// If the device cannot be read.
    fn weights(&self) -> Result<Weights, EngineError>;

    /// Replaces the current weights by those of an earlier call of [`Engine::weights`].
    ///
    /// # Errors
    /// If the weights have another shape, or the device cannot be written.
    fn restore(&mut self, weights: &Weights) -> Result<(), EngineError>;
}
