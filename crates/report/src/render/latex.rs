//! LaTeX for papers: booktabs tables with the best setting in bold. Text of the store is escaped,
//! so it cannot end a cell or call a command.

use tracking::printable;

use super::layout::drop_columns;
use crate::table::legend::legend;
use crate::table::{RenderedColumn, Table};
use crate::wording::count;

/// The approximate number of characters in a line of a paper.
const PAGE: usize = 90;

/// All tables.
pub fn latex(tables: &[Table]) -> String {
    let blocks: Vec<String> =
        tables.iter().enumerate().map(|(index, table)| block(table, index, tables)).collect();
    if blocks.is_empty() {
        String::new()
    } else {
        format!("% needs \\usepackage{{booktabs}}\n{}", blocks.join("\n"))
    }
}

fn block(table: &Table, index: usize, tables: &[Table]) -> String {
    let name = &table.comparison.experiment.name;
    let earlier =
        tables[..index].iter().filter(|other| other.comparison.experiment.name == *name).count();
    let label: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let label = if earlier == 0 { label } else { format!("{label}-{}", earlier + 1) };
    let (columns, left_out) = drop_columns(table.rendered_columns(), PAGE, RenderedColumn::width);
    let mut text = String::new();
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|name| printable(name).into_owned()).collect();
        text +=
            &format!("% left out to fit a page: {}; --columns chooses others\n", names.join(", "));
    }
    text += "\\begin{table}\n  \\centering\n";
    text += &format!("  \\caption{{{}}}\n  \\label{{tab:{label}}}\n", caption(table));
    let alignment: String =
        columns.iter().map(|column| if column.numeric { 'r' } else { 'l' }).collect();
    text += &format!("  \\begin{{tabular}}{{{alignment}}}\n    \\toprule\n");
    text += &line(columns.iter().map(|column| escaped(&column.title)));
    text += "    \\midrule\n";
    for (index, row) in table.rows.iter().enumerate() {
        let bold = |cell: String| {
            if row.best && !cell.is_empty() { format!("\\textbf{{{cell}}}") } else { cell }
        };
        text += &line(columns.iter().map(|column| bold(escaped(&column.cells[index]))));
    }
    text += "    \\bottomrule\n  \\end{tabular}\n";
    let notes = notes(table, &columns);
    if !notes.is_empty() {
        text += &format!(
            "\n  \\smallskip\n  \\parbox{{\\linewidth}}{{\\footnotesize {}}}\n",
            notes.join(" ")
        );
    }
    text + "\\end{table}\n"
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("    {} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
}

/// The caption: the experiment, warnings and facts.
fn caption(table: &Table) -> String {
    let experiment = &table.comparison.experiment;
    let about =
        if experiment.description.is_empty() { &experiment.name } else { &experiment.description };
    let warning = table.warning().map(|warning| format!(" \\textbf{{{}.}}", escaped(&warning)));
    let facts = escaped(&table.facts().join("; "));
    let stop = if about.ends_with(['.', '?', '!', '…']) { "" } else { "." };
    format!("{}{stop}{} {facts}.", escaped(&printable(about)), warning.unwrap_or_default())
}

/// The notes below the table, one sentence each.
fn notes(table: &Table, columns: &[RenderedColumn]) -> Vec<String> {
    let more = (table.omitted > 0).then(|| format!("And {}", count(table.omitted, "more setting")));
    let legend =
        Some(legend(table, columns).replace(" · ", "; ")).filter(|legend| !legend.is_empty());
    let sentence = |words: String| format!("{words}.");
    let notes = more.map(sentence).into_iter().chain(table.findings()).chain(legend.map(sentence));
    notes.map(|note| escaped(&note)).collect()
}

/// Escapes `text` for LaTeX. Letters of other scripts stay; pdfLaTeX supports the Latin ones.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe += "\\textbackslash{}",
            '~' => safe += "\\textasciitilde{}",
            '^' => safe += "\\textasciicircum{}",
            '<' => safe += "\\textless{}",
            '>' => safe += "\\textgreater{}",
            '|' => safe += "\\textbar{}",
            '`' => safe += "\\textasciigrave{}",
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => safe.extend(['\\', c]),
            // At the start of a row these would be options of the previous row end.
            '[' | ']' | '*' | '"' => safe.extend(['{', c, '}']),
            // Two hyphens would print a dash.
            '-' if safe.ends_with('-') => safe += "{}-",
            '±' => safe += "$\\pm$",
            '−' => safe += "$-$",
            '≈' => safe += "$\\approx$",
            '★' => safe += "$\\star$",
            '✓' => safe += "$\\bullet$",
            '·' => safe += "\\textperiodcentered{}",
            '…' => safe += "\\ldots{}",
            '—' => safe += "{---}",
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use proptest::prelude::*;

    /// The text that LaTeX prints for escaped text. Fails on any other command.
    fn printed(latex: &str) -> String {
        let commands = [
            ("\\textbackslash{}", '\\'),
            ("\\textasciitilde{}", '~'),
            ("\\textasciicircum{}", '^'),
            ("\\textless{}", '<'),
            ("\\textgreater{}", '>'),
            ("\\textbar{}", '|'),
            ("{\"}", '"'),
            ("\\textasciigrave{}", '`'),
            ("\\textperiodcentered{}", '·'),
            ("\\ldots{}", '…'),
            ("$\\pm$", '±'),
            ("$-$", '−'),
            ("$\\approx$", '≈'),
            ("$\\star$", '★'),
            ("$\\bullet$", '✓'),
            ("{---}", '—'),
            ("{}-", '-'),
            ("{[}", '['),
            ("{]}", ']'),
            ("{*}", '*'),
            ("\\{", '{'),
            ("\\}", '}'),
            ("\\$", '$'),
            ("\\&", '&'),
            ("\\#", '#'),
            ("\\_", '_'),
            ("\\%", '%'),
        ];
        let (mut text, mut rest) = (String::new(), latex);
        while let Some(c) = rest.chars().next() {
            let known = commands.iter().find(|(command, _)| rest.starts_with(command));
            assert!(known.is_some() || !"\\{}$&#^_%~".contains(c), "{rest}");
            text.push(known.map_or(c, |(_, letter)| *letter));
            rest = &rest[known.map_or(c.len_utf8(), |(command, _)| command.len())..];
        }
        text
    }

    proptest! {
        #[test]
        fn escaped_text_prints_unchanged(text in any::<String>(), hard in "[-\\\\~^<>|\"`{}$&#_%\\[\\]*a±−≈★✓·…—]*") {
            prop_assert_eq!(printed(&escaped(&text)), text);
            prop_assert_eq!(printed(&escaped(&hard)), hard);
        }
    }
}
