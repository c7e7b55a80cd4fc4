//! Lists as text, CSV and JSON.

use std::io;

use analysis::runs::distinct;
use serde_json::{Map, Value as Json};
use tracking::{csv_id, escape_formula, printable_json};

use super::{ListCell, ListColumn, Listing};
use crate::render::layout::{BOLD, fitted_table, styled};
use crate::table::{Prominence, RenderedColumn};

/// Lists for the terminal, at most `width` columns wide if possible. An empty list is left out.
pub fn text(listings: Vec<Listing>, width: usize) -> String {
    let block = |listing: Listing| {
        let is_shown = |column: &ListColumn| column.prominence > Prominence::Machine;
        let columns = listing.columns.into_iter().filter(is_shown).map(rendered).collect();
        let heading = listing.heading.map(|heading| styled(BOLD, &heading));
        let lines: Vec<String> = heading.into_iter().chain(fitted_table(columns, width)).collect();
        lines.join("\n") + "\n"
    };
    let has_rows =
        |listing: &Listing| listing.columns.iter().any(|column| !column.cells.is_empty());
    listings.into_iter().filter(has_rows).map(block).collect::<Vec<_>>().join("\n")
}

fn rendered(column: ListColumn) -> RenderedColumn {
    let ListColumn { name, title, prominence, numeric, cells } = column;
    let cells = cells.into_iter().map(|cell| cell.shown).collect();
    RenderedColumn { name, title, prominence, numeric, cells }
}

/// All lists as one CSV table with the columns of all lists.
///
/// # Errors
/// Never in practice: rows are written to memory.
pub fn csv(listings: &[Listing]) -> io::Result<String> {
    let columns = || listings.iter().flat_map(|listing| &listing.columns);
    let header = distinct(columns().map(|column| column.name.as_str()));
    let mut out = ::csv::Writer::from_writer(Vec::new());
    out.write_record(&header)?;
    for row in rows(listings) {
        let cell = |name: &&str| {
            let found = row.iter().find(|(column, _)| column == name);
            found.map_or_else(String::new, |(name, cell)| csv_cell(name, &cell.value))
        };
        out.write_record(header.iter().map(cell))?;
    }
    let bytes = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn csv_cell(column: &str, value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(id) if column == "run" || column == "trial" => csv_id(id).into_owned(),
        Json::String(text) => escape_formula(text).into_owned(),
        other => other.to_string(),
    }
}

/// All lists as one JSON list of objects.
pub fn json(listings: &[Listing]) -> String {
    let object = |row: Vec<(&str, &ListCell)>| {
        let fields = row.into_iter().map(|(name, cell)| (name.to_owned(), cell.value.clone()));
        Json::Object(fields.collect::<Map<_, _>>())
    };
    let rows = rows(listings).map(object).collect();
    printable_json(&format!("{:#}\n", Json::Array(rows))).into_owned()
}

/// The rows of all lists, each as names of columns with their cells.
fn rows(listings: &[Listing]) -> impl Iterator<Item = Vec<(&str, &ListCell)>> {
    listings.iter().flat_map(|listing| {
        let rows = listing.columns.first().map_or(0, |column| column.cells.len());
        let columns = &listing.columns;
        (0..rows).map(move |row| {
            columns.iter().map(|column| (column.name.as_str(), &column.cells[row])).collect()
        })
    })
}
