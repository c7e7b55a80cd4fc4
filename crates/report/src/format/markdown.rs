//! For a page: GitHub's tables. Text from the store cannot end a cell, begin a tag or become a link.

use tracking::printable;

use crate::table::Table;

/// All tables.
pub fn markdown(tables: &[Table]) -> String {
    let blocks: Vec<String> = tables.iter().map(block).collect();
    blocks.join("\n")
}

fn block(table: &Table) -> String {
    let experiment = &table.comparison.experiment;
    let mut text = format!("## {}\n\n", escaped(&printable(&experiment.name)));
    if !experiment.description.is_empty() {
        text += &format!("{}\n\n", escaped(&printable(&experiment.description)));
    }
    if let Some(warning) = table.warning() {
        text += &format!("**{}**\n\n", escaped(&warning));
    }
    text += &format!("{}\n\n", escaped(&table.facts().join(" · ")));
    let columns = table.shown();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text += &line(columns.iter().map(|column| escaped(&column.title)).collect());
    text += &line(columns.iter().map(|column| if column.numeric { "--:" } else { ":--" }.to_owned()).collect());
    for row in 0..table.rows.len() {
        text += &line(columns.iter().map(|column| escaped(&column.cells[row])).collect());
    }
    if table.more > 0 {
        text += &format!("\nand {}\n", crate::wording::count(table.more, "more setting"));
    }
    for note in table.notes() {
        text += &format!("\n{}\n", escaped(&note));
    }
    let legend = super::text::legend(&columns);
    if !legend.is_empty() {
        text += &format!("\n{legend}\n");
    }
    text
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '\\' | '|' | '`' | '*' | '[' | ']' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}
