//! Lists for `report list`: columns with a text for people and a value for programs.

pub mod experiments;
pub mod formats;
pub mod runs;
pub mod short_ids;

use serde_json::Value as Json;

use crate::table::Prominence;

/// A list: one row per experiment or run.
pub struct Listing {
    /// The line above the list.
    pub heading: Option<String>,
    pub columns: Vec<ListColumn>,
}

/// A column of a list.
pub struct ListColumn {
    /// Its name for programs, unique in all lists of one output.
    pub name: String,
    /// Its title for people.
    pub title: String,
    pub prominence: Prominence,
    /// Whether it holds numbers, which are aligned to the right.
    pub numeric: bool,
    pub cells: Vec<ListCell>,
}

/// A cell of a list.
pub struct ListCell {
    /// The text for people.
    pub shown: String,
    /// The value in full for programs, null if there is none.
    pub value: Json,
}

impl ListCell {
    fn text(text: &str) -> Self {
        Self { shown: tracking::printable(text).into_owned(), value: text.into() }
    }

    fn count(count: usize) -> Self {
        Self {
            shown: if count == 0 { String::new() } else { count.to_string() },
            value: count.into(),
        }
    }

    /// A time in RFC 3339, UTC, shown to the second.
    fn time(time: &str) -> Self {
        let shown = time.get(..19).unwrap_or(time).replace('T', " ");
        Self { shown, value: if time.is_empty() { Json::Null } else { time.into() } }
    }

    fn absent() -> Self {
        Self { shown: String::new(), value: Json::Null }
    }
}

impl ListColumn {
    fn new(name: &str, title: &str, prominence: Prominence, cells: Vec<ListCell>) -> Self {
        let (name, title) = (name.to_owned(), title.to_owned());
        Self { name, title, prominence, numeric: false, cells }
    }

    fn numeric(self) -> Self {
        Self { numeric: true, ..self }
    }
}
