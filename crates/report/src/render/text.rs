//! Text tables for the terminal.

use anstyle::{AnsiColor, Style};
use tracking::printable;
use unicode_width::UnicodeWidthStr;

use crate::render::layout::{
    BOLD, DIM, INDENT, align_columns, fit_columns, left_out_note, styled, wrap, wrap_text,
};
use crate::table::Table;
use crate::table::legend::legend;
use crate::wording::{self, truncated};

const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// All tables, with escape codes for colours. Tables are at most `width` columns wide if possible.
pub fn text(tables: &[Table], width: usize) -> String {
    let blocks: Vec<String> = tables.iter().map(|table| block(table, width)).collect();
    blocks.join("\n")
}

fn block(table: &Table, width: usize) -> String {
    let mut lines = heading(table, width);
    lines.push(String::new());
    let (columns, left_out) = fit_columns(table.rendered_columns(), width);
    let aligned = align_columns(&columns, width);
    lines.extend(aligned.header.iter().map(|line| styled(DIM, line)));
    lines.extend(aligned.rows.into_iter().zip(&table.rows).map(|(line, row)| match row {
        _ if row.best => styled(BOLD, &line),
        _ if row.unranked => styled(DIM, &line),
        _ => line,
    }));
    if table.omitted > 0 {
        lines
            .push(styled(DIM, &format!("  and {}", wording::count(table.omitted, "more setting"))));
    }
    lines.extend(left_out_note(&left_out, width, "--columns all shows all"));
    let legend = legend(table, &columns);
    let note_width = width.saturating_sub(INDENT);
    for (index, note) in
        table.notes().iter().chain((!legend.is_empty()).then_some(&legend)).enumerate()
    {
        // The first sentence is the answer; the others explain it.
        let style = if index == 0 && note != &legend { Style::new() } else { DIM };
        lines.extend(
            wrap_text(note, note_width).iter().map(|line| styled(style, &format!("  {line}"))),
        );
    }
    lines.join("\n") + "\n"
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
            wrap_text(&format!("! {warning}"), width).iter().map(|line| styled(WARNING, line)),
        );
    }
    let facts = table.facts();
    lines.extend(wrap(facts.iter().map(String::as_str), " · ", width));
    lines
}
