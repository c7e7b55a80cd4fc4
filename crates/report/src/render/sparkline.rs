//! Sparklines: a curve in one line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws `values` from the smallest (▁) to the largest (█) with at most `width` characters. In a
/// longer series, each character is the mean of several values. A constant series is a line in the
/// middle.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
pub fn sparkline(values: &[f64], width: usize) -> String {
    let points = averaged(values, width);
    let smallest = points.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = points.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = largest - smallest;
    let bar = |value: f64| {
        let height = if range > 0.0 { (value - smallest) / range * 7.0 } else { 3.0 };
        BARS[(height.round() as usize).min(7)]
    };
    points.into_iter().map(bar).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a few points")]
fn averaged(values: &[f64], width: usize) -> Vec<f64> {
    if values.len() <= width {
        return values.to_vec();
    }
    let share =
        |index: usize| &values[index * values.len() / width..(index + 1) * values.len() / width];
    (0..width).map(|index| share(index).iter().sum::<f64>() / share(index).len() as f64).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss)]
    use super::*;

    #[test]
    fn smallest_is_low_and_largest_is_high() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 60), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[3.0, 1.0], 60), "█▁");
        assert_eq!(sparkline(&[2.0, 2.0], 60), "▄▄");
        assert_eq!(sparkline(&[], 60), "");
    }

    #[test]
    fn long_series_fits_the_width() {
        let values: Vec<f64> = (0..1000).map(|number| number as f64).collect();
        assert_eq!(sparkline(&values, 8), "▁▂▃▄▅▆▇█");
    }
}
