//! For a document.

use super::show;
use crate::table::Table;

/// A heading, a line of what is constant, a table.
pub fn markdown(table: &Table) -> String {
    let mut out = format!("### {}\n\n{}\n\n", escape(&table.title), escape(&table.subtitle));
    let headings: Vec<String> = table.columns.iter().map(|column| escape(&column.heading)).collect();
    out.push_str(&format!("| {} |\n", headings.join(" | ")));
    let rules: Vec<&str> =
        table.columns.iter().map(|column| if column.name == "note" { ":---" } else { "---:" }).collect();
    out.push_str(&format!("| {} |\n", rules.join(" | ")));
    for row in &table.rows {
        let cells: Vec<String> = row.cells.iter().map(|cell| escape(&show(cell))).collect();
        let star = if row.best { " ★" } else { "" };
        out.push_str(&format!("| {}{star} |\n", cells.join(" | ")));
    }
    for note in &table.notes {
        out.push_str(&format!("\n{}\n", escape(note)));
    }
    out
}

/// Nothing in a name ends a cell, begins a tag or a link.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in tracking::printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
