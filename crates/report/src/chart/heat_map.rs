//! Heat map: a metric for each pair of values of two hyperparameters.

use super::canvas::{canvas, empty_chart};
use super::colour::{colour_step, text_class};
use super::labels::Labels;
use super::legend::colour_ramp;
use super::matrix_layout::MatrixLayout;
use super::number::{NumberFormat, bounds};
use super::scale::share_of_range;
use super::shapes::{WIDTH, group};
use super::text::{sanitize, tooltip};

/// Data of a heat map.
#[derive(Debug, Clone, Copy)]
pub struct HeatMap<'a> {
    /// Format of the values.
    pub format: NumberFormat,
    /// Names of the columns.
    pub columns: &'a [String],
    /// Names of the rows.
    pub rows: &'a [String],
    /// Values by row and column. A missing or non-finite value is drawn as a dash.
    pub cells: &'a [Vec<Option<f64>>],
}

/// A cell for each row and column. The greatest value has the strongest colour.
pub fn heat_map(labels: &Labels, data: &HeatMap) -> String {
    let Some(layout) = MatrixLayout::new(data.columns, data.rows) else {
        return empty_chart(labels, "heat");
    };
    let (low, high) = bounds(data.cells.iter().flatten().flatten().copied());
    let format = data.format.for_range(low, high);
    let mut cells = group("cells");
    for (row, row_name) in data.rows.iter().enumerate() {
        for (column, column_name) in data.columns.iter().enumerate() {
            let pair = format!("{} and {}", sanitize(row_name, 50), sanitize(column_name, 50));
            let value = data.cells.get(row).and_then(|cells| cells.get(column).copied().flatten());
            let Some(value) = value.filter(|value| value.is_finite()) else {
                let missing = group("cell")
                    .add(tooltip(&format!("{pair}: not measured")))
                    .add(layout.cell("missing", column, row))
                    .add(layout.missing_mark(column, row));
                cells = cells.add(missing);
                continue;
            };
            let step = colour_step(share_of_range(value, low, high));
            let number = format.format(value);
            let cell = layout.cell(&format!("q{step}"), column, row);
            cells = cells.add(cell.add(tooltip(&format!("{pair}: {number}"))));
            if let Some(text) = layout.cell_text(&number, text_class(step), column, row) {
                cells = cells.add(text);
            }
        }
    }
    let mut chart = canvas(labels, "heat", layout.chart_height())
        .add(layout.frame(labels, data.columns, data.rows))
        .add(cells);
    if low < high {
        let (ramp, _) = colour_ramp('q', &format.format(low), &format.format(high), WIDTH - 2.0);
        chart = chart.add(ramp);
    }
    chart.to_string()
}
