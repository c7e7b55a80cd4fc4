//! Layout of text: columns that fit a width, alignment and line wrapping.

use anstyle::Style;
use comfy_table::{CellAlignment, presets};
use unicode_width::UnicodeWidthStr;

use crate::table::{Prominence, RenderedColumn};
use crate::wording::truncated;

/// Headings.
pub const BOLD: Style = Style::new().bold();
/// Headers and notes of tables.
pub const DIM: Style = Style::new().dimmed();

/// The width if the output is no terminal.
pub const DEFAULT_WIDTH: usize = 100;

/// The width of the terminal, or [`DEFAULT_WIDTH`] without one.
pub fn terminal_width() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    terminal.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0))
}

/// Adds the escape codes of `style` to `line`.
pub fn styled(style: Style, line: &str) -> String {
    format!("{style}{line}{style:#}")
}

/// Lines that name the omitted columns.
pub fn left_out_note(left_out: &[String], width: usize) -> Vec<String> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let note = format!("left out to fit {width} columns: {}", left_out.join(", "));
    let lines = wrap(note.split(' '), " ", width.saturating_sub(INDENT));
    lines.iter().map(|line| styled(DIM, &format!("  {line}"))).collect()
}

/// Joins `parts` by `separator` into lines of at most `width` columns. Longer parts are cut.
pub fn wrap<'a>(
    parts: impl Iterator<Item = &'a str>,
    separator: &str,
    width: usize,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let part = truncated(part, width);
        match lines.last_mut() {
            Some(line) if line.width() + separator.width() + part.width() <= width => {
                line.push_str(separator);
                line.push_str(&part);
            }
            _ => lines.push(part.into_owned()),
        }
    }
    lines
}

/// Removes the least important columns, the last ones first, until the others fit `width`. Also
/// returns the titles of the removed columns.
pub fn fit_columns(
    mut columns: Vec<RenderedColumn>,
    width: usize,
) -> (Vec<RenderedColumn>, Vec<String>) {
    let mut left_out = Vec::new();
    while total_width(&columns) > width {
        let least = columns.iter().map(|column| column.prominence).min();
        let is_optional = |column: &RenderedColumn| {
            Some(column.prominence) == least && column.prominence < Prominence::Needed
        };
        let position = columns.iter().rposition(is_optional).or_else(|| last_key(&columns));
        match position {
            Some(position) => left_out.insert(0, columns.remove(position).title),
            None => break,
        }
    }
    (columns, left_out)
}

/// The last key, except the first one: if no column is optional, keys are removed from the right.
fn last_key(columns: &[RenderedColumn]) -> Option<usize> {
    let marked = columns.iter().position(|column| column.title.is_empty()).unwrap_or(columns.len());
    // The ranking metric is before the mark, and the keys are before the metric.
    marked.checked_sub(2).filter(|position| *position > 0)
}

/// The indentation of each line.
pub const INDENT: usize = 2;
const GAP: usize = 3;

fn total_width(columns: &[RenderedColumn]) -> usize {
    let width = |column: &RenderedColumn| {
        column.cells.iter().map(|cell| cell.width()).max().unwrap_or(0).max(column.title.width())
    };
    columns.iter().map(|column| width(column) + GAP).sum::<usize>() + INDENT
        - GAP.min(INDENT + columns.len())
}

/// The header and the rows as aligned lines; numbers are aligned to the right.
pub fn align_columns(columns: &[RenderedColumn]) -> Vec<String> {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.title.as_str()));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| column.cells[row].as_str()));
    }
    for (index, shown) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((if index == 0 { 2 } else { 0 }, 3));
            column.set_cell_alignment(if shown.numeric {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            });
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
