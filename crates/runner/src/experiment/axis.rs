//! Swept hyperparameters and their values.

use std::collections::HashSet;

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Key, Node, Value, flattened};
use crate::experiment::learner::{Hyperparameter, Kind, Learner, Params};
use crate::experiment::range;
use crate::experiment::section::{table, text, unknown_key, wrong_type};

/// The key of lists that vary together.
pub const ZIP: &str = "zip";

/// The keys of a sweep that are not hyperparameters.
pub const SETTINGS: [&str; 5] = [ZIP, "exclude", "sample", "sampler", "sample_seed"];

/// Hyperparameters that vary together: one with its own values, or several of a `zip`.
#[derive(Debug)]
pub struct Axis {
    pub names: Vec<String>,
    /// The values of `names`, in order.
    pub rows: Vec<Vec<tracking::Value>>,
    pub span: SourceSpan,
}

impl Axis {
    /// Reads a list of values, a range such as `{ from = 0, to = 2 }`, or a `zip`. All values
    /// differ.
    pub fn read(key: &Key, node: &Node, learner: &dyn Learner) -> Result<Self, Diagnostic> {
        if key.name == ZIP {
            return Self::zip(node, learner);
        }
        let rows = read_values(key, node, learner)?.into_iter();
        let rows = rows.map(|(value, span)| (vec![value], span)).collect();
        Self::distinct(vec![key.name.clone()], rows, &key.name, &node.span)
    }

    /// Reads lists of equal length, whose values vary together. All rows differ.
    fn zip(node: &Node, learner: &dyn Learner) -> Result<Self, Diagnostic> {
        let lists = flattened(table(ZIP, node)?);
        let columns = lists.iter().map(|(key, node)| read_values(key, node, learner));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let (Some((first, _)), Some(firsts)) = (lists.first(), columns.first()) else {
            let label = "expected lists of equal length, such as { batch_size = [32, 64], … }";
            return Err(Diagnostic::new("'zip' has no lists", &node.span, label));
        };
        let mut lengths = lists.iter().zip(columns.iter().map(Vec::len));
        if let Some(((_, node), length)) = lengths.find(|(_, length)| *length != firsts.len()) {
            let message = "the lists of 'zip' have different lengths";
            let expected = firsts.len();
            let label =
                format!("expected {expected} values as in '{}', found {length}", first.name);
            return Err(Diagnostic::new(message, &node.span, label));
        }
        let row = |(index, (_, span)): (usize, &(_, SourceSpan))| {
            let values = columns.iter().map(|column| column[index].0.clone());
            (values.collect(), span.clone())
        };
        let rows = firsts.iter().enumerate().map(row).collect();
        let names = lists.iter().map(|(key, _)| key.name.clone()).collect();
        Self::distinct(names, rows, ZIP, &node.span)
    }

    fn distinct(
        names: Vec<String>,
        rows: Vec<(Vec<tracking::Value>, SourceSpan)>,
        key: &str,
        span: &SourceSpan,
    ) -> Result<Self, Diagnostic> {
        let mut seen = HashSet::new();
        if let Some((_, span)) = rows.iter().find(|(row, _)| !seen.insert(format!("{row:?}"))) {
            let message = format!("duplicate value in '{key}'");
            return Err(Diagnostic::new(message, span, "expected each value once"));
        }
        let rows = rows.into_iter().map(|(row, _)| row).collect();
        Ok(Self { names, rows, span: span.clone() })
    }

    /// `params` with the values of `row`.
    pub fn set(&self, params: &Params, row: &[tracking::Value]) -> Params {
        let mut params = params.clone();
        for (name, value) in self.names.iter().zip(row) {
            match params.iter_mut().find(|(key, _)| key == name) {
                Some((_, swept)) => *swept = value.clone(),
                None => params.push((name.clone(), value.clone())),
            }
        }
        params
    }
}

/// The values of a list or a range, and where the file has each.
fn read_values(
    key: &Key,
    node: &Node,
    learner: &dyn Learner,
) -> Result<Vec<(tracking::Value, SourceSpan)>, Diagnostic> {
    let hyperparameter = find(key, learner, &SETTINGS)?;
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
    let read = |node: Node| Ok((read_value(&hyperparameter, &node, learner)?, node.span));
    nodes.into_iter().map(read).collect()
}

/// The hyperparameter that `key` names. `others` are the other keys of the table.
pub fn find(
    key: &Key,
    learner: &dyn Learner,
    others: &[&str],
) -> Result<Hyperparameter, Diagnostic> {
    let known = learner.hyperparameters();
    let names = known.iter().map(|hyperparameter| &*hyperparameter.name);
    let names: Vec<&str> = names.chain(others.iter().copied()).collect();
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
