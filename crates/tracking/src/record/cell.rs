//! A cell of the record and its conversion to and from text.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{ExperimentName, TrialId, printable};

/// The value of one column in one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// No value was recorded.
    Null,
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

/// The kind of value in the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Name of an experiment, which is also the name of a folder.
    Name,
    /// Id of a run or a trial.
    Id,
    /// Number of an invocation: its position in the `invocations` table, from 1.
    Invocation,
    /// Whole number.
    Integer,
    /// Real number.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Blob,
    /// SQLite type of the cell in the next column: `integer`, `real`, `text` or `blob`.
    Type,
    /// Value of the type that the previous column names.
    Any,
}

impl Cell<'_> {
    /// Formats the cell as text. The column's kind is needed to parse it back to the same cell.
    /// Reals have their shortest form; bytes are base64. [`Cell::Null`] has no text.
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

    /// Clones borrowed text or bytes.
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
    /// Whether a cell that is not [`Cell::Null`] has this kind.
    pub(crate) fn fits(self, cell: &Cell<'_>) -> bool {
        match self {
            Self::Invocation | Self::Integer => matches!(cell, Cell::Integer(_)),
            Self::Real => matches!(cell, Cell::Real(_)),
            Self::Name | Self::Id | Self::Text | Self::Type => matches!(cell, Cell::Text(_)),
            Self::Blob => matches!(cell, Cell::Blob(_)),
            Self::Any => true,
        }
    }

    /// Parses the text of a cell; the inverse of [`Cell::text`]. `before` is the previous cell of
    /// the row. The error says what was found and what was expected.
    pub(super) fn parse<'a>(
        self,
        text: Cow<'a, str>,
        before: Option<&Cell<'_>>,
    ) -> Result<Cell<'a>, String> {
        let kind = match (self, before) {
            (Self::Any, Some(Cell::Text(name))) => Self::from_sqlite_type(name),
            (kind, _) => Some(kind),
        };
        let cell = kind.and_then(|kind| match kind {
            Self::Invocation | Self::Integer => text.parse().ok().map(Cell::Integer),
            Self::Real => text.parse().ok().filter(|number: &f64| !number.is_nan()).map(Cell::Real),
            Self::Blob => STANDARD.decode(&*text).ok().map(|bytes| Cell::Blob(bytes.into())),
            Self::Name => ExperimentName::new(&text).is_ok().then(|| Cell::Text(text.clone())),
            Self::Id => text.parse::<TrialId>().is_ok().then(|| Cell::Text(text.clone())),
            Self::Type => Self::from_sqlite_type(&text).is_some().then(|| Cell::Text(text.clone())),
            Self::Text => Some(Cell::Text(text.clone())),
            Self::Any => None,
        });
        cell.ok_or_else(|| {
            let start: String = text.chars().take(40).collect();
            format!("'{}', expected {}", printable(&start), kind.unwrap_or(self))
        })
    }

    /// Returns the kind for a type name of SQLite.
    fn from_sqlite_type(name: &str) -> Option<Self> {
        Some(match name {
            "integer" => Self::Integer,
            "real" => Self::Real,
            "text" => Self::Text,
            "blob" => Self::Blob,
            _ => return None,
        })
    }
}

/// Describes the expected value in an error message.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => {
                return write!(f, "the name of an experiment: {}", ExperimentName::EXPECTED);
            }
            Self::Id => "an id: 16 digits of 0-9 a-f",
            Self::Invocation | Self::Integer => "a whole number",
            Self::Real => "a number",
            Self::Text => "text",
            Self::Blob => "base64",
            Self::Type => "one of integer, real, text, blob",
            Self::Any => "a value of the type in the previous column",
        })
    }
}
