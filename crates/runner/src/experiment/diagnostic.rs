//! An error in what the user wrote: what is wrong, where, what was expected, what to do.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text that settings came from: an experiment file, or one `--set`.
#[derive(Debug)]
pub struct Source {
    /// The file's path, or `--set`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A stretch of bytes in a [`Source`].
#[derive(Debug, Clone)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Range<usize>,
}

/// An error with its place.
#[derive(Debug)]
pub struct Diagnostic {
    message: String,
    place: Place,
    label: String,
    help: Option<String>,
}

impl Diagnostic {
    /// `message` says what is wrong; `label` stands under the carets and says what was expected.
    pub fn new(message: impl Into<String>, place: &Place, label: impl Into<String>) -> Self {
        Self { message: message.into(), place: place.clone(), label: label.into(), help: None }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Columns an error may take, so that a very long line stays on one screen.
const WIDTH: usize = 120;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { name, text } = &*self.place.source;
        let name = tracking::printable(name);
        let message = tracking::printable(&self.message);
        let label = tracking::printable(&self.label);
        let span = self.place.span.start.min(text.len())..self.place.span.end.min(text.len());
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

/// The candidate that a misspelt `word` most likely means.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
