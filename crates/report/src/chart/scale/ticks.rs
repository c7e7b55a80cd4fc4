//! Ticks at round numbers, for linear and logarithmic axes of numbers.

use tracking::short_number;

use crate::chart::number::{NumberFormat, four_digits};

/// Largest number of ticks of an axis of numbers.
pub const MAX_TICKS: usize = 10;

/// Mantissas of round numbers in a decade.
const MANTISSAS: [i64; 3] = [1, 2, 5];

/// Ticks at about six multiples of 1, 2 or 5 × 10ⁿ between `low` and `high`. If the range is too
/// narrow for that, the ticks are `low` and `high`. With `integers`, ticks are only at integers.
#[allow(clippy::cast_possible_truncation, reason = "checked")]
pub fn linear_ticks(
    low: f64,
    high: f64,
    format: NumberFormat,
    integers: bool,
) -> Vec<(f64, String)> {
    let (factor, unit) = format.unit(low.abs().max(high.abs()));
    let (scaled_low, scaled_high) = (factor * low, factor * high);
    let tick_at_low = || (low, four_digits(scaled_low) + unit);
    let ticks_at_ends = || vec![tick_at_low(), (high, four_digits(scaled_high) + unit)];
    let min_step = scaled_high / 5.0 - scaled_low / 5.0;
    if low >= high || min_step <= 0.0 {
        return vec![tick_at_low()];
    }
    let (mantissa, exponent) = match round_step(min_step) {
        Some((_, exponent)) if integers && exponent < 0 => (1, 0),
        Some(step) => step,
        None => return ticks_at_ends(),
    };
    let step = decimal(mantissa, exponent);
    let (first, last) = ((scaled_low / step).ceil(), (scaled_high / step).floor());
    if !(first.abs() < 1e12 && last.abs() < 1e12) {
        return ticks_at_ends();
    }
    (first as i64..=last as i64)
        .take(MAX_TICKS)
        .map(|multiple| decimal(multiple * mantissa, exponent))
        .filter(|number| (scaled_low..=scaled_high).contains(number))
        .map(|number| {
            ((number / factor).clamp(low, high), format_multiple(number, exponent) + unit)
        })
        .collect()
}

/// The least of 1, 2 and 5 × 10ⁿ that is at least `minimum`, as mantissa and exponent.
#[allow(clippy::cast_possible_truncation, reason = "exponents of f64")]
fn round_step(minimum: f64) -> Option<(i64, i32)> {
    let exponent = minimum.log10().floor() as i32;
    let steps =
        MANTISSAS.map(|mantissa| (mantissa, exponent)).into_iter().chain([(1, exponent + 1)]);
    // The tolerance absorbs rounding errors of the logarithm.
    let mut large_enough = steps
        .filter(|(mantissa, exponent)| decimal(*mantissa, *exponent) >= minimum * (1.0 - 1e-9));
    large_enough.next()
}

/// Formats a multiple of 10^`exponent` without superfluous decimals.
fn format_multiple(number: f64, exponent: i32) -> String {
    let decimals = usize::try_from(-exponent).unwrap_or(0);
    if number.abs() >= 1e6 || decimals > 5 {
        short_number(number)
    } else {
        format!("{number:.decimals$}")
    }
}

/// `mantissa` × 10^`exponent`, correctly rounded.
fn decimal(mantissa: i64, exponent: i32) -> f64 {
    format!("{mantissa}e{exponent}").parse().unwrap_or(0.0)
}

/// Ticks at 1, 2 and 5 of each decade between `low` and `high`, or at decades only if those are too
/// many. If fewer than two are in the range, the ticks are linear.
pub fn logarithmic_ticks(low: f64, high: f64, format: NumberFormat) -> Vec<(f64, String)> {
    let mut numbers = numbers_of_decades(low, high, format, &MANTISSAS);
    if numbers.len() > 8 {
        numbers = numbers_of_decades(low, high, format, &[1]);
    }
    if numbers.len() < 2 {
        return linear_ticks(low, high, format, false);
    }
    let stride = numbers.len().div_ceil(MAX_TICKS);
    numbers.into_iter().step_by(stride).map(|number| (number, format.format(number))).collect()
}

/// The numbers from `low` to `high` that are one of `mantissas` × 10ⁿ. Times of a minute and more
/// are round in minutes, times of an hour and more in hours.
#[allow(clippy::cast_possible_truncation, reason = "exponents of f64")]
fn numbers_of_decades(low: f64, high: f64, format: NumberFormat, mantissas: &[i64]) -> Vec<f64> {
    // Size of the unit, and the range of numbers that are round in this unit.
    let units: &[(f64, f64, f64)] = match format {
        NumberFormat::Seconds => {
            &[(1.0, 0.0, 50.0), (60.0, 60.0, 3000.0), (3600.0, 3600.0, f64::INFINITY)]
        }
        NumberFormat::Number | NumberFormat::Percent => &[(1.0, 0.0, f64::INFINITY)],
    };
    let mut numbers = Vec::new();
    for (unit, from, below) in units {
        let exponents = (low / unit).log10().floor() as i32..=(high / unit).log10().floor() as i32;
        let round = exponents.flat_map(|exponent| {
            mantissas.iter().map(move |mantissa| unit * decimal(*mantissa, exponent))
        });
        numbers
            .extend(round.filter(|number| {
                (*from..*below).contains(number) && (low..=high).contains(number)
            }));
    }
    numbers
}
