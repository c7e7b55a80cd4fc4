//! Words and symbols of a condition, one after another: only who reads them knows whether a key or a value comes next.

use std::ops::Range;

use super::{FilterError, Word};

/// A condition, read until a place.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lexer = Self { text, at: 0 };
        lexer.take(0);
        lexer
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn error(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> FilterError {
        FilterError::new(self.text, span, message, label)
    }

    /// Where the next `length` bytes are; reads them, and the blanks after them.
    fn take(&mut self, length: usize) -> Range<usize> {
        let span = self.at..self.at + length;
        self.at = span.end;
        self.at += self.rest().len() - self.rest().trim_start().len();
        span
    }

    /// The text at `span`.
    pub fn text(&self, span: &Range<usize>) -> &'a str {
        &self.text[span.clone()]
    }

    /// Reads `symbol`, if it is next.
    pub fn symbol(&mut self, symbol: char) -> Option<Range<usize>> {
        self.rest().starts_with(symbol).then(|| self.take(symbol.len_utf8()))
    }

    /// Reads what looks like an operator, if that is next.
    pub fn operator(&mut self) -> Option<Range<usize>> {
        let rest = self.rest();
        let length = rest.find(|c| !matches!(c, '=' | '!' | '<' | '>')).unwrap_or(rest.len());
        begins_operator(rest).then(|| self.take(length))
    }

    /// Where the bare word is that is next, or the parenthesis or operator.
    pub fn next(&self) -> Range<usize> {
        let length = match self.bare(ends_key) {
            0 => self.rest().chars().next().map_or(0, char::len_utf8),
            length => length,
        };
        self.at..self.at + length
    }

    /// Reads `keyword`, if it is next: a word before an operator is a key instead.
    pub fn keyword(&mut self, keyword: &str) -> Option<Range<usize>> {
        let length = self.bare(ends_key);
        let is_keyword = self.rest()[..length].eq_ignore_ascii_case(keyword);
        (is_keyword && !begins_operator(self.rest()[length..].trim_start()))
            .then(|| self.take(length))
    }

    /// Reads a key; none where something else is next.
    pub fn key(&mut self) -> Result<Option<Word>, FilterError> {
        self.word(['"', '`'], ends_key)
    }

    /// Reads a value; none where something else is next.
    pub fn value(&mut self) -> Result<Option<Word>, FilterError> {
        // Not a part of a value, but what other languages have for "and" and "or".
        let of_others = |rest: &str| rest.starts_with("&&") || rest.starts_with("||");
        self.word(['\'', '"'], |rest| rest.starts_with(ends_value) || of_others(rest))
    }

    fn word(
        &mut self,
        quotes: [char; 2],
        ends: impl Fn(&str) -> bool,
    ) -> Result<Option<Word>, FilterError> {
        if let Some(quote) = self.rest().chars().next().filter(|c| quotes.contains(c)) {
            return self.quoted(quote).map(Some);
        }
        let length = self.bare(ends);
        if length == 0 {
            return Ok(None);
        }
        let text = self.rest()[..length].to_owned();
        Ok(Some(Word { text, span: self.take(length), quoted: false }))
    }

    /// Length of the bare word that is next.
    fn bare(&self, ends: impl Fn(&str) -> bool) -> usize {
        let rest = self.rest();
        rest.char_indices().map(|(at, _)| at).find(|at| ends(&rest[*at..])).unwrap_or(rest.len())
    }

    /// Reads until the second quote; two of them together are one in the text.
    fn quoted(&mut self, quote: char) -> Result<Word, FilterError> {
        let (mut text, mut chars) = (String::new(), self.rest().char_indices().skip(1).peekable());
        while let Some((at, c)) = chars.next() {
            if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                return Ok(Word { text, span: self.take(at + 1), quoted: true });
            }
            text.push(c);
        }
        let label = format!("expected a second {quote} after this");
        Err(self.error(self.at..self.at + 1, "a quote is not closed", label))
    }
}

fn begins_operator(rest: &str) -> bool {
    rest.starts_with(['=', '<', '>']) || rest.starts_with("!=")
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')')
}

fn ends_key(rest: &str) -> bool {
    rest.starts_with(ends_value) || begins_operator(rest)
}
