//! A condition on runs: parsed, checked against the known keys, and evaluated.

use tracking::{Status, printable};

use super::error::FilterError;
use super::expression::{Expression, Word};
use super::parser;
use crate::runs::MeasuredRun;
use crate::suggestion::nearest;

/// A condition on runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    expression: Expression,
}

impl Condition {
    /// Parses a condition in the syntax of the module `filter`.
    ///
    /// # Errors
    /// If the syntax is wrong, if a text has another operator than `=` and `!=`, or if a time is
    /// compared with anything but a date or time.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), expression: parser::parse(text)? })
    }

    /// Checks that all keys are among `keys`, and that every value of `status` is a status.
    ///
    /// # Errors
    /// If a key or status is unknown. The error suggests the nearest known one.
    pub fn check(&self, keys: &[&str]) -> Result<(), FilterError> {
        self.expression.check_comparisons(&|comparison| {
            let (key, operand) = (&comparison.key, &comparison.operand);
            if !keys.contains(&key.text.as_str()) {
                return Err(self.unknown("key", key, keys));
            }
            if key.text == "status" && operand.text.parse::<Status>().is_err() {
                return Err(self.unknown("status", operand, &Status::ALL.map(Status::as_str)));
            }
            Ok(())
        })
    }

    fn unknown(&self, kind: &str, word: &Word, candidates: &[&str]) -> FilterError {
        let message = format!("unknown {kind} '{}'", printable(&word.text));
        let label = match nearest(&word.text, candidates.iter().copied()) {
            Some(near) => format!("did you mean '{}'?", printable(near)),
            None => format!("expected one of {}", printable(&candidates.join(", "))),
        };
        FilterError::new(&self.text, word.span.clone(), message, label)
    }

    /// Whether the condition holds for `run`.
    pub fn holds(&self, run: &MeasuredRun) -> bool {
        self.expression.holds(run)
    }
}

/// Parses every condition in `texts`.
///
/// # Errors
/// See [`Condition::parse`].
pub fn parse_all(texts: &[String]) -> Result<Vec<Condition>, FilterError> {
    texts.iter().map(|text| Condition::parse(text)).collect()
}

/// Whether every condition holds for `run`.
pub fn all_hold(conditions: &[Condition], run: &MeasuredRun) -> bool {
    conditions.iter().all(|condition| condition.holds(run))
}
