//! Numbers as text.

use analysis::metric::Unit;

/// A number with this many decimals, or in scientific notation if it is too large for a column.
pub fn decimal(number: f64, decimals: usize) -> String {
    if number.abs() < 1e5 { format!("{number:.decimals$}") } else { format!("{number:.2e}") }
}

/// A number with three significant digits.
pub fn significant(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        return "0".to_owned();
    }
    match size {
        1e-3..1e5 => {
            let decimals =
                [100.0, 10.0, 1.0, 0.1, 0.01].iter().take_while(|least| size < **least).count();
            format!("{number:.decimals$}")
        }
        _ => format!("{number:.2e}"),
    }
}

/// A share in whole percent.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent > 0.0 && percent < 0.5 => "< 1 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// A value with its unit.
pub fn with_unit(unit: Unit, number: f64) -> String {
    match unit {
        Unit::Fraction | Unit::Percent => {
            format!("{} %", decimal(unit.scale() * number, 2))
        }
        Unit::Seconds => tracking::seconds(number),
        Unit::Number => significant(number),
    }
}

/// A difference with its unit; differences of percentages are in points.
pub fn difference(unit: Unit, amount: f64) -> String {
    match unit {
        Unit::Fraction | Unit::Percent => {
            format!("{} points", decimal(unit.scale() * amount, 2))
        }
        Unit::Seconds => tracking::seconds(amount),
        Unit::Number => significant(amount),
    }
}

/// Whether a formatted number is zero after rounding.
pub fn is_zero(text: &str) -> bool {
    !text.contains(|c: char| matches!(c, '1'..='9'))
}
