//! Lexer of conditions.
//!
//! The parser asks for the token that it needs next, because keys and values end at different
//! characters.

use std::ops::Range;

use super::error::FilterError;
use super::expression::Word;

/// Words between comparisons, in lower case.
pub const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// A condition, and the position up to which it has been read.
pub struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lexer = Self { text, position: 0 };
        lexer.take(0);
        lexer
    }

    /// The part that has not been read yet.
    pub fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    pub fn error(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> FilterError {
        FilterError::new(self.text, span, message, label)
    }

    /// Reads `length` bytes and the blanks after them. Returns the span without the blanks.
    fn take(&mut self, length: usize) -> Range<usize> {
        let span = self.position..self.position + length;
        self.position = span.end;
        self.position += self.rest().len() - self.rest().trim_start().len();
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

    /// Reads the characters of an operator, if they are next. They need not form a valid operator.
    pub fn operator(&mut self) -> Option<Range<usize>> {
        let rest = self.rest();
        let length = rest.find(|c| !matches!(c, '=' | '!' | '<' | '>')).unwrap_or(rest.len());
        starts_operator(rest).then(|| self.take(length))
    }

    /// The span of the next bare word, or of the next character if there is no word. The position
    /// stays the same.
    pub fn peek(&self) -> Range<usize> {
        let length = match self.bare_length(ends_key) {
            0 => self.rest().chars().next().map_or(0, char::len_utf8),
            length => length,
        };
        self.position..self.position + length
    }

    /// Reads `keyword`, if it is next and no operator follows. Before an operator, it is a key.
    pub fn keyword(&mut self, keyword: &str) -> Option<Range<usize>> {
        let length = self.bare_length(ends_key);
        let is_keyword = self.rest()[..length].eq_ignore_ascii_case(keyword);
        (is_keyword && !starts_operator(self.rest()[length..].trim_start()))
            .then(|| self.take(length))
    }

    /// Reads a key, if one is next.
    pub fn key(&mut self) -> Result<Option<Word>, FilterError> {
        self.word(['"', '`'], ends_key)
    }

    /// Adds the words between `key` and the next operator to it: `test accuracy` is one key.
    pub fn extend_key(&mut self, key: &mut Word) {
        let rest = self.rest();
        let end = rest.find(|c| "=!<>()\"'`".contains(c)).unwrap_or(rest.len());
        let words = rest[..end].trim_end();
        let has_keyword =
            || words.split_whitespace().any(|word| KEYWORDS.contains(&&*word.to_lowercase()));
        if !key.quoted && !words.is_empty() && starts_operator(&rest[end..]) && !has_keyword() {
            key.text = format!("{} {words}", key.text);
            key.span.end = self.take(words.len()).end;
        }
    }

    /// Reads a value, if one is next.
    pub fn value(&mut self) -> Result<Option<Word>, FilterError> {
        // A value also ends at the "and" and "or" of other languages, for a better error message.
        let is_foreign_keyword = |rest: &str| rest.starts_with("&&") || rest.starts_with("||");
        self.word(['\'', '"'], |rest| rest.starts_with(ends_value) || is_foreign_keyword(rest))
    }

    fn word(
        &mut self,
        quotes: [char; 2],
        ends: impl Fn(&str) -> bool,
    ) -> Result<Option<Word>, FilterError> {
        if let Some(quote) = self.rest().chars().next().filter(|c| quotes.contains(c)) {
            return self.quoted(quote).map(Some);
        }
        let length = self.bare_length(ends);
        if length == 0 {
            return Ok(None);
        }
        let text = self.rest()[..length].to_owned();
        Ok(Some(Word { text, span: self.take(length), quoted: false }))
    }

    /// Length of the next bare word, which ends where `ends` is true of the rest.
    fn bare_length(&self, ends: impl Fn(&str) -> bool) -> usize {
        let rest = self.rest();
        let mut indices = rest.char_indices().map(|(index, _)| index);
        indices.find(|index| ends(&rest[*index..])).unwrap_or(rest.len())
    }

    /// Reads up to the closing quote. A doubled quote is one quote in the text.
    fn quoted(&mut self, quote: char) -> Result<Word, FilterError> {
        let (mut text, mut chars) = (String::new(), self.rest().char_indices().skip(1).peekable());
        while let Some((index, c)) = chars.next() {
            if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                return Ok(Word { text, span: self.take(index + 1), quoted: true });
            }
            text.push(c);
        }
        let label = format!("expected a closing {quote} after this");
        Err(self.error(self.position..self.position + 1, "unclosed quote", label))
    }
}

fn starts_operator(rest: &str) -> bool {
    rest.starts_with(['=', '<', '>']) || rest.starts_with("!=")
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')')
}

fn ends_key(rest: &str) -> bool {
    rest.starts_with(ends_value) || starts_operator(rest)
}
