//! A swept range: `{ from, to, step }` for integers, `{ from, to, count, scale }` for numbers.

use crate::experiment::MAX_TRIALS;
use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::file::{Entries, Node, Value};
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
            find(entries, name).ok_or_else(|| missing(name, node, "expected { from = …, to = … }"))
        };
        Ok(Self { node, entries, from: bound("from")?, to: bound("to")? })
    }

    fn get(&self, name: &str) -> Option<&'a Node> {
        find(self.entries, name)
    }

    /// Whether the bounds are integers, and no number of values is given.
    fn is_of_integers(&self) -> bool {
        let is_integer = |node: &Node| matches!(node.value, Value::Integer(_));
        is_integer(self.from) && is_integer(self.to) && self.get("count").is_none()
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

/// The values of the range `node`, each as a node at its position.
///
/// Integers are `from`, `from + step` … up to and including `to`. Numbers are `count` values from
/// `from` to `to`, evenly spaced on a `linear` (default) or `log` scale. They are rounded to 12
/// significant digits, so that they have the same text and the same hash on every machine.
pub fn expand(hyperparameter: &Hyperparameter, node: &Node) -> Result<Vec<Node>, Diagnostic> {
    let range = Range::read(node)?;
    let kind = match hyperparameter.kind {
        Kind::Any if range.is_of_integers() => Kind::Integer,
        Kind::Any => Kind::Number,
        kind => kind,
    };
    let values = match kind {
        Kind::Integer => {
            range.reject(
                &["count", "scale"],
                "a range of integers has a step: { from, to, step }",
            )?;
            integers(&range)?
        }
        Kind::Number => {
            range
                .reject(&["step"], "a range of numbers has a count: { from, to, count, scale }")?;
            numbers(&range)?
        }
        Kind::Choice(_) | Kind::Any => {
            let message = format!("'{}' has no range", hyperparameter.name);
            return Err(Diagnostic::new(message, &node.span, "expected a list of values"));
        }
    };
    Ok(values.into_iter().map(|value| Node { value, span: node.span.clone() }).collect())
}

fn find<'a>(entries: &'a Entries, name: &str) -> Option<&'a Node> {
    entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
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

fn integers(range: &Range<'_>) -> Result<Vec<Value>, Diagnostic> {
    let (node, step_node) = (range.node, range.get("step"));
    let (from, to) = (integer(range.from)?, integer(range.to)?);
    let step = step_node.map_or(Ok(1), integer)?;
    if step < 1 {
        let span = &step_node.unwrap_or(node).span;
        let label = "expected a step of 1 or more";
        return Err(Diagnostic::new("the range never ends", span, label));
    }
    if from > to {
        return Err(empty(node, "expected 'from' no larger than 'to'"));
    }
    let count = (i128::from(to) - i128::from(from)) / i128::from(step) + 1;
    if count > MAX_TRIALS as i128 {
        return Err(too_many(node));
    }
    let values = std::iter::successors(Some(from), |value| {
        value.checked_add(step).filter(|next| *next <= to)
    });
    Ok(values.map(Value::Integer).collect())
}

fn numbers(range: &Range<'_>) -> Result<Vec<Value>, Diagnostic> {
    let node = range.node;
    let (from, to) = (number(range.from)?, number(range.to)?);
    let Some(count_node) = range.get("count") else {
        return Err(missing("count", node, "expected 'count', the number of values"));
    };
    let count = integer(count_node)?;
    if count < 2 {
        return Err(Diagnostic::new(
            "the range is too short",
            &count_node.span,
            "expected a count of 2 or more",
        ));
    }
    if count > MAX_TRIALS as i64 {
        return Err(too_many(count_node));
    }
    if from >= to {
        return Err(empty(node, "expected 'from' smaller than 'to'"));
    }
    #[allow(clippy::cast_precision_loss, reason = "at most 100,000")]
    let fraction = |i: i64| i as f64 / (count - 1) as f64;
    let value: Box<dyn Fn(i64) -> f64> = match range.get("scale").map(|node| (&node.value, node)) {
        None => Box::new(|i| from + (to - from) * fraction(i)),
        Some((Value::Text(word), _)) if word == "linear" => {
            Box::new(|i| from + (to - from) * fraction(i))
        }
        Some((Value::Text(word), node)) if word == "log" => {
            if from <= 0.0 {
                return Err(Diagnostic::new(
                    "a log scale starts above 0",
                    &node.span,
                    "expected 'from' above 0",
                ));
            }
            Box::new(|i| from * (to / from).powf(fraction(i)))
        }
        Some((_, node)) => {
            return Err(Diagnostic::new(
                "unknown scale",
                &node.span,
                "expected \"linear\" or \"log\"",
            ));
        }
    };
    Ok((0..count).map(|i| Value::Float(round(value(i)))).collect())
}

/// Rounds to 12 significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}
