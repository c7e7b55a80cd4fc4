//! How numbers are written beside a chart.

use crate::wording::short;

/// What the numbers of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As they are.
    Number,
    /// Fractions, written per cent: 0.914 is `91.4 %`.
    Percent,
    /// Seconds, written in the unit that suits them.
    Seconds,
}

impl Format {
    /// What numbers up to `greatest` are multiplied by, and what follows them: at least two minutes make a scale of minutes.
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

    /// A number that stands for itself, so that one minute is in minutes: whole numbers in full, of others four digits.
    pub fn alone(self, value: f64) -> String {
        let (scale, suffix) = self.unit(2.0 * value);
        plain(scale * value) + suffix
    }

    /// How to write numbers between `low` and `high`, so that a thousandth of the range shows, as in the tables.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn between(self, low: f64, high: f64) -> Notation {
        let (scale, suffix) = self.unit(low.abs().max(high.abs()));
        let range = scale * (high / 2.0 - low / 2.0) * 2.0;
        let exponent = range.log10().floor();
        let decimals =
            (range > 0.0 && exponent > -5.0).then(|| (2.0 - exponent).clamp(0.0, 6.0) as usize);
        Notation { scale, suffix, decimals }
    }
}

/// How the numbers of a range are written: in one unit, with as many decimals.
#[derive(Debug, Clone, Copy)]
pub struct Notation {
    scale: f64,
    suffix: &'static str,
    decimals: Option<usize>,
}

impl Notation {
    /// `value`, written so.
    pub fn text(&self, value: f64) -> String {
        let scaled = self.scale * value;
        let number = match self.decimals {
            Some(decimals) if scaled.abs() < 1e6 => format!("{scaled:.decimals$}"),
            _ => plain(scaled),
        };
        let zero = number.bytes().all(|it| matches!(it, b'-' | b'0' | b'.'));
        (if zero { number.trim_start_matches('-').to_owned() } else { number }) + self.suffix
    }
}

/// Whole numbers in full, four digits of others.
pub fn plain(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e6 {
        return short(number + 0.0);
    }
    short(format!("{number:.3e}").parse().unwrap_or(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_their_unit() {
        let alone = [(Format::Percent, 0.914), (Format::Seconds, 0.002), (Format::Seconds, 120.0)];
        assert_eq!(alone.map(|(format, value)| format.alone(value)), ["91.4 %", "2 ms", "2 min"]);
        let numbers = [0.0, 65536.0, 0.012_345, 1e-4, 1e300].map(|it| Format::Number.alone(it));
        assert_eq!(numbers, ["0", "65536", "0.01235", "1e-4", "1e300"]);
    }

    #[test]
    fn digits_suit_the_range() {
        assert_eq!(Format::Percent.between(0.85, 0.92).text(0.914), "91.40 %");
        assert_eq!(Format::Number.between(0.2, 0.9).text(-0.0001), "0.000");
        assert_eq!(Format::Number.between(0.0, 400.0).text(123.4), "123");
        assert_eq!(Format::Number.between(2.0, 2.0).text(2.0), "2");
        assert_eq!(Format::Seconds.between(30.0, 80.0).text(61.26), "61.3 s");
        assert_eq!(Format::Seconds.between(30.0, 400.0).text(90.0), "1.50 min");
    }
}
