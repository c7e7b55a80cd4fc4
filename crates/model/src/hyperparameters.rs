//! Hyperparameters of a training. The constructors validate, so every value of these types is valid.

use std::fmt;

use thiserror::Error;

/// A hyperparameter outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("expected {expected}, found {found}")]
pub struct OutOfRange {
    /// Description of the allowed values.
    pub expected: &'static str,
    /// The given value.
    pub found: String,
}

/// Learning rate of the first step: finite and greater than 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LearningRate(f64);

impl LearningRate {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is not a finite number greater than 0.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if value.is_finite() && value > 0.0 {
            Ok(Self(value))
        } else {
            Err(OutOfRange { expected: "a finite number above 0", found: format!("{value:?}") })
        }
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Decay of the learning rate per step: finite and at least 0. See [`crate::learning_rate`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Decay(f64);

impl Decay {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is negative or not finite.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if value.is_finite() && value >= 0.0 {
            // Adding 0.0 converts -0.0 to 0.0, so that both give the same trial id.
            Ok(Self(value + 0.0))
        } else {
            Err(OutOfRange { expected: "a finite number, 0 or more", found: format!("{value:?}") })
        }
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Converts a number from 1 to `u32::MAX`.
fn positive(value: i64) -> Result<u32, OutOfRange> {
    u32::try_from(value).ok().filter(|n| *n > 0).ok_or_else(|| OutOfRange {
        expected: "a whole number from 1 to 4294967295",
        found: value.to_string(),
    })
}

/// Number of examples per step, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchSize(u32);

impl BatchSize {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is less than 1 or greater than `u32::MAX`.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        positive(value).map(Self)
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Number of passes over the training examples, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epochs(u32);

impl Epochs {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is less than 1 or greater than `u32::MAX`.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        positive(value).map(Self)
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Seed of the random numbers of a trial, at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(u64);

impl Seed {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is negative.
    pub fn new(value: i64) -> Result<Self, OutOfRange> {
        u64::try_from(value).map(Self).map_err(|_| OutOfRange {
            expected: "a whole number, 0 or more",
            found: value.to_string(),
        })
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Initial weights. The initial bias is always zero, as in Keras.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// Uniform in ±√(6 / (features + classes)), the default of a dense layer in Keras (Glorot and
    /// Bengio, 2010).
    GlorotUniform,
    /// All zero. This works for softmax regression, because its loss is convex.
    Zeros,
}

impl Init {
    /// All variants.
    pub const ALL: [Self; 2] = [Self::GlorotUniform, Self::Zeros];

    /// The name in experiment files.
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

/// What to do with the last batch of an epoch if it is smaller than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// Train on it, as Keras does.
    Keep,
    /// Skip it.
    Drop,
}

impl LastBatch {
    /// All variants.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Drop];

    /// The name in experiment files.
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

/// Everything that determines a training besides its data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperparameters {
    /// Learning rate of the first step.
    pub learning_rate: LearningRate,
    /// Decay of the learning rate, per step.
    pub decay: Decay,
    /// Number of examples per step.
    pub batch_size: BatchSize,
    /// Number of passes over the training examples.
    pub epochs: Epochs,
    /// Seed of the random numbers.
    pub seed: Seed,
    /// Initial weights.
    pub init: Init,
    /// What to do with a smaller last batch.
    pub last_batch: LastBatch,
}

impl Default for Hyperparameters {
    /// The setting of the tutorial: five epochs with the defaults of `sgd` and `fit` in Keras.
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
    /// Steps per epoch on `examples` training examples.
    #[must_use]
    pub fn steps_per_epoch(&self, examples: usize) -> u64 {
        let (examples, batch) = (examples as u64, u64::from(self.batch_size.get()));
        match self.last_batch {
            LastBatch::Keep => examples.div_ceil(batch),
            LastBatch::Drop => examples / batch,
        }
    }

    /// Steps of the whole training on `examples` training examples.
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
    fn values_outside_their_range_are_rejected() {
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
    fn step_counts_equal_the_tutorial() {
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
