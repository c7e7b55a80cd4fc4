//! Conditions on runs: `batch_size<=64 and not (status=failed or started_at<2026-11)`.
//!
//! A comparison is a key, one of `=` `==` `!=` `<` `<=` `>` `>=`, and a value. Comparisons are joined by `and`, `or` and `not`,
//! in any case of letters, and by parentheses: `not` binds tightest, then `and`, then `or`.
//!
//! - A key ends at a blank, a parenthesis or an operator, a value at a blank or a parenthesis. Odd keys stand in `"…"` or
//!   `` `…` ``, odd values in `'…'` or `"…"`; there, two quotes are one that is meant. A keyword before an operator is a key.
//! - Numbers are compared as numbers. Words are only equal or not: `trial` and `run` to all ids that begin so.
//! - `started_at` and `ended_at` are compared with a date or time, in UTC, at the precision in which it is written:
//!   `started_at<=2026-11-24` holds until the end of that day.
//! - Of what a run has not, no comparison holds, `!=` neither. `not` turns the answer over, whatever it is: so every run fulfils
//!   a condition or its `not`, and `not decay>=0` finds the runs without a decay.

mod lexer;
mod parser;
mod time;

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use tracking::{IdPrefix, Status, Value, printable};
use unicode_width::UnicodeWidthStr;

use crate::runs::MeasuredRun;
use crate::suggestion::nearest;

/// A condition that cannot be understood: shown with a caret under what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct FilterError {
    message: String,
    text: String,
    span: Range<usize>,
    label: String,
    /// The option that has the condition.
    option: &'static str,
}

impl FilterError {
    fn new(
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            message: message.into(),
            text: text.to_owned(),
            span,
            label: label.into(),
            option: "--where",
        }
    }

    /// The error of a condition that another option has.
    pub fn of(self, option: &'static str) -> Self {
        Self { option, ..self }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = printable(&self.text[..self.span.start]).width();
        let carets = printable(&self.text[self.span.clone()]).width().max(1);
        let quote = format!("  {} '", self.option);
        writeln!(f, "{}\n{quote}{}'", self.message, printable(&self.text))?;
        write!(f, "{}{} {}", " ".repeat(quote.len() + before), "^".repeat(carets), self.label)
    }
}

impl std::error::Error for FilterError {}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" | "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What is compared with a date or time.
fn is_time(key: &str) -> bool {
    matches!(key, "started_at" | "ended_at")
}

/// A key or value, without its quotes, and where it stands.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    text: String,
    span: Range<usize>,
    quoted: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    key: Word,
    operator: Operator,
    operand: Word,
    /// The operand, where it is one.
    number: Option<f64>,
    /// The same, where it is a whole one.
    whole: Option<i64>,
}

impl Comparison {
    fn holds(&self, run: &MeasuredRun) -> bool {
        let (key, operand) = (self.key.text.as_str(), self.operand.text.as_str());
        match run.value(key) {
            None => false,
            // Times of the store are written so that their order is that of their letters.
            Some(Value::Text(text)) if is_time(key) => {
                let precision = text.len().min(operand.len());
                self.operator.accepts(text.as_bytes()[..precision].cmp(operand.as_bytes()))
            }
            Some(Value::Text(text)) if matches!(key, "trial" | "run") => {
                let digits = IdPrefix::parse(operand).digits;
                self.operator.is_equality()
                    && text.starts_with(&digits) == (self.operator == Operator::Equal)
            }
            Some(Value::Text(text)) => {
                self.operator.is_equality() && self.operator.accepts(text.as_str().cmp(operand))
            }
            Some(value) => match (&value, self.whole, value.as_number(), self.number) {
                // Exactly: beyond 2^53 neighbours are one number to others.
                (Value::Integer(value), Some(whole), ..) => {
                    self.operator.accepts(value.cmp(&whole))
                }
                (_, _, Some(value), Some(number)) => value
                    .partial_cmp(&number)
                    .is_some_and(|ordering| self.operator.accepts(ordering)),
                _ => self.operator == Operator::NotEqual,
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Comparison(Comparison),
    Not(Box<Expression>),
    /// Joined by `and`.
    All(Vec<Expression>),
    /// Joined by `or`.
    Any(Vec<Expression>),
}

impl Expression {
    fn holds(&self, run: &MeasuredRun) -> bool {
        match self {
            Self::Comparison(comparison) => comparison.holds(run),
            Self::Not(part) => !part.holds(run),
            Self::All(parts) => parts.iter().all(|part| part.holds(run)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(run)),
        }
    }

    /// Does `check` to every comparison, in the order in which they are written.
    fn each(
        &self,
        check: &impl Fn(&Comparison) -> Result<(), FilterError>,
    ) -> Result<(), FilterError> {
        match self {
            Self::Comparison(comparison) => check(comparison),
            Self::Not(part) => part.each(check),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().try_for_each(|part| part.each(check))
            }
        }
    }
}

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    expression: Expression,
}

impl Condition {
    /// Reads a condition, as this module describes them.
    ///
    /// # Errors
    /// When it is none, a word is asked to be less or greater, or a time is compared with what is no date.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), expression: parser::parse(text)? })
    }

    /// Whether its keys are of `keys`, and their values could be those keys'.
    ///
    /// # Errors
    /// When not, naming the nearest that is.
    pub fn check(&self, keys: &[&str]) -> Result<(), FilterError> {
        let wrong = |word: &Word, message: String, candidates: &[&str]| {
            let label = match nearest(&word.text, candidates.iter().copied()) {
                Some(near) => format!("did you mean '{}'?", printable(near)),
                None => format!("expected one of {}", printable(&candidates.join(", "))),
            };
            Err(FilterError::new(&self.text, word.span.clone(), message, label))
        };
        self.expression.each(&|comparison| {
            let (key, operand) = (&comparison.key, &comparison.operand);
            if !keys.contains(&key.text.as_str()) {
                return wrong(key, format!("unknown key '{}'", printable(&key.text)), keys);
            }
            if key.text == "status" && operand.text.parse::<Status>().is_err() {
                let message = format!("'{}' is no status", printable(&operand.text));
                return wrong(operand, message, &Status::ALL.map(Status::as_str));
            }
            Ok(())
        })
    }

    /// Whether it holds of `run`.
    pub fn holds(&self, run: &MeasuredRun) -> bool {
        self.expression.holds(run)
    }
}

#[cfg(test)]
mod tests;
