//! Encodes pixels and labels as numbers for a model.

/// Scales a pixel from 0…255 to 0…1.
#[must_use]
pub fn normalise(pixel: u8) -> f32 {
    f32::from(pixel) / 255.0
}

/// Encodes `label` as a vector of `classes` numbers: 1 at the label and 0 elsewhere. Equals
/// `to_categorical` of Keras.
#[must_use]
pub fn one_hot(label: u8, classes: usize) -> Vec<f32> {
    (0..classes).map(|class| if class == usize::from(label) { 1.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tutorial prints row 5 of the first training image divided by 255.
    #[test]
    fn normalised_pixels_equal_the_tutorial() {
        let row = [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127].map(normalise);
        let tutorial = [
            0.01176471, 0.07058824, 0.07058824, 0.07058824, 0.49411765, 0.53333333, 0.68627451,
            0.10196078, 0.65098039, 1., 0.96862745, 0.49803922,
        ];
        for (pixel, expected) in row.into_iter().zip(tutorial) {
            assert!((f64::from(pixel) - expected).abs() < 5e-8, "{pixel} is not {expected}");
        }
    }

    #[test]
    fn one_hot_equals_to_categorical() {
        assert_eq!(one_hot(5, 10), [0., 0., 0., 0., 0., 1., 0., 0., 0., 0.]);
        assert_eq!(one_hot(1, 5), [0., 1., 0., 0., 0.]);
    }
}
