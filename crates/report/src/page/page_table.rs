//! The table of settings.

use analysis::metric::Unit;
use serde::Serialize;
use tracking::Value;

use super::text::safe;
use crate::narrative;
use crate::table::legend::legend;
use crate::table::{Cell, Column, Mark, Prominence, RenderedColumn, Row, Table};

/// The maximum number of rows; the page summarises further settings.
const ROWS: usize = 1_000;

/// The table of settings.
#[derive(Debug, Serialize)]
pub struct PageTable {
    pub columns: Vec<PageColumn>,
    pub rows: Vec<PageRow>,
    pub notes: Vec<String>,
}

/// A column.
#[derive(Debug, Serialize)]
pub struct PageColumn {
    pub name: String,
    pub title: String,
    /// The name for screen readers, if the title is empty.
    pub spoken: String,
    pub numeric: bool,
    /// The factor from values to displayed numbers.
    pub scale: u8,
}

/// A row.
#[derive(Debug, Serialize)]
pub struct PageRow {
    /// The index in the comparison, as in charts.
    pub setting: usize,
    /// `best`, `unranked` or empty.
    pub kind: &'static str,
    pub cells: Vec<PageCell>,
}

/// A cell.
#[derive(Debug, Serialize)]
pub struct PageCell {
    pub text: String,
    pub number: bool,
    /// The value in full, for sorting and filtering.
    pub value: Option<String>,
}

/// The table with its notes.
pub fn page_table(table: &Table) -> PageTable {
    let visible = || {
        table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.prominence > Prominence::Machine)
    };
    let shown = table.rendered_columns();
    let column = |((_, column), shown): ((usize, &Column), &RenderedColumn)| PageColumn {
        name: safe(&column.name),
        title: shown.title.clone(),
        spoken: if column.name == "best" { "mark" } else { "note" }.to_owned(),
        numeric: shown.numeric,
        scale: if column.role.unit() == Unit::Fraction { 100 } else { 1 },
    };
    let row = |(setting, row): (usize, &Row)| PageRow {
        setting,
        kind: if row.best {
            "best"
        } else if row.unranked {
            "unranked"
        } else {
            ""
        },
        cells: visible()
            .zip(&shown)
            .map(|((index, _), shown)| PageCell {
                text: shown.cells[setting].clone(),
                number: shown.numeric,
                value: full_value(&row.cells[index]),
            })
            .collect(),
    };
    let rows: Vec<PageRow> = table.rows.iter().enumerate().take(ROWS).map(row).collect();
    let all = table.rows.len() + table.omitted;
    let mut notes = Vec::new();
    if all > rows.len() {
        notes.push(format!(
            "The best {} of {all} settings are shown; report --format csv has all.",
            rows.len()
        ));
    }
    let legend = legend(table, &shown);
    if !legend.is_empty() {
        notes.push(legend);
    }
    notes.extend(narrative::front(&table.comparison));
    PageTable { columns: visible().zip(&shown).map(column).collect(), rows, notes }
}

/// A value in full, for sorting and filtering.
fn full_value(cell: &Cell) -> Option<String> {
    let number = |number: f64| Value::Real(number).to_string();
    match cell {
        Cell::Absent => None,
        Cell::Value(Value::Text(text)) => Some(safe(text)),
        Cell::Value(value) => Some(value.to_string()),
        Cell::Count(count) => Some(count.to_string()),
        Cell::Statistic(statistic) => Some(number(statistic.mean)),
        Cell::Level(level) => Some(number(*level)),
        Cell::Interval(limits) => Some(number(limits.low)),
        Cell::Distance(standing) => standing.distance.and_then(|limits| limits.low).map(number),
        Cell::Difference(found) => Some(number(found.mean)),
        Cell::Left(left) => Some(left.look.to_string()),
        Cell::Mark(mark) => Some(if *mark == Mark::Best { "1" } else { "2" }.to_owned()),
        Cell::Flag => Some("1".to_owned()),
        Cell::Note(note) => Some(note.clone()),
    }
}
