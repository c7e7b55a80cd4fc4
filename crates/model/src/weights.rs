//! The weights of a model in main memory, and their safetensors format.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use thiserror::Error;

/// Weights of a softmax regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Number of classes.
    pub classes: usize,
    /// Number of features, which are the pixels of an image.
    pub features: usize,
    /// `[classes, features]`, row-major.
    pub weight: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

/// Why bytes are not the weights of a softmax regression.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The bytes are not safetensors, or damaged.
    #[error("not a valid safetensors file")]
    Malformed(#[from] safetensors::SafeTensorError),
    /// The tensors belong to another model.
    #[error("tensor '{name}': expected {expected}, found {found}")]
    Unexpected {
        /// Name of the tensor.
        name: &'static str,
        /// The expected type and shape.
        expected: String,
        /// The type and shape in the file.
        found: String,
    },
}

impl Weights {
    /// Serializes the tensors `weight` `[classes, features]` and `bias` `[classes]` in f32. Equal
    /// weights give equal bytes.
    ///
    /// # Errors
    /// If the lengths of the vectors contradict the shape.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let (weight, bias) = (little_endian(&self.weight), little_endian(&self.bias));
        let weight = TensorView::new(Dtype::F32, vec![self.classes, self.features], &weight)?;
        let bias = TensorView::new(Dtype::F32, vec![self.classes], &bias)?;
        Ok(safetensors::serialize([("bias", bias), ("weight", weight)], None)?)
    }

    /// Parses the output of [`Weights::to_safetensors`].
    ///
    /// # Errors
    /// If `bytes` are not valid safetensors, or contain other tensors.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes)?;
        let (shape, weight) = read(&file, "weight", 2)?;
        let (classes, features) = (shape[0], shape[1]);
        let (shape, bias) = read(&file, "bias", 1)?;
        if shape != [classes] {
            return Err(WeightsError::Unexpected {
                name: "bias",
                expected: format!("shape [{classes}]"),
                found: format!("shape {shape:?}"),
            });
        }
        Ok(Self { classes, features, weight, bias })
    }

    /// Class probabilities `[classes]` of one example `x` `[features]`: softmax of `weight · x + bias`.
    #[must_use]
    pub fn probabilities(&self, x: &[f32]) -> Vec<f64> {
        let dot = |row: &[f32]| {
            row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()
        };
        let logits: Vec<f64> = self
            .weight
            .chunks_exact(self.features)
            .zip(&self.bias)
            .map(|(row, b)| dot(row) + f64::from(*b))
            .collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = logits.iter().map(|z| (z - top).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.into_iter().map(|e| e / sum).collect()
    }
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn read(
    file: &SafeTensors<'_>,
    name: &'static str,
    rank: usize,
) -> Result<(Vec<usize>, Vec<f32>), WeightsError> {
    let tensor = file.tensor(name)?;
    if tensor.dtype() != Dtype::F32 || tensor.shape().len() != rank {
        return Err(WeightsError::Unexpected {
            name,
            expected: format!("F32 of {rank} dimensions"),
            found: format!("{:?} of shape {:?}", tensor.dtype(), tensor.shape()),
        });
    }
    let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok((tensor.shape().to_vec(), values))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn small() -> Weights {
        Weights {
            classes: 2,
            features: 3,
            weight: vec![1.0, -2.0, 0.5, 0.0, 4.0, 1e-30],
            bias: vec![0.25, -0.25],
        }
    }

    #[test]
    fn safetensors_round_trip_and_load_in_candle() {
        let bytes = small().to_safetensors().unwrap();
        assert_eq!(Weights::from_safetensors(&bytes).unwrap(), small());
        let tensors =
            candle_core::safetensors::load_buffer(&bytes, &candle_core::Device::Cpu).unwrap();
        assert_eq!(tensors["weight"].dims(), [2, 3]);
        assert_eq!(tensors["bias"].to_vec1::<f32>().unwrap(), small().bias);
    }

    #[test]
    fn every_truncated_file_is_an_error() {
        let bytes = small().to_safetensors().unwrap();
        for end in 0..bytes.len() {
            assert!(Weights::from_safetensors(&bytes[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_weights_or_an_error(
            position in 0usize..200, byte: u8, tail in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut bytes = small().to_safetensors().unwrap();
            let position = position % bytes.len();
            bytes[position] = byte;
            for bytes in [&bytes[..], &tail, &[&bytes[..position], &tail].concat()] {
                if let Ok(weights) = Weights::from_safetensors(bytes) {
                    prop_assert_eq!(weights.weight.len(), weights.classes * weights.features);
                    prop_assert_eq!(weights.bias.len(), weights.classes);
                }
            }
        }
    }

    #[test]
    fn probabilities_follow_the_closed_form() {
        let weights =
            Weights { classes: 2, features: 1, weight: vec![0.0, 2.0], bias: vec![0.0, 0.0] };
        // softmax([0, 2·x]) = [1 − σ(2x), σ(2x)], σ(1) = 0.7310585786300049
        let p = weights.probabilities(&[0.5]);
        assert!(
            (p[1] - 0.731_058_578_630_004_9).abs() < 1e-15 && (p[0] + p[1] - 1.0).abs() < 1e-15
        );
    }
}
