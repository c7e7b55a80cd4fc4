//! Pixels and labels as a model wants them.

/// A pixel, 0 to 255, as a share of full intensity, 0 to 1.
#[must_use]
pub fn normalise(pixel: u8) -> f32 {
    f32::from(pixel) / 255.0
}

/// `label` as a vector of `classes` numbers, all 0 but a 1 at the label: Keras's `to_categorical`.
#[must_use]
pub fn one_hot(label: u8, classes: usize) -> Vec<f32> {
    (0..classes).map(|class| if class == usize::from(label) { 1.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tutorial prints row 5 of the first training image divided by 255.
    #[test]
    fn pixels_as_the_tutorial_prints_them() {
        let row = [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127].map(normalise);
        let tutorial = [
            0.01176471, 0.07058824, 0.07058824, 0.07058824, 0.49411765, 0.53333333, 0.68627451,
            0.10196078, 0.65098039, 1., 0.96862745, 0.49803922,
        ];
        for (pixel, printed) in row.into_iter().zip(tutorial) {
            assert!((f64::from(pixel) - printed).abs() < 5e-8, "{pixel} is not {printed}");
        }
    }

    #[test]
    fn to_categorical_of_the_tutorial() {
        assert_eq!(one_hot(5, 10), [0., 0., 0., 0., 0., 1., 0., 0., 0., 0.]);
        assert_eq!(one_hot(1, 5), [0., 1., 0., 0., 0.]);
    }
}
