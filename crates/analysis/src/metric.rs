//! How metrics are shown: their units and positions in tables.

use tracking::Direction;
use tracking::metric::{Quantity, quantity};

use crate::statistics::Interval;

/// The unit in which a metric is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction from 0 to 1, shown in percent.
    Fraction,
    /// A percentage from 0 to 100, shown unchanged.
    Percent,
    /// Seconds.
    Seconds,
    /// A plain number.
    Number,
}

impl Unit {
    /// The unit of the metric `name`. `largest` is the largest absolute value: an accuracy above 1
    /// was logged in percent.
    pub fn of(name: &str, largest: f64) -> Self {
        match quantity(name) {
            Quantity::Accuracy if largest <= 1.0 => Self::Fraction,
            Quantity::Accuracy if largest <= 100.0 => Self::Percent,
            Quantity::Seconds => Self::Seconds,
            _ => Self::Number,
        }
    }

    /// The factor from a recorded value to the shown number.
    pub fn scale(self) -> f64 {
        if self == Self::Fraction { 100.0 } else { 1.0 }
    }

    /// The largest possible value, and difference of two values, in recorded units; `None` if the
    /// unit implies none. The smallest value is then 0.
    pub fn largest(self) -> Option<f64> {
        match self {
            Self::Fraction => Some(1.0),
            Self::Percent => Some(100.0),
            Self::Seconds | Self::Number => None,
        }
    }

    /// Limits of a value without the impossible values, which have no probability.
    pub fn clip_value(self, limits: Interval) -> Interval {
        self.largest().map_or(limits, |largest| limits.clamp(0.0, largest))
    }

    /// Limits of a difference of two values without the impossible differences.
    pub fn clip_difference(self, limits: Interval) -> Interval {
        self.largest().map_or(limits, |largest| limits.clamp(-largest, largest))
    }

    /// Whether differences are percentage points.
    pub fn is_points(self) -> bool {
        matches!(self, Self::Fraction | Self::Percent)
    }
}

/// A metric of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The name in the store.
    pub name: String,
    /// Whether lower or higher is better; `None` if unknown.
    pub direction: Option<Direction>,
    /// The unit in which it is shown.
    pub unit: Unit,
}

impl Metric {
    /// Negates a value if lower is better, so that higher is better; also converts it back.
    pub fn oriented(&self, value: f64) -> f64 {
        if self.is_minimized() { -value } else { value }
    }

    /// Whether lower is better.
    pub fn is_minimized(&self) -> bool {
        self.direction == Some(Direction::Minimize)
    }
}

/// The position of a metric in tables. Unknown metrics come after the known ones and before time.
pub fn position(name: &str) -> usize {
    const ORDER: [&str; 6] =
        ["val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss"];
    match ORDER.iter().position(|known| *known == name) {
        Some(position) => position,
        None if name == "seconds" => ORDER.len() + 1,
        None => ORDER.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_an_accuracy_stay_possible() {
        let limits = |low, high| Interval { low, high };
        assert_eq!(Unit::Fraction.clip_value(limits(-0.2, 1.3)), limits(0.0, 1.0));
        assert_eq!(Unit::Fraction.clip_difference(limits(-2.24, 0.5)), limits(-1.0, 0.5));
        assert_eq!(Unit::Percent.clip_difference(limits(-224.0, 50.0)), limits(-100.0, 50.0));
        assert_eq!(Unit::Number.clip_difference(limits(-224.0, 50.0)), limits(-224.0, 50.0));
    }

    #[test]
    fn accuracy_above_one_is_a_percentage() {
        assert_eq!(Unit::of("std_test_acc", 0.02), Unit::Number);
        assert_eq!(Unit::of("test_accuracy", 0.93), Unit::Fraction);
        assert_eq!(Unit::of("test_accuracy", 91.2), Unit::Percent);
        assert_eq!(Unit::of("test_accuracy", 300.0), Unit::Number);
        assert_eq!(Unit::of("val/acc", 1.0), Unit::Fraction);
        assert_eq!(Unit::of("f1", 0.5), Unit::Number);
        assert_eq!(Unit::of("seconds", 3.0), Unit::Seconds);
        assert_eq!(Unit::of("images_per_second", 3.0), Unit::Number);
    }
}
