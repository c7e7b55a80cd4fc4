//! For the terminal: aligned, coloured where the terminal has colours, and no wider than it.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, presets};
use tracking::printable;
use unicode_width::UnicodeWidthStr;

use crate::table::{Prominence, Row, Shown, Table};
use crate::wording::{self, truncated};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const LOUD: Style = AnsiColor::Yellow.on_default().bold();

/// Columns that every terminal and page has.
pub const USUAL_WIDTH: usize = 100;

/// `line` in `style`.
pub fn styled(style: Style, line: &str) -> String {
    format!("{style}{line}{style:#}")
}

/// All tables, with escape codes for their colours, none wider than `width` columns if that can be.
pub fn text(tables: &[Table], width: usize) -> String {
    let blocks: Vec<String> = tables.iter().map(|table| block(table, width)).collect();
    blocks.join("\n")
}

fn block(table: &Table, width: usize) -> String {
    let mut lines = heading(table, width);
    lines.push(String::new());
    let (columns, left_out) = fitting(table.shown(), width);
    for (index, line) in aligned(&columns).into_iter().enumerate() {
        let row = index.checked_sub(1).and_then(|row| table.rows.get(row));
        lines.push(match row {
            None => styled(DIM, &line),
            Some(row) if row.best => styled(BOLD, &line),
            Some(row) if row.unranked => styled(DIM, &line),
            Some(_) => line,
        });
    }
    if table.more > 0 {
        lines.push(styled(DIM, &format!("  and {}", wording::count(table.more, "more setting"))));
    }
    lines.extend(omission(&left_out, width));
    let legend = legend(table, &columns);
    let wide = width.saturating_sub(INDENT);
    for (index, note) in
        table.notes().iter().chain((!legend.is_empty()).then_some(&legend)).enumerate()
    {
        // The verdict is what was asked for; the rest explains it.
        let style = if index == 0 && note != &legend { Style::new() } else { DIM };
        lines.extend(
            wrapped(note.split(' '), " ", wide)
                .iter()
                .map(|line| styled(style, &format!("  {line}"))),
        );
    }
    lines.join("\n") + "\n"
}

/// What the signs in the cells mean, of those that are there.
pub fn legend(table: &Table, columns: &[Shown]) -> String {
    let has = |sign: &str| {
        columns.iter().flat_map(|column| &column.cells).any(|cell| cell.contains(sign))
    };
    let best = match table.comparison.promise {
        None => "★ best mean, not tested",
        Some(_) if table.comparison.candidates().len() == 1 => "★ best",
        Some(_) => "★ best mean of those that may be the best",
    };
    let spread = match table.comparison.replicate.as_deref() {
        Some(name) => format!("± standard deviation over {}", wording::repeated(Some(name))),
        None => "± standard deviation".to_owned(),
    };
    let not_listed = |row: &Row| {
        let touches =
            row.standing.distance.is_some_and(|limits| limits.low.is_some() && limits.high == 0.0);
        touches && !row.standing.may_be_best
    };
    let at_most = if table.rows.iter().any(not_listed) {
        "at most: not shown to be strictly worse"
    } else {
        ""
    };
    let signs = [
        ("★", best.to_owned()),
        ("≈", "≈ may be the best".to_owned()),
        ("at most", at_most.to_owned()),
        ("±", spread),
    ];
    let meanings = signs.into_iter().filter(|(sign, meaning)| has(sign) && !meaning.is_empty());
    meanings.map(|(_, meaning)| meaning).collect::<Vec<_>>().join(" · ")
}

/// Names the columns that found no room.
pub fn omission(left_out: &[String], width: usize) -> Vec<String> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let note = format!("left out to fit {width} columns: {}", left_out.join(", "));
    let lines = wrapped(note.split(' '), " ", width.saturating_sub(INDENT));
    lines.iter().map(|line| styled(DIM, &format!("  {line}"))).collect()
}

fn heading(table: &Table, width: usize) -> Vec<String> {
    let experiment = &table.comparison.experiment;
    let name = printable(&experiment.name);
    let description = printable(&experiment.description);
    let mut lines = if description.is_empty() {
        vec![styled(BOLD, &truncated(&name, width))]
    } else {
        let room = width.saturating_sub(name.width() + 3).max(20);
        vec![format!(
            "{} · {}",
            styled(BOLD, &truncated(&name, width)),
            truncated(&description, room)
        )]
    };
    if let Some(warning) = table.warning() {
        lines.extend(
            wrapped(format!("! {warning}").split(' '), " ", width)
                .iter()
                .map(|line| styled(LOUD, line)),
        );
    }
    let facts = table.facts();
    lines.extend(wrapped(facts.iter().map(String::as_str), " · ", width));
    lines
}

/// `parts` joined by `separator`, in lines of at most `width` columns where the parts allow it.
pub fn wrapped<'a>(
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

/// The columns that fit `width`, and the heads of those left out: the least prominent first, of equals the last.
pub fn fitting(mut columns: Vec<Shown>, width: usize) -> (Vec<Shown>, Vec<String>) {
    let mut left_out = Vec::new();
    while total_width(&columns) > width {
        let least = columns.iter().map(|column| column.prominence).min();
        let spare = |column: &Shown| {
            Some(column.prominence) == least && column.prominence < Prominence::Needed
        };
        let position = columns.iter().rposition(spare).or_else(|| last_key(&columns));
        match position {
            Some(position) => left_out.insert(0, columns.remove(position).title),
            None => break,
        }
    }
    (columns, left_out)
}

/// Where nothing is spare, keys go from the right, but never the first.
fn last_key(columns: &[Shown]) -> Option<usize> {
    let marked = columns.iter().position(|column| column.title.is_empty()).unwrap_or(columns.len());
    // Before the mark stands the metric that ranks, and before that the keys.
    marked.checked_sub(2).filter(|position| *position > 0)
}

const INDENT: usize = 2;
const GAP: usize = 3;

fn total_width(columns: &[Shown]) -> usize {
    let width = |column: &Shown| {
        column.cells.iter().map(|cell| cell.width()).max().unwrap_or(0).max(column.title.width())
    };
    columns.iter().map(|column| width(column) + GAP).sum::<usize>() + INDENT
        - GAP.min(INDENT + columns.len())
}

/// Head and rows in columns, numbers at the right.
pub fn aligned(columns: &[Shown]) -> Vec<String> {
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
