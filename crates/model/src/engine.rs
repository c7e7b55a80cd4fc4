//! The seam between the training loop and how a step is computed.

use thiserror::Error;

use crate::weights::Weights;

/// Which examples to look at.
#[derive(Debug, Clone, Copy)]
pub enum Examples<'a> {
    /// These rows of the training split.
    Train(&'a [u32]),
    /// The whole test split.
    Test,
}

/// Loss and accuracy over some examples, as sums, so that scores of batches add up to the score of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Sum over the examples of their cross-entropy.
    pub loss_sum: f64,
    /// Examples whose most probable class is their label.
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

    /// Share of correct examples, from 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53 examples")]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples as f64
    }
}

/// What a model makes of one example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The most probable class; the first of equals.
    pub class: u32,
    /// Its probability: 1 / Σ e^(z − max z).
    pub probability: f32,
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.examples += other.examples;
    }
}

/// A computation that failed: out of memory, a lost GPU.
#[derive(Debug, Error)]
#[error("the {engine} engine failed: {reason}")]
pub struct EngineError {
    /// Name of the engine.
    pub engine: &'static str,
    /// What it says.
    pub reason: String,
}

/// Whether weights fit a model of that shape.
pub(crate) fn check_shape(
    engine: &'static str,
    weights: &Weights,
    classes: usize,
    features: usize,
) -> Result<(), EngineError> {
    if (weights.classes, weights.features) == (classes, features) {
        return Ok(());
    }
    let found = (weights.classes, weights.features);
    let reason = format!(
        "it cannot go on from weights of {found:?} classes and features: there are {:?}",
        (classes, features)
    );
    Err(EngineError { engine, reason })
}

/// How a trial is computed. One value holds the weights of one training.
pub trait Engine {
    /// One weight update on the training rows of `batch` (not empty), at `learning_rate`. The score is of the weights
    /// *before* the update, as Keras reports it. `upcoming` are the rows of the steps that follow: a hint of what will be
    /// wanted from memory soon, which changes no result.
    ///
    /// # Errors
    /// When the computation itself fails; a loss that is not finite is a score, not an error.
    fn step(
        &mut self,
        batch: &[u32],
        upcoming: &[u32],
        learning_rate: f64,
    ) -> Result<Score, EngineError>;

    /// Score of the present weights.
    ///
    /// # Errors
    /// When the computation itself fails.
    fn evaluate(&self, examples: Examples<'_>) -> Result<Score, EngineError>;

    /// Score of the present weights on the test split, to the bit that of [`Engine::evaluate`], and what they make of each of
    /// its examples, in order: `correct` counts just those predictions that are the label.
    ///
    /// # Errors
    /// When the computation itself fails.
    fn predict(&self) -> Result<(Score, Vec<Prediction>), EngineError>;

    /// A copy of the present weights: with the epoch, all that a training goes on from.
    ///
    /// # Errors
    /// When they cannot be read back from the device.
    fn weights(&self) -> Result<Weights, EngineError>;

    /// Puts weights that [`Engine::weights`] gave in the place of the present ones.
    ///
    /// # Errors
    /// When they are of another shape, or cannot be put on the device.
    fn restore(&mut self, weights: &Weights) -> Result<(), EngineError>;
}
