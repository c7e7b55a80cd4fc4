//! Tables that fit the width of the terminal.

use std::fmt::{self, Write};

use crate::separator::SEPARATOR;
use crate::terminal::wrapped;

/// A column.
pub struct Column {
    /// The header and the cells, in the order of the rows.
    lines: Vec<String>,
    width: usize,
    is_text: bool,
    is_optional: bool,
}

impl Column {
    /// A column of numbers, which are aligned on the right.
    pub fn numbers(header: impl Into<String>, cells: Vec<String>) -> Self {
        let lines: Vec<String> = std::iter::once(header.into()).chain(cells).collect();
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        Self { lines, width, is_text: false, is_optional: false }
    }

    /// A column of text.
    pub fn text(header: impl Into<String>, cells: Vec<String>) -> Self {
        Self { is_text: true, ..Self::numbers(header, cells) }
    }

    /// A column that is left out of a narrow table.
    pub fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// A table: columns side by side under their headers. If they do not fit the width, each row is a
/// line of named cells, which is wrapped.
pub struct Table {
    columns: Vec<Column>,
    width: usize,
}

impl Table {
    /// Leaves out optional columns, the last ones first, until the others fit `width`.
    pub fn new(mut columns: Vec<Column>, width: usize) -> Self {
        let required = columns.iter().filter(|column| !column.is_optional);
        if total(required) <= width {
            while total(&columns) > width
                && let Some(last) = columns.iter().rposition(|column| column.is_optional)
            {
                columns.remove(last);
            }
        }
        Self { columns, width }
    }

    fn fmt_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in 1..self.row_count() {
            let cells = self.columns.iter().map(|Column { lines, .. }| (&lines[0], &lines[row]));
            let named: Vec<String> = cells
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(header, cell)| format!("{header} {cell}"))
                .collect();
            writeln!(f, "{}", wrapped(&named.join(SEPARATOR), self.width))?;
        }
        Ok(())
    }

    fn row_count(&self) -> usize {
        self.columns.first().map_or(0, |column| column.lines.len())
    }
}

/// The width of columns side by side. Each has a margin of one blank on both sides, except on the
/// right of the last.
fn total<'a>(columns: impl IntoIterator<Item = &'a Column>) -> usize {
    columns.into_iter().map(|column| column.width + 2).sum::<usize>().saturating_sub(1)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if total(&self.columns) > self.width {
            return self.fmt_rows(f);
        }
        for row in 0..self.row_count() {
            let mut line = String::new();
            for Column { lines, width, is_text, .. } in &self.columns {
                let cell = &lines[row];
                if *is_text {
                    write!(line, " {cell:<width$} ")?;
                } else {
                    write!(line, " {cell:>width$} ")?;
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: usize) -> String {
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let columns = vec![
            Column::text("trial", cells(["a1", "b2"])).optional(),
            Column::numbers("batch_size", cells(["16", "128"])),
            Column::numbers("accuracy", cells(["9.50 %", ""])),
            Column::text("state", cells(["done", "to run"])).optional(),
        ];
        Table::new(columns, width).to_string()
    }

    #[test]
    fn narrow_table_leaves_out_optional_columns_from_the_last() {
        let wide = " trial  batch_size  accuracy  state\n a1             16    9.50 %  done\n \
                    b2            128            to run\n";
        assert_eq!(table(36), wide);
        let narrow =
            " trial  batch_size  accuracy\n a1             16    9.50 %\n b2            128\n";
        assert_eq!(table(35), narrow);
        assert_eq!(table(21), " batch_size  accuracy\n         16    9.50 %\n        128\n");
    }

    #[test]
    fn table_that_cannot_fit_becomes_lines_of_named_cells() {
        let expected = "trial a1\n  batch_size 16\n  accuracy 9.50 %\n  state done\n\
                        trial b2\n  batch_size 128\n  state to run\n";
        assert_eq!(table(20), expected);
    }
}
