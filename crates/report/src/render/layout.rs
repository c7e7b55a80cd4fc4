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

/// The width if nothing says how wide the output is.
pub const DEFAULT_WIDTH: usize = 100;

/// The width of the output: the variable `COLUMNS`, else that of the terminal, else
/// [`DEFAULT_WIDTH`].
pub fn output_width() -> usize {
    let variable = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let terminal = terminal.map(|(width, _)| usize::from(width.0));
    [variable, terminal].into_iter().flatten().find(|width| *width > 0).unwrap_or(DEFAULT_WIDTH)
}

/// Adds the escape codes of `style` to `line`.
pub fn styled(style: Style, line: &str) -> String {
    format!("{style}{line}{style:#}")
}

/// Lines that name the omitted columns and say how to see them.
pub fn left_out_note(left_out: &[String], width: usize, advice: &str) -> Vec<String> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let note = format!("left out to fit {width} columns: {}; {advice}", left_out.join(", "));
    let lines = wrap_text(&note, width.saturating_sub(INDENT));
    lines.iter().map(|line| styled(DIM, &format!("  {line}"))).collect()
}

/// Splits a text into lines of at most `width` columns, if its words are not wider.
pub fn wrap_text(text: &str, width: usize) -> Vec<String> {
    wrap(words(text).into_iter(), " ", width)
}

/// The words of a text. A number and its unit are one word.
fn words(text: &str) -> Vec<&str> {
    const UNITS: [&str; 6] = ["%", "µs", "ms", "s", "min", "h"];
    let (mut words, mut start) = (Vec::new(), 0);
    for (blank, _) in text.match_indices(' ') {
        let next = &text[blank + 1..];
        let end = next.find(|c: char| c != '%' && !c.is_alphabetic()).unwrap_or(next.len());
        let is_number = text[..blank].ends_with(|c: char| c.is_ascii_digit());
        if !(is_number && UNITS.contains(&&next[..end])) {
            words.push(&text[start..blank]);
            start = blank + 1;
        }
    }
    words.push(&text[start..]);
    words
}

/// Words up to this width are never cut: names must stay complete.
const LONGEST_WORD: usize = 64;

/// Joins `parts` by `separator` into lines of at most `width` columns. Longer parts are split at
/// blanks. A single word may be wider.
pub fn wrap<'a>(
    parts: impl Iterator<Item = &'a str>,
    separator: &str,
    width: usize,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + separator.width() + part.width() <= width => {
                line.push_str(separator);
                line.push_str(part);
            }
            _ if part.width() > width && words(part).len() > 1 => {
                lines.extend(wrap_text(part, width));
            }
            _ => lines.push(truncated(part, width.max(LONGEST_WORD)).into_owned()),
        }
    }
    lines
}

/// The most important column that is left out before headings are split.
const MINOR: Prominence = Prominence::Optional(4);

/// The columns that fit `width`, and the names of the others. Headings count as split if an
/// important column would be left out otherwise.
pub fn fit_columns(
    columns: Vec<RenderedColumn>,
    width: usize,
) -> (Vec<RenderedColumn>, Vec<String>) {
    let whole = drop_columns(columns.clone(), width, RenderedColumn::width);
    let is_kept = |column: &RenderedColumn| column.prominence <= MINOR || whole.0.contains(column);
    if total_width(&whole.0, RenderedColumn::width) <= width && columns.iter().all(is_kept) {
        return whole;
    }
    drop_columns(columns, width, RenderedColumn::narrowest_width)
}

/// Removes the least important columns, the last ones first, until the others fit `width`. Also
/// returns the names of the removed columns. Columns that are always shown stay, even if they are
/// wider together.
pub fn drop_columns(
    mut columns: Vec<RenderedColumn>,
    width: usize,
    width_of: fn(&RenderedColumn) -> usize,
) -> (Vec<RenderedColumn>, Vec<String>) {
    let mut left_out = Vec::new();
    while total_width(&columns, width_of) > width {
        let optional = columns.iter().map(|column| column.prominence);
        let Some(least) = optional.filter(|found| *found < Prominence::Needed).min() else { break };
        let Some(last) = columns.iter().rposition(|column| column.prominence == least) else {
            break;
        };
        left_out.insert(0, columns.remove(last).name);
    }
    (columns, left_out)
}

/// The indentation of each line.
pub const INDENT: usize = 2;
/// The number of blanks between columns.
pub const GAP: usize = 3;

fn total_width(columns: &[RenderedColumn], width_of: fn(&RenderedColumn) -> usize) -> usize {
    INDENT + columns.iter().map(|column| width_of(column) + GAP).sum::<usize>().saturating_sub(GAP)
}

/// A table as text.
pub struct TextTable {
    pub header: Vec<String>,
    pub rows: Vec<String>,
}

/// The header and the rows as aligned lines; numbers are aligned to the right. Headings are split
/// where the table would be wider than `width` otherwise, the last ones first.
pub fn align_columns(columns: &[RenderedColumn], width: usize) -> TextTable {
    let mut room = width.saturating_sub(total_width(columns, RenderedColumn::narrowest_width));
    let heading = |column: &RenderedColumn| {
        match room.checked_sub(column.width() - column.narrowest_width()) {
            Some(rest) => room = rest,
            None => return column.split_title(),
        }
        vec![column.title.clone()]
    };
    let headings: Vec<Vec<String>> = columns.iter().map(heading).collect();
    let height = headings.iter().map(Vec::len).max().unwrap_or(0);
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING);
    for line in 0..height {
        // The last lines of the headings are side by side, next to the cells.
        let part = |heading: &Vec<String>| {
            let above = height - heading.len();
            line.checked_sub(above).map_or_else(String::new, |line| heading[line].clone())
        };
        table.add_row(headings.iter().map(part));
    }
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
    let mut header: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let rows = header.split_off(height.min(header.len()));
    TextTable { header, rows }
}

/// The columns that fit as lines, with a dim header and a note on the others.
pub fn fitted_table(columns: Vec<RenderedColumn>, width: usize) -> Vec<String> {
    let (columns, left_out) = fit_columns(columns, width);
    let TextTable { header, rows } = align_columns(&columns, width);
    let header = header.iter().map(|line| styled(DIM, line));
    let note = left_out_note(&left_out, width, "a wider terminal or COLUMNS=200 shows them");
    header.chain(rows).chain(note).collect()
}
