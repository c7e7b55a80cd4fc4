//! Typed access to the tables of an experiment file, with errors that point into the file.

use std::collections::HashSet;
use std::sync::Arc;

use tracking::typed_name::nearest;

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Entries, Key, Node, Value};

/// A table whose keys are all known.
pub struct Section<'a> {
    title: &'a str,
    span: &'a SourceSpan,
    entries: &'a Entries,
}

impl<'a> Section<'a> {
    /// Reads `node` as a table.
    ///
    /// # Errors
    /// If `node` is not a table or has a key that is not in `known`.
    pub fn new(title: &'a str, node: &'a Node, known: &[&str]) -> Result<Self, Diagnostic> {
        let entries = table(title, node)?;
        match entries.iter().find(|(key, _)| !known.contains(&key.name.as_str())) {
            Some((key, _)) => Err(unknown_key(key, known)),
            None => Ok(Self { title, span: &node.span, entries }),
        }
    }

    /// The value of a key, if the table has the key.
    pub fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The value of a key that the table must have; the error shows `example`.
    pub fn required(&self, name: &str, example: &str) -> Result<&'a Node, Diagnostic> {
        self.get(name).ok_or_else(|| {
            let start = self.span.range.start;
            let span = SourceSpan { source: Arc::clone(&self.span.source), range: start..start };
            Diagnostic::new(
                format!("{} has no '{name}'", self.title),
                &span,
                format!("expected '{name}'"),
            )
            .help(format!("add: {example}").replace('\n', " then "))
        })
    }
}

/// Rejects a hyperparameter that has several entries, such as `a.b` in a table `a` and as `"a.b"`.
pub fn reject_duplicates(entries: &Entries) -> Result<(), Diagnostic> {
    let mut seen = HashSet::new();
    match entries.iter().find(|(key, _)| !seen.insert(&key.name)) {
        None => Ok(()),
        Some((key, _)) => {
            let message = format!("'{}' is given twice", key.name);
            Err(Diagnostic::new(message, &key.span, "expected each hyperparameter once"))
        }
    }
}

/// The error of a key that is not in `known`.
pub fn unknown_key(key: &Key, known: &[&str]) -> Diagnostic {
    let label = match nearest(&key.name, known.iter().copied()) {
        Some(candidate) => format!("did you mean '{candidate}'?"),
        None => "not a key of this table".to_owned(),
    };
    Diagnostic::new(format!("unknown key '{}'", key.name), &key.span, label)
        .help(format!("expected one of: {}", known.join(", ")))
}

/// The error of a value of another type than `expected`.
pub fn wrong_type(name: &str, node: &Node, expected: &str) -> Diagnostic {
    Diagnostic::new(
        format!("'{name}' has the wrong type"),
        &node.span,
        format!("expected {expected}, found {}", node.value.type_name()),
    )
}

/// The entries of a table; `name` appears in the error.
pub fn table<'a>(name: &str, node: &'a Node) -> Result<&'a Entries, Diagnostic> {
    match &node.value {
        Value::Table(entries) => Ok(entries),
        _ => Err(wrong_type(name, node, "a table")),
    }
}

/// The text of a string; `name` appears in the error.
pub fn text<'a>(name: &str, node: &'a Node) -> Result<&'a str, Diagnostic> {
    match &node.value {
        Value::Text(text) => Ok(text),
        _ => Err(wrong_type(name, node, "a string")),
    }
}

/// A text that must be one of `known`.
pub fn known_name<'a>(key: &str, node: &'a Node, known: &[&str]) -> Result<&'a str, Diagnostic> {
    let name = text(key, node)?;
    if known.contains(&name) {
        return Ok(name);
    }
    let label = match nearest(name, known.iter().copied()) {
        Some(candidate) => format!("did you mean \"{candidate}\"?"),
        None => "not a known name".to_owned(),
    };
    Err(Diagnostic::new(format!("unknown name \"{name}\" in '{key}'"), &node.span, label)
        .help(format!("expected one of: {}", known.join(", "))))
}
