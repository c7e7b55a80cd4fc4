//! A swept range, written `{ from, to, step }` or `{ from, to, count, scale }`, as the values it stands for.

use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::file::{Entries, Node, Value};
use crate::experiment::plan::LARGEST_PLAN;
use crate::experiment::spec::{Parameter, range_entries};

/// The values of the range `node` as nodes of its place, for the parameter's own checks to read.
///
/// Integers: `from`, `from + step` … up to and including `to`. Numbers: `count` values from `from` to `to`, evenly spaced
/// on a `linear` (default) or `log` scale, rounded to 12 significant digits so that they print and hash alike everywhere.
pub fn expand(
    parameter: Parameter,
    node: &Node,
    entries: &Entries,
) -> Result<Vec<Node>, Diagnostic> {
    let get = range_entries(node, entries)?;
    let values = match parameter {
        Parameter::BatchSize | Parameter::Epochs | Parameter::Seed => {
            refuse(&get, &["count", "scale"], "whole numbers are stepped: { from, to, step }")?;
            integers(node, &get)?
        }
        Parameter::LearningRate | Parameter::Decay => {
            refuse(&get, &["step"], "numbers are counted: { from, to, count, scale }")?;
            numbers(node, &get)?
        }
        Parameter::Init | Parameter::LastBatch => {
            let label = "expected a list of values";
            return Err(Diagnostic::new(
                format!("'{}' has no range", parameter.name()),
                &node.place,
                label,
            ));
        }
    };
    Ok(values.into_iter().map(|value| Node { value, place: node.place.clone() }).collect())
}

fn refuse<'a>(
    get: &impl Fn(&str) -> Option<&'a Node>,
    names: &[&str],
    label: &str,
) -> Result<(), Diagnostic> {
    match names.iter().find_map(|name| get(name).map(|node| (name, node))) {
        None => Ok(()),
        Some((name, node)) => {
            Err(Diagnostic::new(format!("'{name}' does not fit this range"), &node.place, label))
        }
    }
}

fn whole(node: Option<&Node>, default: i64) -> Result<i64, Diagnostic> {
    match node {
        None => Ok(default),
        Some(Node { value: Value::Integer(integer), .. }) => Ok(*integer),
        Some(node) => {
            let label = format!("expected an integer, found {}", node.value.type_name());
            Err(Diagnostic::new("the range has the wrong type", &node.place, label))
        }
    }
}

fn real(node: Option<&Node>) -> Result<f64, Diagnostic> {
    match node {
        #[allow(clippy::cast_precision_loss, reason = "a bound written as an integer")]
        Some(Node { value: Value::Integer(integer), .. }) => Ok(*integer as f64),
        Some(Node { value: Value::Float(float), .. }) if float.is_finite() => Ok(*float),
        Some(node) => Err(Diagnostic::new(
            "the range has the wrong type",
            &node.place,
            "expected a finite number",
        )),
        None => Ok(0.0),
    }
}

fn never_ends(node: &Node, label: &str) -> Diagnostic {
    Diagnostic::new("the range never ends", &node.place, label)
}

fn too_many(node: &Node) -> Diagnostic {
    Diagnostic::new(
        "the range is too long",
        &node.place,
        format!("expected at most {LARGEST_PLAN} values"),
    )
}

fn integers<'a>(
    node: &Node,
    get: &impl Fn(&str) -> Option<&'a Node>,
) -> Result<Vec<Value>, Diagnostic> {
    let (from, to, step) = (whole(get("from"), 0)?, whole(get("to"), 0)?, whole(get("step"), 1)?);
    if step < 1 {
        return Err(never_ends(get("step").unwrap_or(node), "expected a step of 1 or more"));
    }
    if from > to {
        return Err(never_ends(node, "expected 'from' no larger than 'to'"));
    }
    let count = (i128::from(to) - i128::from(from)) / i128::from(step) + 1;
    if count > LARGEST_PLAN as i128 {
        return Err(too_many(node));
    }
    let values = std::iter::successors(Some(from), |value| {
        value.checked_add(step).filter(|next| *next <= to)
    });
    Ok(values.map(Value::Integer).collect())
}

fn numbers<'a>(
    node: &Node,
    get: &impl Fn(&str) -> Option<&'a Node>,
) -> Result<Vec<Value>, Diagnostic> {
    let (from, to) = (real(get("from"))?, real(get("to"))?);
    let Some(count_node) = get("count") else {
        return Err(never_ends(node, "expected 'count', the number of values"));
    };
    let count = whole(Some(count_node), 0)?;
    if count < 2 {
        return Err(Diagnostic::new(
            "the range is too short",
            &count_node.place,
            "expected a count of 2 or more",
        ));
    }
    if count > LARGEST_PLAN as i64 {
        return Err(too_many(count_node));
    }
    if from >= to {
        return Err(never_ends(node, "expected 'from' smaller than 'to'"));
    }
    #[allow(clippy::cast_precision_loss, reason = "at most 100,000")]
    let share = |i: i64| i as f64 / (count - 1) as f64;
    let value: Box<dyn Fn(i64) -> f64> = match get("scale").map(|node| (&node.value, node)) {
        None => Box::new(|i| from + (to - from) * share(i)),
        Some((Value::Text(word), _)) if word == "linear" => {
            Box::new(|i| from + (to - from) * share(i))
        }
        Some((Value::Text(word), node)) if word == "log" => {
            if from <= 0.0 {
                return Err(Diagnostic::new(
                    "a log scale starts above 0",
                    &node.place,
                    "expected 'from' above 0",
                ));
            }
            Box::new(|i| from * (to / from).powf(share(i)))
        }
        Some((_, node)) => {
            return Err(Diagnostic::new(
                "unknown scale",
                &node.place,
                "expected \"linear\" or \"log\"",
            ));
        }
    };
    Ok((0..count).map(|i| Value::Float(round(value(i)))).collect())
}

/// To 12 significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}
