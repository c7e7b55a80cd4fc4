//! Conditions on runs: `batch_size<=64`.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use tracking::{Status, Value, printable};
use unicode_width::UnicodeWidthStr;

use crate::observed::Observed;
use crate::suggestion::nearest;

/// A condition that cannot be understood: shown with a caret under what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct FilterError {
    message: String,
    text: String,
    span: Range<usize>,
    label: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = printable(&self.text[..self.span.start]).width();
        let carets = printable(&self.text[self.span.clone()]).width().max(1);
        writeln!(f, "{}\n{QUOTE}{}'", self.message, printable(&self.text))?;
        write!(f, "{}{} {}", " ".repeat(QUOTE.len() + before), "^".repeat(carets), self.label)
    }
}

impl std::error::Error for FilterError {}

/// What stands before the condition that is wrong.
const QUOTE: &str = "  --where '";

/// How two values are compared, and as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer ones first: `<=` also begins with `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Operator {
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

/// One condition on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    key: Range<usize>,
    operator: Operator,
    operand: Range<usize>,
}

impl Condition {
    /// Reads `key operator value`; the value may stand in quotes.
    ///
    /// # Errors
    /// When a part is missing, or a word is asked to be less or greater.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let wrong = |message: &str, span: Range<usize>, label: &str| FilterError {
            message: message.to_owned(),
            text: text.to_owned(),
            span,
            label: label.to_owned(),
        };
        let at = |start: usize| OPERATORS.into_iter().find(|(symbol, _)| text[start..].starts_with(symbol));
        let found = text.char_indices().find_map(|(start, _)| at(start).map(|(symbol, it)| (start, symbol, it)));
        let Some((start, symbol, operator)) = found else {
            let label = "expected one of = != < <= > >=, as in 'batch_size<=64'";
            return Err(wrong("a condition compares a key with a value", 0..text.len(), label));
        };
        let end = start + symbol.len();
        let key = trimmed(text, 0..start);
        if key.is_empty() {
            return Err(wrong("a condition begins with a key", start..end, "expected a key before this"));
        }
        let operand = unquoted(text, trimmed(text, end..text.len()));
        if operand.is_empty() {
            return Err(wrong("a condition ends with a value", start..end, "expected a value after this"));
        }
        let condition = Self { text: text.to_owned(), key, operator, operand };
        if !operator.is_equality() && condition.number().is_none() {
            let label = "expected a number: words are only = or !=";
            return Err(wrong("a word is neither less nor greater", condition.operand, label));
        }
        Ok(condition)
    }

    /// Whether its key is one of `keys`, and its value could be one of that key's.
    ///
    /// # Errors
    /// When not, naming the nearest that is.
    pub fn check(&self, keys: &[&str]) -> Result<(), FilterError> {
        let wrong = |message, span: &Range<usize>, label| FilterError {
            message,
            text: self.text.clone(),
            span: span.clone(),
            label,
        };
        let hint = |word: &str, candidates: &[&str]| match nearest(word, candidates.iter().copied()) {
            Some(near) => format!("did you mean '{}'?", printable(near)),
            None => format!("expected one of {}", printable(&candidates.join(", "))),
        };
        let (key, operand) = (self.key(), self.operand());
        if !keys.contains(&key) {
            return Err(wrong(format!("unknown key '{}'", printable(key)), &self.key, hint(key, keys)));
        }
        if key == "status" && operand.parse::<Status>().is_err() {
            let message = format!("'{}' is no status", printable(operand));
            return Err(wrong(message, &self.operand, hint(operand, &Status::ALL.map(Status::as_str))));
        }
        Ok(())
    }

    /// Whether it holds of `run`. Of what a run has not, nothing holds.
    pub fn holds(&self, run: &Observed) -> bool {
        let operand = self.operand();
        match run.value(self.key()) {
            None => false,
            Some(Value::Text(text)) if matches!(self.key(), "trial" | "run") => {
                self.operator.is_equality() && text.starts_with(operand) == (self.operator == Operator::Equal)
            }
            Some(Value::Text(text)) => self.operator.is_equality() && self.operator.accepts(text.as_str().cmp(operand)),
            Some(value) => match (value.as_number(), self.number()) {
                (Some(value), Some(number)) => {
                    value.partial_cmp(&number).is_some_and(|ordering| self.operator.accepts(ordering))
                }
                _ => self.operator == Operator::NotEqual,
            },
        }
    }

    fn key(&self) -> &str {
        &self.text[self.key.clone()]
    }

    fn operand(&self) -> &str {
        &self.text[self.operand.clone()]
    }

    fn number(&self) -> Option<f64> {
        self.operand().parse().ok().filter(|number: &f64| !number.is_nan())
    }
}

/// `span` without the blanks at its ends.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_start().len());
    start..(start + part.trim().len())
}

/// `span` without a pair of quotes around it.
fn unquoted(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let quoted = |quote: char| part.len() >= 2 && part.starts_with(quote) && part.ends_with(quote);
    if quoted('"') || quoted('\'') { span.start + 1..span.end - 1 } else { span }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_a_condition_or_an_error_on_three_lines(text in any::<String>(), operator in 0..7usize) {
            for text in [text.clone(), format!("{text}{}{text}", OPERATORS[operator].0)] {
                match Condition::parse(&text) {
                    Ok(condition) => prop_assert!(condition.check(&["seed"]).is_ok() == (condition.key() == "seed")),
                    Err(error) => prop_assert_eq!(error.to_string().lines().count(), 3),
                }
            }
        }
    }

    fn parts(text: &str) -> (String, Operator, String) {
        let condition = Condition::parse(text).unwrap();
        (condition.key().to_owned(), condition.operator, condition.operand().to_owned())
    }

    #[test]
    fn conditions_are_read() {
        assert_eq!(parts("batch_size<=64"), ("batch_size".into(), Operator::LessOrEqual, "64".into()));
        assert_eq!(parts(" decay = 1e-4 "), ("decay".into(), Operator::Equal, "1e-4".into()));
        assert_eq!(parts("init!='zeros'"), ("init".into(), Operator::NotEqual, "zeros".into()));
        assert_eq!(parts("a==b=c"), ("a".into(), Operator::Equal, "b=c".into()));
    }

    #[test]
    fn errors_point_at_what_is_wrong() {
        let error = |text: &str| Condition::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("batch_size"), @r"
        a condition compares a key with a value
          --where 'batch_size'
                   ^^^^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
        ");
        insta::assert_snapshot!(error("<3"), @r"
        a condition begins with a key
          --where '<3'
                   ^ expected a key before this
        ");
        insta::assert_snapshot!(error("seed >="), @r"
        a condition ends with a value
          --where 'seed >='
                        ^^ expected a value after this
        ");
        insta::assert_snapshot!(error("init<zeros"), @r"
        a word is neither less nor greater
          --where 'init<zeros'
                        ^^^^^ expected a number: words are only = or !=
        ");
        insta::assert_snapshot!(error("Ü\u{1b}"), @r"
        a condition compares a key with a value
          --where 'Ü\u{1b}'
                   ^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
        ");
    }

    #[test]
    fn unknown_keys_and_statuses_have_neighbours() {
        let error = |text: &str| {
            Condition::parse(text).unwrap().check(&["batch_size", "decay", "status"]).unwrap_err().to_string()
        };
        insta::assert_snapshot!(error("decay2 = batchsize"), @r"
        unknown key 'decay2'
          --where 'decay2 = batchsize'
                   ^^^^^^ did you mean 'decay'?
        ");
        insta::assert_snapshot!(error("status=finshed"), @r"
        'finshed' is no status
          --where 'status=finshed'
                          ^^^^^^^ did you mean 'finished'?
        ");
    }
}
