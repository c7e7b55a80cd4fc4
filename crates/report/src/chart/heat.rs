//! Two hyperparameters and a metric: a cell for each pair.

use super::Labels;
use super::key::ramp;
use super::matrix::{Matrix, dash, on};
use super::number::Format;
use super::sheet::{WIDTH, clean, group, hint, nothing, sheet, step};

/// The cells.
#[derive(Debug, Clone, Copy)]
pub struct Heat<'a> {
    /// How the values are written.
    pub format: Format,
    /// Names of the columns.
    pub columns: &'a [String],
    /// Names of the rows.
    pub rows: &'a [String],
    /// Values, row by row; what is missing or no number has a dash.
    pub cells: &'a [Vec<Option<f64>>],
}

/// A cell for each pair of values; the greatest are the strongest.
pub fn heat(labels: &Labels, heat: &Heat) -> String {
    let Some(matrix) = Matrix::new(heat.columns, heat.rows) else { return nothing(labels, "heat") };
    let values = || heat.cells.iter().flatten().flatten().copied().filter(|it| it.is_finite());
    let (low, high) =
        values().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it), high.max(it)));
    let notation = heat.format.between(low, high);
    let range = high / 2.0 - low / 2.0;
    let mut cells = group("cells");
    for (row, row_name) in heat.rows.iter().enumerate() {
        for (column, column_name) in heat.columns.iter().enumerate() {
            let value = heat.cells.get(row).and_then(|it| it.get(column).copied().flatten());
            let place = format!("{} and {}", clean(row_name, 50), clean(column_name, 50));
            let Some(value) = value.filter(|it| it.is_finite()) else {
                let absent = group("cell").add(hint(&format!("{place}: not measured")));
                cells = cells.add(
                    absent.add(matrix.cell("missing", column, row)).add(dash(&matrix, column, row)),
                );
                continue;
            };
            let step = if range > 0.0 { step((value / 2.0 - low / 2.0) / range) } else { 4 };
            let words = notation.text(value);
            let cell = matrix
                .cell(&format!("q{step}"), column, row)
                .add(hint(&format!("{place}: {words}")));
            cells = cells.add(cell);
            if let Some(written) = matrix.written(&words, on(step), column, row) {
                cells = cells.add(written);
            }
        }
    }
    let mut svg = sheet(labels, "heat", matrix.total())
        .add(matrix.names(labels, heat.columns, heat.rows))
        .add(cells);
    if low < high {
        svg = svg.add(ramp('q', &notation.text(low), &notation.text(high), WIDTH - 2.0).0);
    }
    svg.to_string()
}
