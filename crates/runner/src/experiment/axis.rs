//! One swept hyperparameter and its values.

use std::collections::HashSet;

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Key, Node, Value};
use crate::experiment::learner::{Hyperparameter, Kind, Learner};
use crate::experiment::range;
use crate::experiment::section::{text, unknown_key, wrong_type};

/// One swept hyperparameter and its values: in order, and all different.
#[derive(Debug)]
pub struct Axis {
    pub name: String,
    pub values: Vec<tracking::Value>,
    pub span: SourceSpan,
}

impl Axis {
    /// Reads a list of values, or a range such as `{ from = 0, to = 2 }`.
    pub fn read(key: &Key, node: &Node, learner: &dyn Learner) -> Result<Self, Diagnostic> {
        let hyperparameter = find(key, learner)?;
        let nodes = match &node.value {
            Value::Array(items) if items.is_empty() => {
                let message = format!("'{}' has no values", key.name);
                return Err(Diagnostic::new(message, &node.span, "expected at least one value"));
            }
            Value::Array(items) => items.clone(),
            Value::Table(_) => range::expand(&hyperparameter, node)?,
            _ => {
                let expected = "a list of values, or a range such as { from = 0, to = 2 }";
                return Err(wrong_type(&key.name, node, expected));
            }
        };
        let mut values = Vec::with_capacity(nodes.len());
        let mut seen = HashSet::new();
        for item in &nodes {
            let value = read_value(&hyperparameter, item, learner)?;
            if !seen.insert(format!("{value:?}")) {
                let message = format!("duplicate value in '{}'", key.name);
                return Err(Diagnostic::new(message, &item.span, "expected each value once"));
            }
            values.push(value);
        }
        Ok(Self { name: hyperparameter.name, values, span: node.span.clone() })
    }
}

/// The hyperparameter that `key` names.
pub fn find(key: &Key, learner: &dyn Learner) -> Result<Hyperparameter, Diagnostic> {
    let known = learner.hyperparameters();
    let names: Vec<&str> = known.iter().map(|hyperparameter| &*hyperparameter.name).collect();
    let found = known.iter().find(|hyperparameter| hyperparameter.name == key.name);
    found.cloned().ok_or_else(|| unknown_key(key, &names))
}

/// Reads a valid value of a hyperparameter.
pub fn read_value(
    hyperparameter: &Hyperparameter,
    node: &Node,
    learner: &dyn Learner,
) -> Result<tracking::Value, Diagnostic> {
    let name = &hyperparameter.name;
    let value = match hyperparameter.kind {
        Kind::Number => tracking::Value::Real(number(name, node)?),
        Kind::Integer => match node.value {
            Value::Integer(integer) => tracking::Value::Integer(integer),
            _ => return Err(wrong_type(name, node, "an integer")),
        },
        Kind::Choice(words) => tracking::Value::Text(choice(name, node, words)?.to_owned()),
        Kind::Any => any(name, node)?,
    };
    learner
        .check(name, &value)
        .map_err(|reason| Diagnostic::new(format!("'{name}' is out of range"), &node.span, reason))
}

fn number(name: &str, node: &Node) -> Result<f64, Diagnostic> {
    match node.value {
        #[allow(clippy::cast_precision_loss, reason = "a number written as an integer")]
        Value::Integer(integer) => Ok(integer as f64),
        Value::Float(float) => Ok(float),
        _ => Err(wrong_type(name, node, "a number")),
    }
}

/// A boolean is recorded as text.
fn any(name: &str, node: &Node) -> Result<tracking::Value, Diagnostic> {
    match &node.value {
        Value::Integer(integer) => Ok((*integer).into()),
        Value::Float(float) if float.is_finite() => Ok((*float).into()),
        Value::Boolean(boolean) => Ok(boolean.to_string().into()),
        Value::Text(text) => Ok(text.as_str().into()),
        _ => Err(wrong_type(name, node, "a finite number, a string or a boolean")),
    }
}

fn choice<'a>(name: &str, node: &'a Node, words: &[&str]) -> Result<&'a str, Diagnostic> {
    let word = text(name, node)?;
    if words.contains(&word) {
        return Ok(word);
    }
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let label = format!("expected {}", quoted.join(" or "));
    Err(Diagnostic::new(format!("unknown value \"{word}\" of '{name}'"), &node.span, label))
}
