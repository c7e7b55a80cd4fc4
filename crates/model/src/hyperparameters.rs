//! What one trial is trained with. A value of these types is valid: the constructors are the only validation there is.

use std::fmt;

use thiserror::Error;

/// A hyperparameter outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("expected {expected}, found {found}")]
pub struct OutOfRange {
    /// What is allowed, in words.
    pub expected: &'static str,
    /// What was given.
    pub found: String,
}

/// Learning rate of the first step: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LearningRate(f64);

impl LearningRate {
    /// # Errors
    /// When `value` is not a finite number above zero.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if value.is_finite() && value > 0.0 {
            Ok(Self(value))
        } else {
            Err(OutOfRange { expected: "a finite number above 0", found: format!("{value:?}") })
        }
    }

    /// The rate as a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How fast the learning rate falls, per step: finite, zero or more. See [`crate::learning_rate`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Decay(f64);

impl Decay {
    /// # Errors
    /// When `value` is negative or not finite.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if value.is_finite() && value >= 0.0 {
            // Adding zero turns -0.0 into 0.0: one value, one trial id.
            Ok(Self(value + 0.0))
        } else {
            Err(OutOfRange { expected: "a finite number, 0 or more", found: format!("{value:?}") })
        }
    }

    /// The decay as a number, per step.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A whole number from 1 to 4,294,967,295.
fn positive(value: i64) -> Result<u32, OutOfRange> {
    u32::try_from(value).ok().filter(|n| *n > 0).ok_or_else(|| OutOfRange {
        expected: "a whole number from 1 to 4294967295",
        found: value.to_string(),
    })
}

/// Examples a step: one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchSize(u32);

impl BatchSize {
    /// # Errors
    /// When `value` is below 1 or above `u32::MAX`.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        positive(value).map(Self)
    }

    /// The number of examples.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Passes over the training examples: one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epochs(u32);

impl Epochs {
    /// # Errors
    /// When `value` is below 1 or above `u32::MAX`.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        positive(value).map(Self)
    }

    /// The number of epochs.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// What every random choice of a trial is derived from: zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(u64);

impl Seed {
    /// # Errors
    /// When `value` is negative.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        u64::try_from(value).map(Self).map_err(|_| OutOfRange {
            expected: "a whole number, 0 or more",
            found: value.to_string(),
        })
    }

    /// The seed as a number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Weights before the first step. The bias always starts at zero, as in Keras.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// Uniform in ±√(6 / (features + classes)): Keras's default for a dense layer (Glorot and Bengio, 2010).
    GlorotUniform,
    /// All zero. Legitimate here: the loss is convex.
    Zeros,
}

impl Init {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::GlorotUniform, Self::Zeros];

    /// Its name in an experiment file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GlorotUniform => "glorot_uniform",
            Self::Zeros => "zeros",
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What becomes of an epoch's last batch when it is smaller than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// It is trained on, as Keras does.
    Keep,
    /// It is left out of that epoch.
    Drop,
}

impl LastBatch {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Drop];

    /// Its name in an experiment file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for LastBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All that one training depends on, besides its data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperparameters {
    /// Learning rate of the first step.
    pub learning_rate: LearningRate,
    /// Decay of the learning rate, per step.
    pub decay: Decay,
    /// Examples a step.
    pub batch_size: BatchSize,
    /// Passes over the training examples.
    pub epochs: Epochs,
    /// Source of every random choice.
    pub seed: Seed,
    /// Weights before the first step.
    pub init: Init,
    /// What becomes of a smaller last batch.
    pub last_batch: LastBatch,
}

impl Default for Hyperparameters {
    /// The tutorial's setting: Keras's defaults for `sgd` and `fit`, five epochs.
    fn default() -> Self {
        Self {
            learning_rate: LearningRate(0.01),
            decay: Decay(0.0),
            batch_size: BatchSize(32),
            epochs: Epochs(5),
            seed: Seed(0),
            init: Init::GlorotUniform,
            last_batch: LastBatch::Keep,
        }
    }
}

impl Hyperparameters {
    /// Steps an epoch over `examples` training examples.
    #[must_use]
    pub fn steps_per_epoch(&self, examples: usize) -> u64 {
        let (examples, batch) = (examples as u64, u64::from(self.batch_size.get()));
        match self.last_batch {
            LastBatch::Keep => examples.div_ceil(batch),
            LastBatch::Drop => examples / batch,
        }
    }

    /// Steps of the whole training over `examples` training examples.
    #[must_use]
    pub fn steps(&self, examples: usize) -> u64 {
        self.steps_per_epoch(examples) * u64::from(self.epochs.get())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_hold_at_their_ends() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(LearningRate::new(bad).is_err(), "{bad}");
        }
        for bad in [-1e-9, f64::NAN, f64::INFINITY] {
            assert!(Decay::new(bad).is_err(), "{bad}");
        }
        assert!(Decay::new(-0.0).unwrap().get().is_sign_positive());
        assert!(
            BatchSize::new(0).is_err()
                && BatchSize::new(1).is_ok()
                && BatchSize::new(1 << 32).is_err()
        );
        assert!(Epochs::new(-3).is_err() && Seed::new(-1).is_err() && Seed::new(i64::MAX).is_ok());
    }

    #[test]
    fn the_tutorials_step_counts() {
        let batch =
            |n| Hyperparameters { batch_size: BatchSize::new(n).unwrap(), ..Default::default() };
        assert_eq!(batch(32).steps_per_epoch(60_000), 1_875);
        assert_eq!(batch(100).steps_per_epoch(60_000), 600);
        let twenty = Hyperparameters { epochs: Epochs::new(20).unwrap(), ..batch(100) };
        assert_eq!(twenty.steps(60_000), 12_000);
        let dropped = Hyperparameters { last_batch: LastBatch::Drop, ..batch(512) };
        assert_eq!(
            (batch(512).steps_per_epoch(60_000), dropped.steps_per_epoch(60_000)),
            (118, 117)
        );
    }
}
