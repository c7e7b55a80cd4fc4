//! Inverse time decay of the learning rate: `learning_rate / (1 + decay · t)`, where t is the step,
//! counted from 0.
//!
//! It equals `InverseTimeDecay(learning_rate, 1, decay)` of Keras. The decay does not compound, because
//! the formula always starts from the initial rate.

use crate::hyperparameters::{Decay, LearningRate};

/// The learning rate of step `t`, counted from 0 over the whole training.
#[must_use]
pub fn learning_rate_at(base: LearningRate, decay: Decay, t: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53 steps")]
    let t = t as f64;
    base.get() / (1.0 + decay.get() * t)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// (base, decay, step, expected), computed by hand from the formula.
    const TABLE: [(f64, f64, u64, f64); 8] = [
        (0.01, 0.0, 0, 0.01),
        (0.01, 0.0, 1_000_000, 0.01),
        (0.01, 1e-3, 0, 0.01),
        (0.01, 1e-3, 1, 0.01 / 1.001),
        (0.01, 1e-3, 1_000, 0.005),
        (0.01, 1e-4, 30_000, 0.0025),
        (0.5, 1.0, 1, 0.25),
        (0.5, 1.0, 9, 0.05),
    ];

    #[test]
    fn learning_rate_follows_the_formula() {
        for (base, decay, step, expected) in TABLE {
            let rate = learning_rate_at(
                LearningRate::new(base).unwrap(),
                Decay::new(decay).unwrap(),
                step,
            );
            assert!(
                (rate - expected).abs() <= 1e-15,
                "{base} {decay} {step}: {rate} is not {expected}"
            );
        }
    }
}
