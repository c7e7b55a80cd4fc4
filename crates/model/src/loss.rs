//! Categorical cross-entropy of logits z: the mean over the examples of `−log softmax(z)[label]`.
//!
//! The input is logits and not probabilities. The formula
//! `log softmax(z) = z − max(z) − log Σ exp(z − max(z))` does not overflow, and never takes the
//! logarithm of a probability that was rounded to zero.

use candle_core::{Result, Tensor};

/// Mean cross-entropy of `logits` `[n, classes]` and `labels` `[n]` (u32), a scalar.
///
/// # Errors
/// If the shapes do not match.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    candle_nn::loss::cross_entropy(logits, labels)
}

/// Cross-entropy `[n]` of each example of `logits` `[n, classes]` and `labels` `[n]` (u32).
///
/// # Errors
/// If the shapes do not match.
pub fn cross_entropy_each(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    candle_nn::ops::log_softmax(logits, 1)?.gather(&labels.unsqueeze(1)?, 1)?.squeeze(1)?.neg()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    /// `CrossEntropy.py` of the tutorial prints this number twice.
    const TUTORIAL: f64 = 0.36182976573941633;

    #[test]
    fn binary_and_categorical_loss_equal_the_tutorial() {
        let (y, p) = ([0u32, 1, 1, 0], [0.3f64, 0.7, 0.6, 0.2]);
        let binary = y
            .iter()
            .zip(p)
            .map(|(&y, p)| -f64::from(y) * p.ln() - (1.0 - f64::from(y)) * (1.0 - p).ln())
            .sum::<f64>()
            / 4.0;
        assert!((binary - TUTORIAL).abs() < 1e-12);

        let logits: Vec<f64> = p.iter().flat_map(|p| [(1.0 - p).ln(), p.ln()]).collect();
        let logits = Tensor::from_vec(logits, (4, 2), &Device::Cpu).unwrap();
        let labels = Tensor::new(&y, &Device::Cpu).unwrap();
        let categorical = cross_entropy(&logits, &labels).unwrap().to_scalar::<f64>().unwrap();
        assert!((categorical - TUTORIAL).abs() < 1e-12, "{categorical}");
        let each = cross_entropy_each(&logits, &labels)
            .unwrap()
            .mean_all()
            .unwrap()
            .to_scalar::<f64>()
            .unwrap();
        assert!((each - TUTORIAL).abs() < 1e-12, "{each}");
    }

    #[test]
    fn large_logits_stay_finite() {
        let logits = Tensor::new(&[[1e30f32, 0.0], [0.0, 1e4]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32, 0], &Device::Cpu).unwrap();
        // Computed by hand: (0 + 10,000) / 2.
        let loss = cross_entropy(&logits, &labels).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss - 5_000.0).abs() < 1e-3, "{loss}");
    }
}
