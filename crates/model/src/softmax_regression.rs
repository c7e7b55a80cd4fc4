//! The model `softmax(x · Wᵀ + b)`, built on [`Linear`] of candle.

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use data::random::{Purpose, generator};

use crate::hyperparameters::{Init, Seed};
use crate::weights::Weights;

/// A linear layer `features → classes` whose outputs are logits.
pub struct SoftmaxRegression {
    weight: Var,
    bias: Var,
    linear: Linear,
}

impl SoftmaxRegression {
    /// Creates a model with initial weights, which depend on the seed but not on the device.
    ///
    /// # Errors
    /// If the device does not have enough memory.
    pub fn new(
        features: usize,
        classes: usize,
        init: Init,
        seed: Seed,
        device: &Device,
    ) -> Result<Self> {
        let weights = initial_weights(features, classes, init, seed);
        let weight =
            Var::from_tensor(&Tensor::from_vec(weights.weight, (classes, features), device)?)?;
        let bias = Var::from_tensor(&Tensor::from_vec(weights.bias, classes, device)?)?;
        let linear = Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone()));
        Ok(Self { weight, bias, linear })
    }

    /// Logits `[n, classes]` of `x` `[n, features]`.
    ///
    /// # Errors
    /// If the shapes do not match.
    pub fn logits(&self, x: &Tensor) -> Result<Tensor> {
        self.linear.forward(x)
    }

    /// The variables for an optimiser: weight `[classes, features]` and bias `[classes]`.
    #[must_use]
    pub fn vars(&self) -> Vec<Var> {
        vec![self.weight.clone(), self.bias.clone()]
    }

    /// Copies the weights to main memory.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn weights(&self) -> Result<Weights> {
        let (classes, features) = self.weight.dims2()?;
        Ok(Weights {
            classes,
            features,
            weight: self.weight.flatten_all()?.to_vec1()?,
            bias: self.bias.to_vec1()?,
        })
    }

    /// Replaces the weights by others of the same shape.
    ///
    /// # Errors
    /// If the device cannot be written.
    pub fn restore(&self, weights: &Weights, device: &Device) -> Result<()> {
        let shape = (weights.classes, weights.features);
        self.weight.set(&Tensor::from_slice(&weights.weight, shape, device)?)?;
        self.bias.set(&Tensor::from_slice(&weights.bias, weights.classes, device)?)
    }
}

/// Returns the initial weights. [`Init::GlorotUniform`] draws them row by row from the `init` stream of
/// the seed: `limit · (2u − 1)` with u uniform in [0, 1) and `limit = √(6 / (features + classes))`. The
/// bias is zero.
#[must_use]
pub fn initial_weights(features: usize, classes: usize, init: Init, seed: Seed) -> Weights {
    let count = features * classes;
    let weight = match init {
        Init::Zeros => vec![0.0; count],
        Init::GlorotUniform => {
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "the limit is rounded to f32 once"
            )]
            let limit = (6.0 / (features + classes) as f64).sqrt() as f32;
            let mut generator = generator(seed.get(), Purpose::Init);
            (0..count).map(|_| limit * (2.0 * generator.uniform() - 1.0)).collect()
        }
    };
    Weights { classes, features, weight, bias: vec![0.0; classes] }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn glorot_uniform_has_expected_range_and_variance() {
        let w = initial_weights(784, 10, Init::GlorotUniform, Seed::new(3).unwrap()).weight;
        // Keras: limit = sqrt(6 / (784 + 10)) = 0.08692914…, variance = limit² / 3.
        let limit = 0.086_929_14f32;
        assert!(w.iter().all(|w| w.abs() <= limit * 1.000_001));
        let mean = w.iter().sum::<f32>() / w.len() as f32;
        let variance = w.iter().map(|w| w * w).sum::<f32>() / w.len() as f32;
        assert!(
            mean.abs() < 0.002 && (variance / (limit * limit / 3.0) - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
    }

    #[test]
    fn initial_weights_depend_on_the_seed() {
        let draw = |seed| initial_weights(64, 10, Init::GlorotUniform, Seed::new(seed).unwrap());
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(
            initial_weights(4, 3, Init::Zeros, Seed::new(0).unwrap())
                .weight
                .iter()
                .all(|w| *w == 0.0)
        );
    }
}
