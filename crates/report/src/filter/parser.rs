//! Conditions, from their words: a function for each way to join them.

use std::ops::Range;

use super::lexer::Lexer;
use super::{Comparison, Expression, FilterError, Operator, Word, is_time, time};
use crate::suggestion::nearest;

/// Parentheses and `not`s within each other: more are nobody's, and would fill the stack.
const DEEPEST: usize = 100;

const OPERATORS: &str = "expected one of = != < <= > >=, as in 'batch_size<=64'";

/// Reads a whole condition.
pub fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    if parser.lexer.rest().is_empty() {
        let label = "expected a comparison, as 'batch_size<=64'";
        return Err(parser.lexer.error(0..text.len(), "the condition is empty", label));
    }
    let expression = parser.any(None)?;
    match parser.lexer.rest() {
        "" => Ok(expression),
        _ => Err(parser.unexpected()),
    }
}

/// Where the word or parenthesis is after which something must come.
type After = Option<Range<usize>>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl Parser<'_> {
    /// Parts joined by `or`.
    fn any(&mut self, after: After) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(after)?];
        while let Some(or) = self.lexer.keyword("or") {
            parts.push(self.all(Some(or))?);
        }
        Ok(joined(parts, Expression::Any))
    }

    /// Parts joined by `and`.
    fn all(&mut self, after: After) -> Result<Expression, FilterError> {
        let mut parts = vec![self.one(after)?];
        while let Some(and) = self.lexer.keyword("and") {
            parts.push(self.one(Some(and))?);
        }
        Ok(joined(parts, Expression::All))
    }

    /// A comparison, `not` and another, or parts in parentheses.
    fn one(&mut self, after: After) -> Result<Expression, FilterError> {
        if let Some(not) = self.lexer.keyword("not") {
            self.enter(&not)?;
            let part = self.one(Some(not))?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(part)));
        }
        let Some(open) = self.lexer.symbol('(') else {
            return self.comparison(after).map(Expression::Comparison);
        };
        self.enter(&open)?;
        let parts = self.any(Some(open.clone()))?;
        self.depth -= 1;
        match self.lexer.symbol(')') {
            Some(_) => Ok(parts),
            None if self.lexer.rest().is_empty() => Err(self.lexer.error(
                open,
                "a parenthesis is not closed",
                "expected a ) after this",
            )),
            None => Err(self.unexpected()),
        }
    }

    fn enter(&mut self, at: &Range<usize>) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let label =
                format!("expected at most {DEEPEST} parentheses and nots within each other");
            return Err(self.lexer.error(at.clone(), "a condition is nested too deeply", label));
        }
        Ok(())
    }

    fn comparison(&mut self, after: After) -> Result<Comparison, FilterError> {
        let start = self.lexer.next();
        if let Some(joint) = self.lexer.keyword("and").or_else(|| self.lexer.keyword("or")) {
            return Err(self.lexer.error(
                joint,
                "a comparison is missing",
                "expected a comparison before this",
            ));
        }
        let Some(key) = self.lexer.key()? else {
            return Err(self.no_key(after, start));
        };
        let Some(span) = self.lexer.operator() else {
            return Err(self.no_operator(&key));
        };
        let Some(operator) = Operator::of(self.lexer.text(&span)) else {
            let label = "expected one of = != < <= > >= (a value that begins so stands in quotes)";
            return Err(self.lexer.error(span, "no such operator", label));
        };
        let Some(operand) = self.lexer.value()? else {
            return Err(self.lexer.error(
                span,
                "a comparison ends with a value",
                "expected a value after this",
            ));
        };
        self.compared(key, operator, operand)
    }

    /// The comparison of these parts, if they can be compared.
    fn compared(
        &self,
        key: Word,
        operator: Operator,
        mut operand: Word,
    ) -> Result<Comparison, FilterError> {
        let wrong = |message: &str, label: &str| {
            Err(self.lexer.error(operand.span.clone(), message, label))
        };
        if !operand.quoted
            && KEYWORDS.iter().any(|keyword| operand.text.eq_ignore_ascii_case(keyword))
        {
            return wrong(
                "a comparison ends with a value",
                "expected a value before this (as a value it stands in quotes)",
            );
        }
        if is_time(&key.text) {
            let Some(beginning) = time::beginning(&operand.text) else {
                return wrong(
                    "a time is compared with a date",
                    "expected one as 2026-11-24 or '2026-11-24 10:30', in UTC",
                );
            };
            operand.text = beginning;
            return Ok(Comparison { key, operator, operand, number: None, whole: None });
        }
        let number = operand.text.parse().ok().filter(|number: &f64| !number.is_nan());
        if !operator.is_equality() && number.is_none() {
            return wrong(
                "a word is neither less nor greater",
                "expected a number: words are only = or !=",
            );
        }
        let whole = operand.text.parse().ok();
        Ok(Comparison { key, operator, operand, number, whole })
    }

    fn no_key(&self, after: After, found: Range<usize>) -> FilterError {
        match (self.lexer.rest().chars().next(), after) {
            (None, Some(after)) => self.lexer.error(
                after,
                "a comparison is missing",
                "expected a comparison after this",
            ),
            (Some(')'), Some(_)) => self.lexer.error(
                found,
                "a comparison is missing",
                "expected a comparison before this",
            ),
            (Some(')'), None) => self.unexpected(),
            _ => self.lexer.error(
                found,
                "a comparison begins with a key",
                "expected a key before this",
            ),
        }
    }

    fn no_operator(&self, key: &Word) -> FilterError {
        let is_not = !key.quoted
            && (key.text == "!" || nearest(&key.text.to_lowercase(), ["not"]).is_some());
        let label = if is_not { "did you mean 'not'?" } else { OPERATORS };
        self.lexer.error(key.span.clone(), "a comparison is a key, an operator and a value", label)
    }

    /// What stands where a condition could end, and is no way to go on.
    fn unexpected(&self) -> FilterError {
        let mut span = self.lexer.next();
        if ["&&", "||"].iter().any(|joint| self.lexer.rest().starts_with(joint)) {
            span.end = span.start + 2;
        }
        let word = self.lexer.text(&span);
        if word == ")" {
            return self.lexer.error(
                span,
                "a parenthesis is not opened",
                "expected a ( before this",
            );
        }
        let meant = match word {
            "&" | "&&" | "," => Some("and"),
            "|" | "||" => Some("or"),
            word => nearest(&word.to_lowercase(), ["and", "or"]),
        };
        let label = match meant {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => {
                "expected 'and' or 'or' before this (a value of several words stands in quotes)"
                    .to_owned()
            }
        };
        self.lexer.error(span, "comparisons are joined by 'and' or 'or'", label)
    }
}

const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// The only one of `parts`, or all of them.
fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
