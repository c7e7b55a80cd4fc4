//! Where a value stands on an axis, and where the axis has its ticks.

use std::collections::HashMap;

use super::number::{Format, plain};

/// Where on an axis something stands: at a number, or at a word of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// On a linear or logarithmic axis.
    Number(f64),
    /// On an axis of words.
    Word(String),
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, as a share of the axis.
    pub at: f64,
    /// What is written at it.
    pub label: String,
}

/// An axis: its values, from 0 (its start) to 1 (its end).
#[derive(Debug, Clone)]
pub struct Scale {
    course: Course,
    margin: f64,
    /// From start to end, without repetition: of numbers at most ten.
    pub ticks: Vec<Tick>,
}

#[derive(Debug, Clone)]
enum Course {
    Linear(f64, f64),
    Logarithmic(f64, f64),
    /// Evenly spaced, each with its number.
    Steps(HashMap<String, usize>),
}

/// Most ticks of an axis of numbers.
const MOST: usize = 10;
/// From this ratio of greatest to least on, positive numbers stand on a logarithmic axis.
const WIDE: f64 = 20.0;
/// So many distinct values are levels: each has a tick.
const LEVELS: usize = 8;
/// Levels that stand closer, as a share of the axis, are spaced evenly instead.
const CLOSE: f64 = 0.07;
/// Between the greatest and the least number beside a 0: from here on they are spaced evenly too.
const CROWDED: f64 = 8.0;

impl Scale {
    /// Linear, with round ticks; `margin` is the share of the axis that stays free at either end.
    pub fn linear(values: impl Iterator<Item = f64>, format: Format, margin: f64) -> Self {
        let values = distinct(values);
        let Some((low, high)) = ends(&values) else { return Self::empty() };
        let whole = format == Format::Number && values.iter().all(|it| it.fract() == 0.0);
        Self::marked(Course::Linear(low, high), margin, round_ticks(low, high, format, whole))
    }

    /// Logarithmic, with ticks at 1, 2, 5 or decades; what is not above 0 has no place.
    pub fn logarithmic(values: impl Iterator<Item = f64>, format: Format, margin: f64) -> Self {
        let values = distinct(values.filter(|it| *it > 0.0));
        let Some((low, high)) = ends(&values) else { return Self::empty() };
        Self::marked(Course::Logarithmic(low, high), margin, rungs(low, high, format))
    }

    /// Logarithmic where positive values span enough, else linear.
    pub fn numbers(values: impl Iterator<Item = f64>, format: Format, margin: f64) -> Self {
        let values = distinct(values);
        if wide(&values) {
            Self::logarithmic(values.into_iter(), format, margin)
        } else {
            Self::linear(values.into_iter(), format, margin)
        }
    }

    /// What suits the `places`: words stand evenly, numbers where they are; few distinct numbers have a tick each, and
    /// stand evenly where they would be too close to read.
    pub fn suited<'a>(
        places: impl Iterator<Item = &'a Place> + Clone,
        format: Format,
        margin: f64,
    ) -> Self {
        let numbers = distinct(places.clone().filter_map(|place| match place {
            Place::Number(number) => Some(*number),
            Place::Word(_) => None,
        }));
        let mut words = places.filter_map(|place| match place {
            Place::Word(word) => Some(word.as_str()),
            Place::Number(_) => None,
        });
        if let Some(first) = words.next() {
            return Self::steps(&numbers, std::iter::once(first).chain(words), format);
        }
        let scale = Self::numbers(numbers.iter().copied(), format, margin);
        if numbers.len() > LEVELS {
            return scale;
        }
        // A logarithm has no place for a 0, and a linear scale crowds what is near it.
        if let [0.0, least, .., greatest] = numbers[..]
            && greatest >= CROWDED * least
        {
            return Self::steps(&numbers, std::iter::empty(), format);
        }
        let levels: Vec<(f64, f64)> =
            numbers.iter().filter_map(|it| Some((*it, scale.at(*it)?))).collect();
        if levels.windows(2).any(|pair| pair[1].1 - pair[0].1 < CLOSE) {
            return Self::steps(&numbers, std::iter::empty(), format);
        }
        let ticks = levels.into_iter().map(|(value, at)| Tick { at, label: format.alone(value) });
        Self { ticks: ticks.collect(), ..scale }
    }

    fn empty() -> Self {
        Self { course: Course::Steps(HashMap::new()), margin: 0.0, ticks: Vec::new() }
    }

    fn steps<'a>(numbers: &[f64], words: impl Iterator<Item = &'a str>, format: Format) -> Self {
        let mut steps = HashMap::new();
        let mut labels = Vec::new();
        for number in numbers {
            steps.insert(key(*number), labels.len());
            labels.push(format.alone(*number));
        }
        for word in words {
            if !steps.contains_key(word) {
                steps.insert(word.to_owned(), labels.len());
                labels.push(word.to_owned());
            }
        }
        let count = labels.len();
        let tick = |(index, label)| Tick { at: middle(index, count), label };
        let ticks = labels.into_iter().enumerate().map(tick).collect();
        Self { course: Course::Steps(steps), margin: 0.0, ticks }
    }

    fn marked(course: Course, margin: f64, marks: Vec<(f64, String)>) -> Self {
        let mut scale = Self { course, margin, ticks: Vec::new() };
        let ticks = marks
            .into_iter()
            .filter_map(|(value, label)| Some(Tick { at: scale.at(value)?, label }));
        let mut ticks: Vec<Tick> = ticks.collect();
        ticks.dedup_by(|after, before| after.at <= before.at);
        scale.ticks = ticks;
        scale
    }

    /// Where `number` stands, if it has a place.
    pub fn at(&self, number: f64) -> Option<f64> {
        if !number.is_finite() {
            return None;
        }
        let inside = |share: f64| self.margin + (1.0 - 2.0 * self.margin) * share.clamp(0.0, 1.0);
        match &self.course {
            Course::Linear(low, high) => Some(inside(share(number, *low, *high))),
            Course::Logarithmic(low, high) if number > 0.0 => {
                Some(inside(share(number.log10(), low.log10(), high.log10())))
            }
            Course::Logarithmic(..) => None,
            Course::Steps(steps) => {
                steps.get(&key(number)).map(|index| middle(*index, steps.len()))
            }
        }
    }

    /// Where `place` stands, if it has one.
    pub fn of(&self, place: &Place) -> Option<f64> {
        match (place, &self.course) {
            (Place::Number(number), _) => self.at(*number),
            (Place::Word(word), Course::Steps(steps)) => {
                steps.get(word).map(|index| middle(*index, steps.len()))
            }
            (Place::Word(_), _) => None,
        }
    }
}

/// `number` between `low` and `high`; halved, so that no range is too large. Where they are the same, the middle.
fn share(number: f64, low: f64, high: f64) -> f64 {
    let range = high / 2.0 - low / 2.0;
    if range > 0.0 { (number / 2.0 - low / 2.0) / range } else { 0.5 }
}

#[allow(clippy::cast_precision_loss, reason = "few")]
fn middle(index: usize, count: usize) -> f64 {
    (index as f64 + 0.5) / count.max(1) as f64
}

fn key(number: f64) -> String {
    (number + 0.0).to_string()
}

/// The finite ones, ascending.
fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|it| it.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn ends(values: &[f64]) -> Option<(f64, f64)> {
    Some((*values.first()?, *values.last()?))
}

/// Whether distinct, ascending `values` are read better by their ratios: they span enough, or are a geometric sequence.
fn wide(values: &[f64]) -> bool {
    let Some((low, high)) = ends(values) else { return false };
    if low <= 0.0 {
        return false;
    }
    let ratios: Vec<f64> = values.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let even = |ratio: &f64| (ratio - ratios[0]).abs() < 0.15 * ratios[0];
    high / low >= WIDE || (ratios.len() >= 2 && ratios.iter().all(even))
}

/// At most six multiples of 1, 2 or 5 × 10ⁿ between `low` and `high`, or these where there is no room for a digit more.
#[allow(clippy::cast_possible_truncation, reason = "checked")]
fn round_ticks(low: f64, high: f64, format: Format, whole: bool) -> Vec<(f64, String)> {
    let (scale, suffix) = format.unit(low.abs().max(high.abs()));
    let (from, to) = (scale * low, scale * high);
    let bounds = || vec![(low, plain(from) + suffix), (high, plain(to) + suffix)];
    let rough = to / 5.0 - from / 5.0;
    if low >= high || rough <= 0.0 {
        return vec![(low, plain(from) + suffix)];
    }
    let floor = rough.log10().floor() as i32;
    let steps = [(1, floor), (2, floor), (5, floor), (1, floor + 1)];
    let found = steps.into_iter().find(|it| decimal(it.0, it.1) >= rough * (1.0 - 1e-9));
    let (mantissa, power) = match found {
        Some((_, power)) if whole && power < 0 => (1, 0),
        Some(step) => step,
        None => return bounds(),
    };
    let step = decimal(mantissa, power);
    let (first, last) = ((from / step).ceil(), (to / step).floor());
    if !(first.abs() < 1e12 && last.abs() < 1e12) {
        return bounds();
    }
    let multiples = (first as i64..=last as i64).take(MOST).map(|it| decimal(it * mantissa, power));
    let inside = multiples.filter(|it| (from..=to).contains(it));
    inside.map(|it| ((it / scale).clamp(low, high), written(it, power) + suffix)).collect()
}

/// A multiple of 10^`power`.
fn written(number: f64, power: i32) -> String {
    let decimals = usize::try_from(-power).unwrap_or(0);
    if number.abs() >= 1e6 || decimals > 5 {
        crate::wording::short(number)
    } else {
        format!("{number:.decimals$}")
    }
}

/// `mantissa` × 10^`power`, correctly rounded.
fn decimal(mantissa: i64, power: i32) -> f64 {
    format!("{mantissa}e{power}").parse().unwrap_or(0.0)
}

/// 1, 2, 5 of each decade between `low` and `high`; only its 1 where these are too many. Without two of them, round ticks.
fn rungs(low: f64, high: f64, format: Format) -> Vec<(f64, String)> {
    let fine = ladder(low, high, format, &[1, 2, 5]);
    let rungs = if fine.len() > 8 { ladder(low, high, format, &[1]) } else { fine };
    if rungs.len() < 2 {
        return round_ticks(low, high, format, false);
    }
    let every = rungs.len().div_ceil(MOST);
    rungs.into_iter().step_by(every).map(|it| (it, format.alone(it))).collect()
}

/// Seconds are round in minutes and hours, too.
#[allow(clippy::cast_possible_truncation, reason = "exponents of f64")]
fn ladder(low: f64, high: f64, format: Format, mantissas: &[i64]) -> Vec<f64> {
    let units: &[(f64, f64, f64)] = match format {
        Format::Seconds => {
            &[(1.0, 0.0, 50.0), (60.0, 60.0, 3000.0), (3600.0, 3600.0, f64::INFINITY)]
        }
        Format::Number | Format::Percent => &[(1.0, 0.0, f64::INFINITY)],
    };
    let mut rungs = Vec::new();
    for (unit, from, below) in units {
        let powers = (low / unit).log10().floor() as i32..=(high / unit).log10().floor() as i32;
        let all =
            powers.flat_map(|power| mantissas.iter().map(move |it| unit * decimal(*it, power)));
        rungs.extend(all.filter(|it| (*from..*below).contains(it) && (low..=high).contains(it)));
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    fn linear(values: &[f64], format: Format) -> Scale {
        Scale::linear(values.iter().copied(), format, 0.0)
    }

    fn logarithmic(values: &[f64], format: Format) -> Scale {
        Scale::logarithmic(values.iter().copied(), format, 0.0)
    }

    fn suited(values: &[f64]) -> Scale {
        let places: Vec<Place> = values.iter().map(|it| Place::Number(*it)).collect();
        Scale::suited(places.iter(), Format::Number, 0.0)
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            labels(&linear(&[0.852, 0.921], Format::Percent)),
            ["86 %", "88 %", "90 %", "92 %"]
        );
        assert_eq!(
            labels(&linear(&[0.0, 0.3, 1.0], Format::Number)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&linear(&[1.0, 2.0, 3.0], Format::Number)), ["1", "2", "3"]);
        assert_eq!(
            labels(&linear(&[0.0, 5400.0], Format::Seconds)),
            ["0 min", "20 min", "40 min", "60 min", "80 min"]
        );
        assert_eq!(
            labels(&linear(&[-2e-7, 2e-7], Format::Number)),
            ["-2e-7", "-1e-7", "0", "1e-7", "2e-7"]
        );
    }

    #[test]
    fn logarithmic_ticks_are_ones_twos_and_fives() {
        assert_eq!(labels(&logarithmic(&[1.0, 40.0], Format::Number)), ["1", "2", "5", "10", "20"]);
        assert_eq!(
            labels(&logarithmic(&[1e-5, 1.0], Format::Number)),
            ["1e-5", "1e-4", "1e-3", "0.01", "0.1", "1"]
        );
        let times = ["2 s", "5 s", "10 s", "20 s", "1 min", "2 min"];
        assert_eq!(labels(&logarithmic(&[2.0, 240.0], Format::Seconds)), times);
        assert_eq!(
            labels(&logarithmic(&[1.0, 9000.0], Format::Seconds)),
            ["1 s", "10 s", "1 min", "10 min", "1 h"]
        );
    }

    #[test]
    fn few_values_have_a_tick_each() {
        let scale = suited(&[16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
        assert_eq!(labels(&scale), ["16", "32", "64", "128", "256", "512"]);
        let halfway = scale.at((16.0_f64 * 512.0).sqrt());
        assert!(halfway.is_some_and(|it| (it - 0.5).abs() < 1e-9), "logarithmic");
        let levels = suited(&[0.0, 1e-4, 1e-3, 0.01]);
        assert_eq!(labels(&levels), ["0", "1e-4", "1e-3", "0.01"]);
        assert_eq!(levels.at(1e-4), Some(0.375), "even");
        assert_eq!(levels.at(0.5), None);
    }

    #[test]
    fn words_stand_evenly_after_numbers() {
        let places = [
            Place::Word("adam".into()),
            Place::Number(2.0),
            Place::Word("sgd".into()),
            Place::Number(1.0),
        ];
        let scale = Scale::suited(places.iter(), Format::Number, 0.0);
        assert_eq!(labels(&scale), ["1", "2", "adam", "sgd"]);
        assert_eq!(scale.of(&places[0]), Some(0.625));
        assert_eq!(scale.of(&Place::Word("none".into())), None);
    }

    #[test]
    fn one_value_and_none() {
        assert_eq!(
            linear(&[3.5, 3.5], Format::Number).ticks,
            [Tick { at: 0.5, label: "3.5".to_owned() }]
        );
        assert_eq!(
            logarithmic(&[3.5], Format::Number).ticks,
            [Tick { at: 0.5, label: "3.5".to_owned() }]
        );
        assert!(linear(&[f64::NAN, f64::INFINITY], Format::Number).ticks.is_empty());
        assert_eq!(linear(&[], Format::Number).at(1.0), None);
        assert_eq!(logarithmic(&[1.0, 100.0], Format::Number).at(-1.0), None);
    }

    #[test]
    fn ends_of_a_range_without_room_for_digits() {
        let next = 1e16_f64.next_up();
        assert_eq!(linear(&[1e16, next], Format::Number).ticks.len(), 2);
        assert_eq!(linear(&[-f64::MAX, f64::MAX], Format::Number).at(0.0), Some(0.5));
    }

    proptest! {
        #[test]
        fn ticks_are_few_ordered_and_inside(
            values in proptest::collection::vec(proptest::num::f64::ANY, 0..20),
            near in proptest::collection::vec(-1e3..1e3_f64, 0..20),
            format in proptest::sample::select(vec![Format::Number, Format::Percent, Format::Seconds]),
        ) {
            for values in [values, near] {
                let places: Vec<Place> = values.iter().map(|it| Place::Number(*it)).collect();
                let scales = [
                    Scale::linear(values.iter().copied(), format, 0.05),
                    Scale::logarithmic(values.iter().copied(), format, 0.05),
                    Scale::suited(places.iter(), format, 0.05),
                ];
                for scale in scales {
                    prop_assert!(scale.ticks.len() <= MOST);
                    prop_assert!(scale.ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
                    prop_assert!(scale.ticks.iter().all(|it| (0.0..=1.0).contains(&it.at)));
                    let placed = values.iter().filter_map(|it| scale.at(*it));
                    prop_assert!(placed.clone().all(|it| (0.0..=1.0).contains(&it)));
                    prop_assert!(scale.ticks.is_empty() == (placed.count() == 0));
                }
            }
        }
    }
}
