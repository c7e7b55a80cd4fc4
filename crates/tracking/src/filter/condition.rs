//! A condition: parsed, resolved to the known keys, and evaluated.

use super::error::FilterError;
use super::expression::{Expression, Word};
use super::parser;
use crate::typed_name::{find, nearest};
use crate::{Status, Value, printable};

/// A condition on the values of a run or trial, in the syntax of the [module](super).
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    expression: Expression,
}

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    /// If the syntax is wrong, if a text has another operator than `=` and `!=`, or if a time is
    /// compared with anything but a date or time.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), expression: parser::parse(text)? })
    }

    /// Replaces each key by the one of `keys` that it means, and checks that every value of
    /// `status` is a status.
    ///
    /// # Errors
    /// If a key or status is unknown. The error suggests the nearest known one.
    pub fn resolve(&mut self, keys: &[&str]) -> Result<(), FilterError> {
        let text = &self.text;
        self.expression.try_for_each_comparison(&|comparison| {
            let (key, operand) = (&mut comparison.key, &comparison.operand);
            let Some(name) = find(&key.text, keys) else {
                return Err(unknown(text, "key", key, keys));
            };
            name.clone_into(&mut key.text);
            if name == "status" && operand.text.parse::<Status>().is_err() {
                return Err(unknown(text, "status", operand, &Status::ALL.map(Status::as_str)));
            }
            Ok(())
        })
    }

    /// Whether the condition holds, where `value` gives the value of each key.
    #[must_use]
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> bool {
        self.expression.holds(value)
    }
}

fn unknown(text: &str, kind: &str, word: &Word, candidates: &[&str]) -> FilterError {
    let message = format!("unknown {kind} '{}'", printable(&word.text));
    let label = match nearest(&word.text, candidates.iter().copied()) {
        Some(near) => format!("did you mean '{}'?", printable(near)),
        None => format!("expected one of {}", printable(&candidates.join(", "))),
    };
    FilterError::new(text, word.span.clone(), message, label)
}
