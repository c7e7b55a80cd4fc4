//! The error of a condition, drawn with a caret.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::printable;

/// An error in a condition. Its text shows the condition as the value of the option `--where`, with
/// carets under the wrong part.
#[derive(Debug, PartialEq, Eq)]
pub struct FilterError {
    message: String,
    /// The whole condition.
    text: String,
    /// The wrong part of the condition.
    span: Range<usize>,
    /// Text after the carets: what was expected.
    label: String,
    /// The command-line option with the condition.
    option: &'static str,
}

impl FilterError {
    /// An error of the condition `text` of the option `--where`.
    pub(super) fn new(
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

    /// Returns what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the wrong part, in bytes of the condition.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns what was expected at the wrong part.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The same error, for a condition of another command-line option.
    #[must_use]
    pub fn with_option(self, option: &'static str) -> Self {
        Self { option, ..self }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = format!("  {} '", self.option);
        let indent = prefix.len() + printable(&self.text[..self.span.start]).width();
        let carets = printable(&self.text[self.span.clone()]).width().max(1);
        writeln!(f, "{}\n{prefix}{}'", self.message, printable(&self.text))?;
        write!(f, "{}{} {}", " ".repeat(indent), "^".repeat(carets), self.label)
    }
}

impl std::error::Error for FilterError {}
