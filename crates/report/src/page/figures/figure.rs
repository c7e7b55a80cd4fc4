//! A chart with its title and note.

use analysis::metric::Unit;
use serde::Serialize;

use crate::chart::NumberFormat;

/// A chart with its title and note.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub title: String,
    pub note: String,
    pub svg: String,
}

/// The number format of a unit.
pub fn format_of(unit: Unit) -> NumberFormat {
    match unit {
        Unit::Fraction => NumberFormat::Percent,
        Unit::Seconds => NumberFormat::Seconds,
        Unit::Percent | Unit::Number => NumberFormat::Number,
    }
}
