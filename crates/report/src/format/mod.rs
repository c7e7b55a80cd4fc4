//! A table written down, one file a format.

pub mod csv;
pub mod json;
pub mod markdown;
pub mod text;

use crate::comparison::Summary;
use crate::table::{Cell, Unit, show_value};

/// A cell for people. What was not measured is a dash, never a number.
fn show(cell: &Cell) -> String {
    match cell {
        Cell::Key(value) => value.as_ref().map_or_else(|| "—".to_owned(), show_value),
        Cell::Count(count) => count.to_string(),
        Cell::Note(words) => words.clone(),
        Cell::Metric(None, _) => "—".to_owned(),
        Cell::Metric(Some(Summary { mean, sd, .. }), unit) => {
            let (factor, decimals, sign) = match unit {
                Unit::Share => (100.0, 2, " %"),
                Unit::Number => (1.0, 3, ""),
                Unit::Seconds => (1.0, 2, " s"),
            };
            match sd {
                // How long a trial took says more about the machine than about the setting.
                Some(sd) if *unit != Unit::Seconds => {
                    format!("{:.decimals$} ± {:.decimals$}{sign}", mean * factor, sd * factor)
                }
                _ => format!("{:.decimals$}{sign}", mean * factor),
            }
        }
    }
}
