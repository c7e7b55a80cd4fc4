//! Formats the numbers of a metric difference.

use analysis::metric::Unit;
use analysis::samples::Difference;

use super::metric::MetricDifference;
use crate::number_format;

/// The number of decimals for a metric: two significant digits of its uncertainty.
#[derive(Clone, Copy)]
pub struct Digits {
    unit: Unit,
    decimals: usize,
    /// Whether differences are too small for decimals.
    is_scientific: bool,
}

impl Digits {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn of(difference: &MetricDifference) -> Self {
        let unit = difference.metric.unit;
        let usual = if unit.is_points() { 2.0 } else { 3.0 };
        let interval = difference.difference.interval();
        let half_width = interval.map_or(0.0, |interval| (interval.high - interval.low) / 2.0);
        let uncertainty =
            if half_width > 0.0 { half_width } else { difference.difference.mean.abs() };
        let uncertainty = unit.scale() * uncertainty;
        let decimals = if uncertainty > 0.0 { 1.0 - uncertainty.log10().floor() } else { usual };
        Self {
            unit,
            decimals: decimals.clamp(usual, usual + 2.0) as usize,
            is_scientific: decimals > usual + 3.0,
        }
    }

    /// Formats a value with its unit.
    pub fn value(self, value: f64) -> String {
        match self.unit {
            Unit::Fraction | Unit::Percent => {
                number_format::decimal(self.unit.scale() * value, self.decimals) + " %"
            }
            Unit::Seconds => tracking::seconds(value),
            Unit::Number => number_format::decimal(value, self.decimals),
        }
    }

    /// Formats the absolute value of a difference.
    pub fn size(self, difference: f64) -> String {
        let size = self.unit.scale() * difference.abs();
        match size {
            0.0 => "0".to_owned(),
            _ if self.is_scientific => format!("{size:.1e}"),
            _ => number_format::decimal(size, self.decimals),
        }
    }

    /// Formats a difference with its sign.
    pub fn signed(self, difference: f64) -> String {
        let sign = if difference < 0.0 { "-" } else { "+" };
        let size = self.size(difference);
        if size == "0" { size } else { format!("{sign}{size}") }
    }
}

/// Formats the p-value of a difference; `—` if there is no test.
pub fn p_value(difference: &Difference) -> String {
    difference.p().map_or_else(|| "—".to_owned(), shown_p)
}

/// Formats a p-value.
pub fn shown_p(p: f64) -> String {
    match p {
        ..0.001 => "<0.001".to_owned(),
        ..0.1 => format!("{p:.3}"),
        _ => format!("{p:.2}"),
    }
}
