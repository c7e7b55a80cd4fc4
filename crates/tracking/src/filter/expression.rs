//! The parsed form of a condition, and its evaluation.

use std::cmp::Ordering;
use std::ops::Range;

use super::error::FilterError;
use crate::{IdPrefix, Value};

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator that `symbol` stands for.
    pub fn parse(symbol: &str) -> Option<Self> {
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

    /// Whether the operator holds for two values in this order.
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

    /// Whether the operator is `=` or `!=`, the only ones that text supports.
    pub fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// Whether the values of `key` are dates and times.
pub fn is_time(key: &str) -> bool {
    matches!(key, "started_at" | "ended_at")
}

/// A key or value without its quotes, and its position in the condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: String,
    pub span: Range<usize>,
    pub quoted: bool,
}

/// A key, an operator and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyComparison {
    pub key: Word,
    pub operator: Operator,
    pub operand: Word,
    /// The operand as a number, if it is one.
    pub number: Option<f64>,
    /// The operand as an integer, if it is one.
    pub integer: Option<i64>,
}

impl KeyComparison {
    fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> bool {
        let key = self.key.text.as_str();
        match value(key) {
            None => false,
            Some(Value::Text(text)) if is_time(key) => self.holds_for_time(&text),
            Some(Value::Text(text)) if matches!(key, "trial" | "run") => self.holds_for_id(&text),
            Some(Value::Text(text)) => {
                let ordering = text.as_str().cmp(&self.operand.text);
                self.operator.is_equality() && self.operator.accepts(ordering)
            }
            Some(value) => self.holds_for_number(&value),
        }
    }

    /// Compares a time with the operand, which is the beginning of a time in the same format. The
    /// order of the bytes is the order of the times.
    fn holds_for_time(&self, time: &str) -> bool {
        let operand = self.operand.text.as_bytes();
        let precision = time.len().min(operand.len());
        self.operator.accepts(time.as_bytes()[..precision].cmp(operand))
    }

    /// Compares an id with the operand, which is the beginning of an id.
    fn holds_for_id(&self, id: &str) -> bool {
        let digits = IdPrefix::parse(&self.operand.text).digits;
        self.operator.is_equality() && id.starts_with(&digits) == (self.operator == Operator::Equal)
    }

    fn holds_for_number(&self, value: &Value) -> bool {
        match (value, self.integer, value.as_number(), self.number) {
            // Integers are compared as integers: f64 is not exact beyond 2^53.
            (Value::Integer(value), Some(integer), ..) => {
                self.operator.accepts(value.cmp(&integer))
            }
            (_, _, Some(value), Some(number)) => {
                value.partial_cmp(&number).is_some_and(|ordering| self.operator.accepts(ordering))
            }
            _ => self.operator == Operator::NotEqual,
        }
    }
}

/// Comparisons and the keywords between them.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Comparison(KeyComparison),
    Not(Box<Expression>),
    /// Parts joined by `and`.
    All(Vec<Expression>),
    /// Parts joined by `or`.
    Any(Vec<Expression>),
}

impl Expression {
    /// Whether the expression is true, where `value` gives the value of each key.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> bool {
        match self {
            Self::Comparison(comparison) => comparison.holds(value),
            Self::Not(part) => !part.holds(value),
            Self::All(parts) => parts.iter().all(|part| part.holds(value)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(value)),
        }
    }

    /// Applies `resolve` to every comparison from left to right, until an error.
    pub fn try_for_each_comparison(
        &mut self,
        resolve: &impl Fn(&mut KeyComparison) -> Result<(), FilterError>,
    ) -> Result<(), FilterError> {
        match self {
            Self::Comparison(comparison) => resolve(comparison),
            Self::Not(part) => part.try_for_each_comparison(resolve),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter_mut().try_for_each(|part| part.try_for_each_comparison(resolve))
            }
        }
    }
}
