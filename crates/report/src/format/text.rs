//! For reading in a terminal.

use anstyle::Style;
use comfy_table::{Cell as TextCell, CellAlignment, Table as TextTable, presets};

use super::show;
use crate::table::{Cell, Column, Table};

/// Longest text of a hyperparameter.
const LONGEST: usize = 24;

/// The table in at most `width` columns; columns that do not fit are named below it. Styles are for a terminal: whoever
/// prints strips them elsewhere.
pub fn text(table: &Table, width: usize) -> String {
    let mut hidden: Vec<&Column> = Vec::new();
    let mut drawn = draw(table, &hidden);
    while widest(&drawn) > width {
        let shown = table.columns.iter().filter(|column| column.dispensable > 0 && !hidden.contains(column));
        let Some(next) = shown.max_by_key(|column| column.dispensable) else { break };
        hidden.push(next);
        drawn = draw(table, &hidden);
    }
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let mut lines = vec![format!("{bold}{}{bold:#}", tracking::printable(&table.title))];
    lines.extend(
        wrap(&tracking::printable(&table.subtitle), width).into_iter().map(|line| format!("{dim}{line}{dim:#}")),
    );
    lines.push(String::new());
    for (i, line) in drawn.lines().enumerate() {
        let best = i > 0 && table.rows.get(i - 1).is_some_and(|row| row.best);
        let line = line.trim_end();
        lines.push(match (i, best) {
            (0, _) => format!("{dim}{line}{dim:#}"),
            (_, true) => format!("{bold}{line}{bold:#}"),
            _ => line.to_owned(),
        });
    }
    let mut notes = table.notes.clone();
    if !hidden.is_empty() {
        let names: Vec<&str> = hidden.iter().map(|column| column.heading.as_str()).collect();
        notes.push(format!("not shown for want of room: {} (--format markdown shows all)", names.join(", ")));
    }
    if !notes.is_empty() {
        lines.push(String::new());
        let notes = wrap(&tracking::printable(&notes.join(" · ")), width);
        lines.extend(notes.into_iter().map(|line| format!("{dim}{line}{dim:#}")));
    }
    lines.join("\n") + "\n"
}

fn draw(table: &Table, hidden: &[&Column]) -> String {
    let shown = |index: usize| !hidden.contains(&&table.columns[index]);
    let mut drawn = TextTable::new();
    drawn.load_style(presets::NOTHING);
    let headings = table.columns.iter().enumerate().filter(|(index, _)| shown(*index));
    let mut header = vec![TextCell::new("")];
    header.extend(headings.map(|(_, column)| align(column, &column.heading)));
    drawn.set_header(header);
    for row in &table.rows {
        let cells = row.cells.iter().enumerate().filter(|(index, _)| shown(*index));
        let mut line = vec![TextCell::new(if row.best { "★" } else { " " })];
        line.extend(cells.map(|(index, cell)| align(&table.columns[index], &shorten(cell))));
        drawn.add_row(line);
    }
    drawn.to_string()
}

/// Numbers to the right, words to the left.
fn align(column: &Column, text: &str) -> TextCell {
    let alignment = if column.name == "note" { CellAlignment::Left } else { CellAlignment::Right };
    TextCell::new(text).set_alignment(alignment)
}

fn shorten(cell: &Cell) -> String {
    let shown = show(cell);
    let text = tracking::printable(&shown);
    if text.chars().count() > LONGEST && matches!(cell, Cell::Key(_)) {
        return text.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    text.into_owned()
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
}

/// Breaks at ` · ` so that no line is longer than `width` where that can be helped.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(" · ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + part.chars().count() <= width => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
