//! Markdown tables in GitHub's dialect. Text of the store is escaped, so it cannot end a cell,
//! begin a tag or become a link.

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
        text += &format!("{}\n\n", paragraph(&printable(&experiment.description)));
    }
    if let Some(warning) = table.warning() {
        text += &format!("**{}**\n\n", escaped(&warning));
    }
    text += &format!("{}\n\n", escaped(&table.facts().join(" · ")));
    let columns = table.rendered_columns();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text += &line(columns.iter().map(|column| escaped(&column.title)).collect());
    text += &line(
        columns
            .iter()
            .map(|column| if column.numeric { "--:" } else { ":--" }.to_owned())
            .collect(),
    );
    for row in 0..table.rows.len() {
        text += &line(columns.iter().map(|column| escaped(&column.cells[row])).collect());
    }
    if table.omitted > 0 {
        text += &format!("\nand {}\n", crate::wording::count(table.omitted, "more setting"));
    }
    for note in table.notes() {
        text += &format!("\n{}\n", escaped(&note));
    }
    let legend = crate::table::legend::legend(table, &columns);
    if !legend.is_empty() {
        text += &format!("\n{legend}\n");
    }
    text
}

/// Escapes a paragraph, so that it begins no heading, list or code.
fn paragraph(text: &str) -> String {
    let text = escaped(text.trim_start());
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let marker = match text[digits..].chars().next() {
        Some('#' | '-' | '+' | '=') if digits == 0 => true,
        Some('.' | ')') => digits > 0,
        _ => false,
    };
    if marker { format!("{}\\{}", &text[..digits], &text[digits..]) } else { text }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            // An underscore within a word is literal.
            '_' if in_word(before) && in_word(characters.peek().copied()) => safe.push(c),
            '\\' | '|' | '`' | '*' | '[' | ']' | '_' | '~' | '$' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
        before = Some(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_renders_unchanged() {
        assert_eq!(
            escaped("batch_size _x_ __y__ ~~z~~ $a$"),
            "batch_size \\_x\\_ \\_\\_y\\_\\_ \\~\\~z\\~\\~ \\$a\\$"
        );
        assert_eq!(escaped("<b>|[a](b)*"), "&lt;b&gt;\\|\\[a\\](b)\\*");
        for (text, shown) in [
            ("# one", "\\# one"),
            ("- one", "\\- one"),
            ("---", "\\---"),
            ("12. one", "12\\. one"),
            ("1) one", "1\\) one"),
            ("    one", "one"),
            ("12 of them. #1", "12 of them. #1"),
            ("", ""),
        ] {
            assert_eq!(paragraph(text), shown);
        }
    }
}
