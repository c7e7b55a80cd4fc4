//! Axis scales: they map values to positions on an axis and choose its ticks.

#[cfg(test)]
mod tests;
mod ticks;

use std::collections::HashMap;

use super::number::NumberFormat;

/// A value on an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum AxisValue {
    /// A number, on any axis.
    Number(f64),
    /// A text, on an axis of evenly spaced values.
    Category(String),
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Position on the axis, from 0 to 1.
    pub position: f64,
    /// Text at the mark.
    pub label: String,
}

/// The scale of an axis: maps values to positions from 0 (start of the axis) to 1 (its end).
#[derive(Debug, Clone)]
pub struct Scale {
    mapping: Mapping,
    /// Share of the axis that stays free at either end.
    margin: f64,
    /// The ticks in ascending order of their distinct positions.
    pub ticks: Vec<Tick>,
}

#[derive(Debug, Clone)]
enum Mapping {
    Linear(f64, f64),
    Logarithmic(f64, f64),
    /// Evenly spaced values: the index of each value by its text.
    Even(HashMap<String, usize>),
}

/// Positive numbers get a logarithmic axis if their greatest is at least this many times their
/// least.
const LOGARITHMIC_RATIO: f64 = 20.0;
/// Up to this many distinct numbers have one tick each.
const MAX_LEVELS: usize = 8;
/// Levels closer than this share of the axis are spaced evenly instead.
const MIN_LEVEL_SPACING: f64 = 0.07;
/// Levels that start with 0 are spaced evenly if the greatest is at least this many times the
/// second.
const EVEN_RATIO: f64 = 8.0;

impl Scale {
    /// A linear scale with round ticks. `margin` is the share of the axis that stays free at either
    /// end.
    pub fn linear(values: impl Iterator<Item = f64>, format: NumberFormat, margin: f64) -> Self {
        let values = sorted_distinct(values);
        let Some((low, high)) = first_and_last(&values) else { return Self::empty() };
        let integers = format == NumberFormat::Number && values.iter().all(|n| n.fract() == 0.0);
        let ticks = ticks::linear_ticks(low, high, format, integers);
        Self::with_ticks(Mapping::Linear(low, high), margin, ticks)
    }

    /// A logarithmic scale with ticks at 1, 2 and 5 of each decade, or at decades. It has no
    /// position for 0 and negative numbers.
    pub fn logarithmic(
        values: impl Iterator<Item = f64>,
        format: NumberFormat,
        margin: f64,
    ) -> Self {
        let values = sorted_distinct(values.filter(|value| *value > 0.0));
        let Some((low, high)) = first_and_last(&values) else { return Self::empty() };
        let ticks = ticks::logarithmic_ticks(low, high, format);
        Self::with_ticks(Mapping::Logarithmic(low, high), margin, ticks)
    }

    /// A logarithmic scale if the values are positive and span a wide range, else a linear one.
    pub fn of_numbers(
        values: impl Iterator<Item = f64>,
        format: NumberFormat,
        margin: f64,
    ) -> Self {
        let values = sorted_distinct(values);
        if suits_logarithm(&values) {
            Self::logarithmic(values.into_iter(), format, margin)
        } else {
            Self::linear(values.into_iter(), format, margin)
        }
    }

    /// A scale for numbers and categories. If there is a category, all values are evenly spaced.
    /// Few distinct numbers have one tick each, and are evenly spaced where their own positions
    /// would be too close.
    pub fn of_values<'a>(
        values: impl Iterator<Item = &'a AxisValue> + Clone,
        format: NumberFormat,
        margin: f64,
    ) -> Self {
        let numbers = sorted_distinct(values.clone().filter_map(|value| match value {
            AxisValue::Number(number) => Some(*number),
            AxisValue::Category(_) => None,
        }));
        let categories: Vec<&str> = values
            .filter_map(|value| match value {
                AxisValue::Category(category) => Some(category.as_str()),
                AxisValue::Number(_) => None,
            })
            .collect();
        if !categories.is_empty() {
            return Self::even(&numbers, &categories, format);
        }
        let scale = Self::of_numbers(numbers.iter().copied(), format, margin);
        if numbers.len() > MAX_LEVELS {
            return scale;
        }
        // A logarithmic scale has no position for 0, and a linear one crowds the numbers near it.
        if let [0.0, least, .., greatest] = numbers[..]
            && greatest >= EVEN_RATIO * least
        {
            return Self::even(&numbers, &[], format);
        }
        let tick = |number: &f64| {
            Some(Tick { position: scale.position(*number)?, label: format.format(*number) })
        };
        let ticks: Vec<Tick> = numbers.iter().filter_map(tick).collect();
        if ticks.windows(2).any(|pair| pair[1].position - pair[0].position < MIN_LEVEL_SPACING) {
            return Self::even(&numbers, &[], format);
        }
        Self { ticks, ..scale }
    }

    fn empty() -> Self {
        Self { mapping: Mapping::Even(HashMap::new()), margin: 0.0, ticks: Vec::new() }
    }

    /// Evenly spaced values, each with its tick: numbers first, then categories.
    fn even(numbers: &[f64], categories: &[&str], format: NumberFormat) -> Self {
        let mut indices = HashMap::new();
        let mut labels = Vec::new();
        for number in numbers {
            indices.insert(number_key(*number), labels.len());
            labels.push(format.format(*number));
        }
        for category in categories {
            if !indices.contains_key(*category) {
                indices.insert((*category).to_owned(), labels.len());
                labels.push((*category).to_owned());
            }
        }
        let count = labels.len();
        let tick = |(index, label)| Tick { position: even_position(index, count), label };
        let ticks = labels.into_iter().enumerate().map(tick).collect();
        Self { mapping: Mapping::Even(indices), margin: 0.0, ticks }
    }

    /// A scale with ticks at these numbers. Ticks without a position of their own are dropped.
    fn with_ticks(mapping: Mapping, margin: f64, numbers: Vec<(f64, String)>) -> Self {
        let mut scale = Self { mapping, margin, ticks: Vec::new() };
        let mut ticks: Vec<Tick> = numbers
            .into_iter()
            .filter_map(|(number, label)| Some(Tick { position: scale.position(number)?, label }))
            .collect();
        ticks.dedup_by(|after, before| after.position <= before.position);
        scale.ticks = ticks;
        scale
    }

    /// Position of `number` on the axis, if it has one.
    pub fn position(&self, number: f64) -> Option<f64> {
        if !number.is_finite() {
            return None;
        }
        let within_margins =
            |share: f64| self.margin + (1.0 - 2.0 * self.margin) * share.clamp(0.0, 1.0);
        match &self.mapping {
            Mapping::Linear(low, high) => Some(within_margins(share_of_range(number, *low, *high))),
            Mapping::Logarithmic(low, high) if number > 0.0 => {
                let share = share_of_range(number.log10(), low.log10(), high.log10());
                Some(within_margins(share))
            }
            Mapping::Logarithmic(..) => None,
            Mapping::Even(indices) => {
                indices.get(&number_key(number)).map(|index| even_position(*index, indices.len()))
            }
        }
    }

    /// Position of `value` on the axis, if it has one.
    pub fn position_of(&self, value: &AxisValue) -> Option<f64> {
        match (value, &self.mapping) {
            (AxisValue::Number(number), _) => self.position(*number),
            (AxisValue::Category(category), Mapping::Even(indices)) => {
                indices.get(category).map(|index| even_position(*index, indices.len()))
            }
            (AxisValue::Category(_), _) => None,
        }
    }
}

/// Position of `number` between `low` (0) and `high` (1); 0.5 if the two are equal.
pub fn share_of_range(number: f64, low: f64, high: f64) -> f64 {
    // Halving first keeps the difference finite.
    let range = high / 2.0 - low / 2.0;
    if range > 0.0 { (number / 2.0 - low / 2.0) / range } else { 0.5 }
}

/// Position of the value at `index` of `count` evenly spaced values.
#[allow(clippy::cast_precision_loss, reason = "few values")]
fn even_position(index: usize, count: usize) -> f64 {
    (index as f64 + 0.5) / count.max(1) as f64
}

/// Key of a number among evenly spaced values.
fn number_key(number: f64) -> String {
    // Adding zero turns -0 into 0.
    (number + 0.0).to_string()
}

/// The distinct finite numbers among `values`, ascending.
fn sorted_distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn first_and_last(values: &[f64]) -> Option<(f64, f64)> {
    Some((*values.first()?, *values.last()?))
}

/// Whether a logarithmic scale suits these distinct, ascending `values`: they are positive, and
/// span a wide range or form a geometric sequence.
fn suits_logarithm(values: &[f64]) -> bool {
    let Some((low, high)) = first_and_last(values) else { return false };
    if low <= 0.0 {
        return false;
    }
    let ratios: Vec<f64> = values.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let is_like_first = |ratio: &f64| (ratio - ratios[0]).abs() < 0.15 * ratios[0];
    high / low >= LOGARITHMIC_RATIO || (ratios.len() >= 2 && ratios.iter().all(is_like_first))
}
