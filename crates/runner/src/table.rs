//! Tables that fit the width of the terminal.

use std::fmt::{self, Write};

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

/// Columns side by side, with their headers in the first line.
pub struct Table(Vec<Column>);

impl Table {
    /// Leaves out optional columns, the last ones first, until the others fit `width`.
    pub fn new(mut columns: Vec<Column>, width: usize) -> Self {
        // Each column has a margin of one blank on both sides, except on the right of the last.
        let total =
            |columns: &[Column]| columns.iter().map(|column| column.width + 2).sum::<usize>();
        while total(&columns) > width + 1
            && let Some(last) = columns.iter().rposition(|column| column.is_optional)
        {
            columns.remove(last);
        }
        Self(columns)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(columns) = self;
        for row in 0..columns.first().map_or(0, |column| column.lines.len()) {
            let mut line = String::new();
            for Column { lines, width, is_text, .. } in columns {
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
