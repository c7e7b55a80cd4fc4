//! Errors that point into an experiment file or a `--set` option, as rustc draws them.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text that defines settings: an experiment file or one `--set` option.
#[derive(Debug)]
pub struct Source {
    /// The path of the file, or `--set`.
    pub name: String,
    pub text: String,
}

/// A range of bytes in a [`Source`].
#[derive(Debug, Clone)]
pub struct SourceSpan {
    pub source: Arc<Source>,
    pub range: Range<usize>,
}

impl SourceSpan {
    /// The part `range` of the string with the content `text` at this position; the whole string if
    /// the file writes a part of it as an escape.
    pub fn inside_string(&self, text: &str, range: Range<usize>) -> Self {
        let written = self.source.text.get(self.range.clone()).unwrap_or_default();
        let Some(start) = written.find(text).filter(|_| !text.is_empty()) else {
            return self.clone();
        };
        let start = self.range.start + start;
        Self { source: Arc::clone(&self.source), range: start + range.start..start + range.end }
    }
}

/// An error at a position of a source.
#[derive(Debug)]
pub struct Diagnostic {
    message: String,
    span: SourceSpan,
    label: String,
    help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`. `message` is the title; `label` appears under the carets and says what
    /// was expected.
    pub fn new(message: impl Into<String>, span: &SourceSpan, label: impl Into<String>) -> Self {
        Self { message: message.into(), span: span.clone(), label: label.into(), help: None }
    }

    /// Adds a line that says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The width of an error in columns. Longer source lines are cut.
const WIDTH: usize = 120;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { name, text } = &*self.span.source;
        let name = tracking::printable(name);
        let message = tracking::printable(&self.message);
        let label = tracking::printable(&self.label);
        let range = &self.span.range;
        let span = range.start.min(text.len())..range.end.min(text.len());
        let snippet = Snippet::source(text.as_str())
            .path(name.as_ref())
            .annotation(AnnotationKind::Primary.span(span).label(label.as_ref()));
        let mut group = Level::ERROR.primary_title(message.as_ref()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(tracking::printable(help).into_owned()));
        }
        let rendered = Renderer::plain().term_width(WIDTH).render(&[group]);
        f.write_str(&rendered)
    }
}

impl std::error::Error for Diagnostic {}
