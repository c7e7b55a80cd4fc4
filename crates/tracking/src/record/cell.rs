//! A cell of the record, and what becomes of it as text and back.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::RecordError;
use crate::{ExperimentName, TrialId, printable};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing was recorded.
    Null,
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Name of an experiment, which is a folder's.
    Name,
    /// Id of a run or trial.
    Id,
    /// Number of an invocation: they are counted in the order of their table.
    Invocation,
    /// Whole numbers.
    Integer,
    /// Real numbers.
    Real,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
    /// Which kind the next column's cell is of: `integer`, `real`, `text` or `blob`.
    Type,
    /// Any of these.
    Any,
}

impl Cell<'_> {
    /// The text that reads back as the same cell, if it is known of what kind it is: reals in their shortest form, bytes as base64.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Integer(number) => number.to_string().into(),
            Self::Real(number) => format!("{number:?}").into(),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Blob(bytes) => STANDARD.encode(bytes).into(),
        })
    }

    /// The same cell, borrowed of nobody.
    #[must_use]
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Integer(number) => Cell::Integer(number),
            Self::Real(number) => Cell::Real(number),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
            Self::Blob(bytes) => Cell::Blob(bytes.into_owned().into()),
        }
    }
}

impl Kind {
    /// Whether a cell that is not empty is of this kind.
    pub(crate) fn fits(self, cell: &Cell<'_>) -> bool {
        match self {
            Self::Invocation | Self::Integer => matches!(cell, Cell::Integer(_)),
            Self::Real => matches!(cell, Cell::Real(_)),
            Self::Name | Self::Id | Self::Text | Self::Type => matches!(cell, Cell::Text(_)),
            Self::Blob => matches!(cell, Cell::Blob(_)),
            Self::Any => true,
        }
    }

    /// The cell that [`Cell::text`] made this text of; `before` is the cell before it in its row.
    pub(super) fn parse<'a>(
        self,
        text: Cow<'a, str>,
        before: Option<&Cell<'_>>,
    ) -> Result<Cell<'a>, RecordError> {
        let kind = match (self, before) {
            (Self::Any, Some(Cell::Text(name))) => Self::of_type(name),
            (kind, _) => Some(kind),
        };
        let cell = kind.and_then(|kind| match kind {
            Self::Invocation | Self::Integer => text.parse().ok().map(Cell::Integer),
            Self::Real => text.parse().ok().filter(|number: &f64| !number.is_nan()).map(Cell::Real),
            Self::Blob => STANDARD.decode(&*text).ok().map(|bytes| Cell::Blob(bytes.into())),
            Self::Name => ExperimentName::new(&text).is_ok().then(|| Cell::Text(text.clone())),
            Self::Id => text.parse::<TrialId>().is_ok().then(|| Cell::Text(text.clone())),
            Self::Type => Self::of_type(&text).is_some().then(|| Cell::Text(text.clone())),
            Self::Text => Some(Cell::Text(text.clone())),
            Self::Any => None,
        });
        cell.ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            RecordError::Row(format!("'{}', expected {}", printable(&shown), kind.unwrap_or(self)))
        })
    }

    /// The kind of which SQLite says that it is of this type.
    fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "integer" => Self::Integer,
            "real" => Self::Real,
            "text" => Self::Text,
            "blob" => Self::Blob,
            _ => return None,
        })
    }
}

/// What is expected, in words.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => {
                return write!(f, "the name of an experiment: {}", ExperimentName::EXPECTED);
            }
            Self::Id => "an id: 16 digits of 0-9 a-f",
            Self::Invocation | Self::Integer => "a whole number",
            Self::Real => "a number",
            Self::Text => "a text",
            Self::Blob => "base64",
            Self::Type => "one of integer, real, text, blob",
            Self::Any => "a value of the type before it",
        })
    }
}
