//! Formats of numbers on axes, in cells and in tooltips.

use tracking::short_number;

/// What kind of number an axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// A number without a unit.
    Number,
    /// A fraction, written in per cent: 0.914 is `91.4 %`.
    Percent,
    /// Seconds, written in a unit that suits their size.
    Seconds,
}

impl NumberFormat {
    /// Factor and unit for numbers up to `greatest`. Times of two minutes and more are in minutes.
    pub fn unit(self, greatest: f64) -> (f64, &'static str) {
        match (self, greatest.abs()) {
            (Self::Number, _) => (1.0, ""),
            (Self::Percent, ..1e6) => (100.0, " %"),
            (Self::Percent, _) => (1.0, ""),
            (Self::Seconds, 0.0) => (1.0, " s"),
            (Self::Seconds, ..1e-3) => (1e6, " µs"),
            (Self::Seconds, ..1.0) => (1e3, " ms"),
            (Self::Seconds, ..120.0) => (1.0, " s"),
            (Self::Seconds, ..7200.0) => (1.0 / 60.0, " min"),
            (Self::Seconds, _) => (1.0 / 3600.0, " h"),
        }
    }

    /// Formats one number by its own size: an integer in full, others with four digits.
    pub fn format(self, value: f64) -> String {
        // The doubled value makes a single time of one minute or more appear in minutes.
        let (factor, unit) = self.unit(2.0 * value);
        four_digits(factor * value) + unit
    }

    /// The format of numbers from `low` to `high`. It shows a thousandth of the range, as the
    /// tables do.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn for_range(self, low: f64, high: f64) -> RangeFormat {
        let (factor, unit) = self.unit(low.abs().max(high.abs()));
        // Halving first keeps the difference finite.
        let range = factor * (high / 2.0 - low / 2.0) * 2.0;
        let exponent = range.log10().floor();
        let decimals =
            (range > 0.0 && exponent > -5.0).then(|| (2.0 - exponent).clamp(0.0, 6.0) as usize);
        RangeFormat { factor, unit, decimals }
    }

    /// The format of the finite numbers among `values`.
    pub fn for_values(self, values: impl Iterator<Item = f64>) -> RangeFormat {
        let (low, high) = bounds(values);
        self.for_range(low, high)
    }
}

/// Least and greatest of the finite numbers among `values`; `(f64::MAX, f64::MIN)` without any.
pub fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
}

/// Format of the numbers of a range: the same unit and the same number of decimals.
#[derive(Debug, Clone, Copy)]
pub struct RangeFormat {
    factor: f64,
    unit: &'static str,
    /// `None` for four digits.
    decimals: Option<usize>,
}

impl RangeFormat {
    /// Formats `value` with its unit.
    pub fn format(&self, value: f64) -> String {
        let scaled = self.factor * value;
        let number = match self.decimals {
            Some(decimals) if scaled.abs() < 1e6 => format!("{scaled:.decimals$}"),
            _ => four_digits(scaled),
        };
        let is_zero = number.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
        let number = if is_zero { number.trim_start_matches('-').to_owned() } else { number };
        number + self.unit
    }
}

/// Formats an integer in full and any other number with four digits.
pub fn four_digits(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e6 {
        // Adding zero turns -0 into 0.
        return short_number(number + 0.0);
    }
    short_number(format!("{number:.3e}").parse().unwrap_or(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_number_has_a_unit_of_its_size() {
        let numbers = [
            (NumberFormat::Percent, 0.914),
            (NumberFormat::Seconds, 0.002),
            (NumberFormat::Seconds, 120.0),
        ];
        let formatted = numbers.map(|(format, value)| format.format(value));
        assert_eq!(formatted, ["91.4 %", "2 ms", "2 min"]);
        let numbers = [0.0, 65536.0, 0.012_345, 1e-4, 1e300];
        let formatted = numbers.map(|number| NumberFormat::Number.format(number));
        assert_eq!(formatted, ["0", "65536", "0.01235", "1e-4", "1e300"]);
    }

    #[test]
    fn range_determines_decimals_and_unit() {
        assert_eq!(NumberFormat::Percent.for_range(0.85, 0.92).format(0.914), "91.40 %");
        assert_eq!(NumberFormat::Number.for_range(0.2, 0.9).format(-0.0001), "0.000");
        assert_eq!(NumberFormat::Number.for_range(0.0, 400.0).format(123.4), "123");
        assert_eq!(NumberFormat::Number.for_range(2.0, 2.0).format(2.0), "2");
        assert_eq!(NumberFormat::Seconds.for_range(30.0, 80.0).format(61.26), "61.3 s");
        assert_eq!(NumberFormat::Seconds.for_range(30.0, 400.0).format(90.0), "1.50 min");
    }
}
