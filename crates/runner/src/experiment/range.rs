//! A swept range: `{ from, to, step }` for integers, `{ from, to, count, scale }` for numbers. A
//! range to sample from has no count, and integers can have a scale.

use crate::experiment::MAX_TRIALS;
use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::file::{Entries, Node, Value, entry};
use crate::experiment::learner::{Hyperparameter, Kind};
use crate::experiment::section::{table, unknown_key};

/// A table with the keys of a range.
struct Range<'a> {
    node: &'a Node,
    entries: &'a Entries,
    from: &'a Node,
    to: &'a Node,
}

impl<'a> Range<'a> {
    /// Reads a table that has `from`, `to` and no unknown key.
    fn read(node: &'a Node) -> Result<Self, Diagnostic> {
        const KNOWN: [&str; 5] = ["from", "to", "step", "count", "scale"];
        let entries = table("range", node)?;
        if let Some((key, _)) = entries.iter().find(|(key, _)| !KNOWN.contains(&&*key.name)) {
            return Err(unknown_key(key, &KNOWN));
        }
        let bound = |name| {
            entry(entries, name).ok_or_else(|| missing(name, node, "expected { from = …, to = … }"))
        };
        Ok(Self { node, entries, from: bound("from")?, to: bound("to")? })
    }

    fn get(&self, name: &str) -> Option<&'a Node> {
        entry(self.entries, name)
    }

    fn has_integer_bounds(&self) -> bool {
        [self.from, self.to].iter().all(|bound| matches!(bound.value, Value::Integer(_)))
    }

    /// Rejects keys that belong to a range of another type.
    fn reject(&self, names: &[&str], label: &str) -> Result<(), Diagnostic> {
        match names.iter().find_map(|name| self.get(name).map(|node| (name, node))) {
            None => Ok(()),
            Some((name, node)) => {
                let message = format!("'{name}' does not fit this range");
                Err(Diagnostic::new(message, &node.span, label))
            }
        }
    }
}

/// Whether `node` is a range with a number of values.
pub fn has_count(node: &Node) -> bool {
    let has_count = |entries: &Entries| entry(entries, "count").is_some();
    node.is_range() && matches!(&node.value, Value::Table(entries) if has_count(entries))
}

/// The values of the range `node`, each as a node at its position.
///
/// Integers are `from`, `from + step` … up to and including `to`. Numbers are `count` values from
/// `from` to `to`, evenly spaced on a `linear` (default) or `log` scale. They are rounded to 12
/// significant digits, so that they have the same text and the same hash on every machine.
pub fn expand(hyperparameter: &Hyperparameter, node: &Node) -> Result<Vec<Node>, Diagnostic> {
    let range = Range::read(node)?;
    let interval = Interval::of(&range, hyperparameter)?;
    let values: Vec<Value> = match interval {
        Interval::Integers { from, to, step, .. } => {
            range.reject(&["scale"], "integers have a scale only in a sweep with 'sample'")?;
            if length(from, to, step) > MAX_TRIALS as i128 {
                return Err(too_many(node));
            }
            let next = |value: &i64| value.checked_add(step).filter(|next| *next <= to);
            std::iter::successors(Some(from), next).map(Value::Integer).collect()
        }
        Interval::Numbers { from, to, scale } => {
            let count = count(&range)?;
            #[allow(clippy::cast_precision_loss, reason = "at most 100,000")]
            let fraction = |index: i64| index as f64 / (count - 1) as f64;
            let value = |index| round(scale.at(from, to, fraction(index)));
            let numbers: Vec<f64> = (0..count).map(value).collect();
            // For a program, `{ from = 2, to = 8, count = 4 }` are integers.
            let may_be_whole = hyperparameter.kind == Kind::Any && range.has_integer_bounds();
            let integers: Option<Vec<Value>> =
                numbers.iter().map(|number| whole(*number)).collect();
            let numbers = || numbers.iter().copied().map(Value::Float).collect();
            integers.filter(|_| may_be_whole).unwrap_or_else(numbers)
        }
    };
    Ok(values.into_iter().map(|value| Node { value, span: node.span.clone() }).collect())
}

/// The values between the bounds of a range.
#[derive(Debug)]
pub enum Interval {
    /// `from`, `from + step` … up to and including `to`. A log scale has step 1.
    Integers {
        from: i64,
        to: i64,
        step: i64,
        scale: Scale,
    },
    Numbers {
        from: f64,
        to: f64,
        scale: Scale,
    },
}

/// How numbers are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
}

impl Interval {
    /// Reads a range without `count`. Also returns the nodes of its bounds.
    pub fn read<'a>(
        hyperparameter: &Hyperparameter,
        node: &'a Node,
    ) -> Result<(Self, [&'a Node; 2]), Diagnostic> {
        let range = Range::read(node)?;
        Ok((Self::of(&range, hyperparameter)?, [range.from, range.to]))
    }

    fn of(range: &Range<'_>, hyperparameter: &Hyperparameter) -> Result<Self, Diagnostic> {
        match hyperparameter.kind {
            Kind::Integer => Self::integers(range),
            Kind::Any if range.has_integer_bounds() && range.get("count").is_none() => {
                Self::integers(range)
            }
            Kind::Number | Kind::Any => Self::numbers(range),
            Kind::Choice(_) => {
                let message = format!("'{}' has no range", hyperparameter.name);
                Err(Diagnostic::new(message, &range.node.span, "expected a list of values"))
            }
        }
    }

    fn integers(range: &Range<'_>) -> Result<Self, Diagnostic> {
        range.reject(&["count"], "a range of integers has a step: { from, to, step }")?;
        let (from, to) = (integer(range.from)?, integer(range.to)?);
        let step_node = range.get("step");
        let step = step_node.map_or(Ok(1), integer)?;
        if step < 1 {
            let span = &step_node.unwrap_or(range.node).span;
            let label = "expected a step of 1 or more";
            return Err(Diagnostic::new("the range never ends", span, label));
        }
        if from > to {
            return Err(empty(range.node, "expected 'from' no larger than 'to'"));
        }
        #[allow(clippy::cast_precision_loss, reason = "only its sign matters")]
        let scale = Scale::read(range, from as f64)?;
        if scale == Scale::Log {
            range.reject(&["step"], "a log scale has no step")?;
        }
        Ok(Self::Integers { from, to, step, scale })
    }

    fn numbers(range: &Range<'_>) -> Result<Self, Diagnostic> {
        range.reject(&["step"], "a range of numbers has a count: { from, to, count, scale }")?;
        let (from, to) = (number(range.from)?, number(range.to)?);
        if from >= to {
            return Err(empty(range.node, "expected 'from' smaller than 'to'"));
        }
        Ok(Self::Numbers { from, to, scale: Scale::read(range, from)? })
    }

    /// The value of a sampled point at a fraction of the interval, from 0 to 1. A number is rounded to
    /// a millionth of the interval: a fraction has no more than 24 bits.
    #[allow(clippy::cast_possible_truncation, reason = "the result is between the bounds")]
    #[allow(clippy::cast_precision_loss, reason = "a sampled fraction has at most 24 bits")]
    pub fn at(&self, fraction: f64) -> Value {
        match *self {
            Self::Integers { from, to, scale: Scale::Log, .. } => {
                // Each integer is as likely as its part of the logarithmic scale is long.
                let number = Scale::Log.at(from as f64 - 0.5, to as f64 + 0.5, fraction);
                Value::Integer((number.round() as i64).clamp(from, to))
            }
            Self::Integers { from, to, step, .. } => {
                let count = length(from, to, step);
                let index = ((fraction * count as f64) as i128).min(count - 1);
                Value::Integer((i128::from(from) + i128::from(step) * index) as i64)
            }
            Self::Numbers { from, to, scale } => {
                let value = scale.at(from, to, fraction);
                let text = match scale {
                    Scale::Linear => format!("{value:.*}", digits(to - from)),
                    Scale::Log => format!("{value:.*e}", digits((to / from - 1.0).min(1.0))),
                };
                Value::Float(text.parse().unwrap_or(value).clamp(from, to))
            }
        }
    }
}

/// The number of digits after the point that give a millionth of `width`. It comes from the decimal
/// form, which is the same on every machine.
fn digits(width: f64) -> usize {
    let text = format!("{width:e}");
    let exponent = text.rsplit('e').next().and_then(|exponent| exponent.parse::<i32>().ok());
    usize::try_from(6 - exponent.unwrap_or(0)).unwrap_or(0)
}

impl Scale {
    /// Reads the scale of a range that starts at `from`.
    fn read(range: &Range<'_>, from: f64) -> Result<Self, Diagnostic> {
        let Some(node) = range.get("scale") else { return Ok(Self::Linear) };
        let wrong = |message, label| Err(Diagnostic::new(message, &node.span, label));
        match &node.value {
            Value::Text(word) if word == "linear" => Ok(Self::Linear),
            Value::Text(word) if word == "log" && from > 0.0 => Ok(Self::Log),
            Value::Text(word) if word == "log" => {
                wrong("a log scale starts above 0", "expected 'from' above 0")
            }
            _ => wrong("unknown scale", "expected \"linear\" or \"log\""),
        }
    }

    fn at(self, from: f64, to: f64, fraction: f64) -> f64 {
        match self {
            Self::Linear => from + (to - from) * fraction,
            Self::Log => from * (to / from).powf(fraction),
        }
    }
}

fn integer(node: &Node) -> Result<i64, Diagnostic> {
    match node.value {
        Value::Integer(integer) => Ok(integer),
        _ => {
            let label = format!("expected an integer, found {}", node.value.type_name());
            Err(Diagnostic::new("the range has the wrong type", &node.span, label))
        }
    }
}

fn number(node: &Node) -> Result<f64, Diagnostic> {
    match node.value {
        #[allow(clippy::cast_precision_loss, reason = "a bound written as an integer")]
        Value::Integer(integer) => Ok(integer as f64),
        Value::Float(float) if float.is_finite() => Ok(float),
        _ => Err(Diagnostic::new(
            "the range has the wrong type",
            &node.span,
            "expected a finite number",
        )),
    }
}

fn missing(name: &str, node: &Node, label: &str) -> Diagnostic {
    Diagnostic::new(format!("the range has no '{name}'"), &node.span, label)
}

fn empty(node: &Node, label: &str) -> Diagnostic {
    Diagnostic::new("the range is empty", &node.span, label)
}

fn too_many(node: &Node) -> Diagnostic {
    Diagnostic::new(
        "the range is too long",
        &node.span,
        format!("expected at most {MAX_TRIALS} values"),
    )
}

/// The number of values of a range of numbers.
fn count(range: &Range<'_>) -> Result<i64, Diagnostic> {
    let Some(node) = range.get("count") else {
        let label = "expected 'count', the number of values, or a sweep with 'sample'";
        return Err(missing("count", range.node, label));
    };
    match integer(node)? {
        count if count > MAX_TRIALS as i64 => Err(too_many(node)),
        count @ 2.. => Ok(count),
        _ => {
            let label = "expected a count of 2 or more";
            Err(Diagnostic::new("the range is too short", &node.span, label))
        }
    }
}

/// The number of integers in a range.
fn length(from: i64, to: i64, step: i64) -> i128 {
    (i128::from(to) - i128::from(from)) / i128::from(step) + 1
}

/// A whole number as an integer.
#[allow(clippy::cast_possible_truncation, reason = "checked")]
fn whole(number: f64) -> Option<Value> {
    let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    is_whole.then_some(Value::Integer(number as i64))
}

/// Rounds to 12 significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampled_numbers_are_rounded_to_a_millionth() {
        let sampled = |from, to, scale| match (Interval::Numbers { from, to, scale }).at(1.0 / 3.0)
        {
            Value::Float(number) => number,
            _ => f64::NAN,
        };
        assert_eq!(sampled(0.0, 0.01, Scale::Linear), 0.003_333_33);
        assert_eq!(sampled(0.999, 1.0, Scale::Linear), 0.999_333_333);
        assert_eq!(sampled(1e6, 4e9, Scale::Linear), 1_334_000_000.0);
        assert_eq!(sampled(1e-3, 1.0, Scale::Log), 0.01);
        assert_eq!(sampled(1e-4, 0.1, Scale::Log), 0.001);
        assert_eq!(sampled(1.0, 1.001, Scale::Log), 1.000_333_222_3);
        assert_eq!(sampled(0.0, 0.012_345_678_9, Scale::Linear), 0.004_115_23);
    }
}
