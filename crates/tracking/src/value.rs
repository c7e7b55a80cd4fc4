//! The value of a hyperparameter.

use std::cmp::Ordering;
use std::fmt;

/// A whole number, a real number or text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// Returns the number; `None` for text.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "for comparing and plotting")]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// Returns the value as tables and messages show it, with [`short_number`].
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Real(number) => short_number(*number),
            Self::Integer(_) | Self::Text(_) => self.to_string(),
        }
    }

    /// Compares two values. Numbers come before text; numbers are ordered by size, text by
    /// character code.
    #[must_use]
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => match (a.as_number(), b.as_number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }
}

/// Formats reals in the shortest form that parses back to the same bits: `0.0`, `0.01`, `1e-7`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// The shortest exact notation: `0`, `0.01`, `1e-4`.
#[must_use]
pub fn short_number(number: f64) -> String {
    let (plain, scientific) = (number.to_string(), format!("{number:e}"));
    let large = number.abs() >= 1e6;
    let small = number.abs() < 1.0 && scientific.len() < plain.len();
    if large || small { scientific } else { plain }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_in_their_shortest_form() {
        let printed = [0.0, 0.01, 1e-7, 1.0].map(|real| Value::Real(real).to_string());
        assert_eq!(printed, ["0.0", "0.01", "1e-7", "1.0"]);
        assert_eq!(Value::from(32).to_string(), "32");
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let numbers = [0.0, 1e-4, 1e-3, 0.01, 0.0125, 0.1, 1.0, 10.0, 1000.0, 1e7, 5e-5];
        let expected =
            ["0", "1e-4", "1e-3", "0.01", "0.0125", "0.1", "1", "10", "1000", "1e7", "5e-5"];
        assert_eq!(numbers.map(short_number), expected);
    }

    #[test]
    fn numbers_sort_by_size_and_before_text() {
        let mut values = [
            Value::from("zeros"),
            Value::from(100),
            Value::from(16),
            Value::from(99.5),
            Value::from("a"),
        ];
        values.sort_by(Value::total_cmp);
        let printed: Vec<_> = values.iter().map(Value::to_string).collect();
        assert_eq!(printed, ["16", "99.5", "100", "a", "zeros"]);
    }
}
