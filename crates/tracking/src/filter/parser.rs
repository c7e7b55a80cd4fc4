//! Recursive descent parser of conditions: one function per level of precedence.

use std::ops::Range;

use super::error::FilterError;
use super::expression::{Expression, KeyComparison, Operator, Word, is_time};
use super::lexer::{KEYWORDS, Lexer};
use super::time;
use crate::typed_name::nearest;

/// Most nested parentheses and `not`s. More would overflow the stack.
const MAX_DEPTH: usize = 100;

const OPERATORS: &str = "expected one of = != < <= > >=, as in 'batch_size<=64'";
const MISSING_COMPARISON: &str = "a comparison is missing";
const MISSING_VALUE: &str = "a value is missing";

/// Parses a condition.
pub fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    if parser.lexer.rest().is_empty() {
        let label = "expected a comparison, such as 'batch_size<=64'";
        return Err(parser.lexer.error(0..text.len(), "the condition is empty", label));
    }
    let expression = parser.any(None)?;
    match parser.lexer.rest() {
        "" => Ok(expression),
        _ => Err(parser.unexpected_word()),
    }
}

/// Span of the keyword or parenthesis that a comparison must follow.
type Previous = Option<Range<usize>>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl Parser<'_> {
    /// Parts joined by `or`.
    fn any(&mut self, previous: Previous) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(previous)?];
        while let Some(or) = self.lexer.keyword("or") {
            parts.push(self.all(Some(or))?);
        }
        Ok(joined(parts, Expression::Any))
    }

    /// Parts joined by `and`.
    fn all(&mut self, previous: Previous) -> Result<Expression, FilterError> {
        let mut parts = vec![self.part(previous)?];
        while let Some(and) = self.lexer.keyword("and") {
            parts.push(self.part(Some(and))?);
        }
        Ok(joined(parts, Expression::All))
    }

    /// A comparison, `not` and a part, or an expression in parentheses.
    fn part(&mut self, previous: Previous) -> Result<Expression, FilterError> {
        if let Some(not) = self.lexer.keyword("not") {
            self.enter(&not)?;
            let part = self.part(Some(not))?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(part)));
        }
        let Some(open) = self.lexer.symbol('(') else {
            return self.comparison(previous).map(Expression::Comparison);
        };
        self.enter(&open)?;
        let expression = self.any(Some(open.clone()))?;
        self.depth -= 1;
        match self.lexer.symbol(')') {
            Some(_) => Ok(expression),
            None if self.lexer.rest().is_empty() => {
                let label = "this parenthesis is never closed";
                Err(self.lexer.error(open, "unclosed parenthesis", label))
            }
            None => Err(self.unexpected_word()),
        }
    }

    /// Enters a `not` or a parenthesis.
    fn enter(&mut self, span: &Range<usize>) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let label = format!("expected at most {MAX_DEPTH} nested parentheses and nots");
            return Err(self.lexer.error(
                span.clone(),
                "the condition is nested too deeply",
                label,
            ));
        }
        Ok(())
    }

    fn comparison(&mut self, previous: Previous) -> Result<KeyComparison, FilterError> {
        let start = self.lexer.peek();
        if let Some(keyword) = self.lexer.keyword("and").or_else(|| self.lexer.keyword("or")) {
            let label = "expected a comparison before this";
            return Err(self.lexer.error(keyword, MISSING_COMPARISON, label));
        }
        let Some(mut key) = self.lexer.key()? else {
            return Err(self.missing_key(previous, start));
        };
        if !resembles_not(&key) {
            self.lexer.extend_key(&mut key);
        }
        let Some(span) = self.lexer.operator() else {
            return Err(self.missing_operator(&key));
        };
        let Some(operator) = Operator::parse(self.lexer.text(&span)) else {
            let label = "expected one of = != < <= > >= (quote a value that starts with these)";
            return Err(self.lexer.error(span, "unknown operator", label));
        };
        let Some(operand) = self.lexer.value()? else {
            return Err(self.lexer.error(span, MISSING_VALUE, "expected a value after this"));
        };
        self.checked_comparison(key, operator, operand)
    }

    /// The comparison of these parts, if they fit together.
    fn checked_comparison(
        &self,
        key: Word,
        operator: Operator,
        mut operand: Word,
    ) -> Result<KeyComparison, FilterError> {
        let wrong = |message: &str, label: &str| {
            Err(self.lexer.error(operand.span.clone(), message, label))
        };
        if !operand.quoted && is_keyword(&operand.text) {
            let label = "expected a value before this (quote this word if it is the value)";
            return wrong(MISSING_VALUE, label);
        }
        if is_time(&key.text) {
            let Some(prefix) = time::timestamp_prefix(&operand.text) else {
                let label = "expected a form such as 2026-11-24 or '2026-11-24 10:30', in UTC";
                return wrong("invalid date or time", label);
            };
            operand.text = prefix;
            return Ok(KeyComparison { key, operator, operand, number: None, integer: None });
        }
        let number = operand.text.parse().ok().filter(|number: &f64| !number.is_nan());
        if !operator.is_equality() && number.is_none() {
            let label = "expected a number: text supports only = and !=";
            return wrong("text has no order", label);
        }
        let integer = operand.text.parse().ok();
        Ok(KeyComparison { key, operator, operand, number, integer })
    }

    /// The error of a missing key at `start`, where a comparison must start.
    fn missing_key(&self, previous: Previous, start: Range<usize>) -> FilterError {
        let (span, message, label) = match (self.lexer.rest().chars().next(), previous) {
            (None, Some(previous)) => {
                (previous, MISSING_COMPARISON, "expected a comparison after this")
            }
            (Some(')'), Some(_)) => {
                (start, MISSING_COMPARISON, "expected a comparison before this")
            }
            (Some(')'), None) => return self.unexpected_word(),
            _ => (start, "a key is missing", "expected a key before this"),
        };
        self.lexer.error(span, message, label)
    }

    /// The error of a missing operator after `key`.
    fn missing_operator(&self, key: &Word) -> FilterError {
        let label = if resembles_not(key) { "did you mean 'not'?" } else { OPERATORS };
        self.lexer.error(key.span.clone(), "an operator is missing", label)
    }

    /// The error of a next word that neither ends nor continues the condition.
    fn unexpected_word(&self) -> FilterError {
        let mut span = self.lexer.peek();
        if ["&&", "||"].iter().any(|symbol| self.lexer.rest().starts_with(symbol)) {
            span.end = span.start + 2;
        }
        let word = self.lexer.text(&span);
        if word == ")" {
            let label = "expected a ( before this";
            return self.lexer.error(span, "unmatched closing parenthesis", label);
        }
        let suggestion = match word {
            "&" | "&&" | "," => Some("and"),
            "|" | "||" => Some("or"),
            word => nearest(&word.to_lowercase(), ["and", "or"]),
        };
        let label = match suggestion {
            Some(keyword) => format!("did you mean '{keyword}'?"),
            None => "expected 'and' or 'or' before this (quote a value with blanks)".to_owned(),
        };
        self.lexer.error(span, "'and' or 'or' is missing", label)
    }
}

/// Whether `key` looks like a mistyped `not`.
fn resembles_not(key: &Word) -> bool {
    !key.quoted && (key.text == "!" || nearest(&key.text, ["not"]).is_some())
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// The only one of `parts`, or all of them joined.
fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
