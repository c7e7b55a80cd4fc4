//! The final weights of a linear model as images.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::page::picture;

/// The maximum file size in bytes: 256 classes of 128 × 128 images.
const LARGEST: u64 = 32 << 20;
/// The maximum number of classes that are drawn.
const CLASSES: usize = 20;

/// The tensor `weight` of shape `[classes, features]`.
#[derive(Debug)]
pub struct Weights {
    features: usize,
    values: Vec<f32>,
}

impl Weights {
    /// Reads the weights in `file`. Returns `None` if the file is missing or has another content:
    /// the page then shows no weights.
    pub fn read(file: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        File::open(file).ok()?.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > LARGEST {
            return None;
        }
        let tensors = SafeTensors::deserialize(&bytes).ok()?;
        let weight = tensors.tensor("weight").ok()?;
        let [classes, features] = *weight.shape() else { return None };
        if weight.dtype() != Dtype::F32 || classes == 0 || features == 0 {
            return None;
        }
        let values: Vec<f32> =
            weight.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        (values.len() == classes.checked_mul(features)?).then_some(Self { features, values })
    }

    /// One PNG of `rows` × `columns` pixels per class, for the first few classes. Positive weights
    /// are blue, negative ones orange, and a weight of 0 is transparent; all classes share one
    /// scale.
    pub fn pictures(&self, rows: usize, columns: usize) -> Vec<Vec<u8>> {
        if rows.checked_mul(columns) != Some(self.features) {
            return Vec::new();
        }
        let size = |value: &f32| if value.is_finite() { value.abs() } else { 0.0 };
        let largest = self.values.iter().map(size).fold(f32::MIN_POSITIVE, f32::max);
        let pixel = |value: &f32| {
            let [red, green, blue] = if *value > 0.0 { [0, 114, 178] } else { [230, 130, 0] };
            [red, green, blue, opacity(size(value) / largest)]
        };
        let draw = |class: &[f32]| {
            let pixels: Vec<u8> = class.iter().flat_map(pixel).collect();
            picture::png(columns, rows, &pixels)
        };
        self.values.chunks_exact(self.features).take(CLASSES).filter_map(draw).collect()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
fn opacity(share: f32) -> u8 {
    // The square root makes small weights visible.
    (255.0 * share.clamp(0.0, 1.0).sqrt()).round() as u8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> tempfile::NamedTempFile {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (*name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), safetensors::serialize(views, None).unwrap()).unwrap();
        file
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn each_class_is_one_picture() {
        let values = floats(&[0.0, 1.0, -1.0, 0.25, f32::NAN, 0.0, 0.0, 0.5]);
        let weights =
            Weights::read(file(&[("weight", Dtype::F32, vec![2, 4], values)]).path()).unwrap();
        let pictures = weights.pictures(2, 2);
        assert_eq!(pictures.len(), 2);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&pictures[0])).read_info().unwrap();
        let mut pixels = [0; 16];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [230, 130, 0, 0, 0, 114, 178, 255, 230, 130, 0, 255, 0, 114, 178, 128]);
        assert!(weights.pictures(3, 2).is_empty() && weights.pictures(usize::MAX, 2).is_empty());
    }

    #[test]
    fn other_files_have_no_weights() {
        let values = || floats(&[0.0; 4]);
        for wrong in [
            ("weights", Dtype::F32, vec![2, 2], values()),
            ("weight", Dtype::F32, vec![4], values()),
            ("weight", Dtype::I32, vec![2, 2], values()),
            ("weight", Dtype::F32, vec![0, 2], Vec::new()),
        ] {
            assert!(Weights::read(file(&[wrong]).path()).is_none());
        }
        assert!(Weights::read(Path::new("nowhere")).is_none());
        let garbage = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(garbage.path(), [255; 100]).unwrap();
        assert!(Weights::read(garbage.path()).is_none());
    }
}
