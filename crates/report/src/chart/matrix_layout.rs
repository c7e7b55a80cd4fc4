//! Layout of a chart of cells in rows and columns, with their names.

use svg::node::element::{Group, Line, Rectangle, Text};

use super::labels::Labels;
use super::plot::label_stride;
use super::shapes::{Point, WIDTH, coordinate, group, line, rectangle};
use super::text::{centred_text, fit_text, text, text_width};

/// Positions and sizes in a chart of cells.
#[derive(Debug, Clone, Copy)]
pub struct MatrixLayout {
    left: f64,
    top: f64,
    cell_width: f64,
    cell_height: f64,
    columns: usize,
    rows: usize,
    /// Height below the cells, for the names of the columns.
    footer_height: f64,
    /// Whether the names of the columns are slanted.
    slanted: bool,
}

/// Largest width of the name of a row or column, in units of the view box.
const MAX_NAME_WIDTH: f64 = 150.0;
/// Largest width of the slanted name of a column.
const MAX_SLANTED_WIDTH: f64 = 110.0;
/// Most columns whose names are slanted if they do not fit.
const MAX_SLANTED_COLUMNS: usize = 40;

impl MatrixLayout {
    /// A layout for the names of columns and rows; `None` if there are no columns or no rows.
    #[allow(clippy::cast_precision_loss, reason = "few rows and columns")]
    pub fn new(columns: &[String], rows: &[String]) -> Option<Self> {
        if columns.is_empty() || rows.is_empty() {
            return None;
        }
        let column_name_width = name_width(columns);
        let left = name_width(rows) + 12.0;
        let cell_width = ((WIDTH - left - 2.0) / columns.len() as f64).min(120.0);
        let cell_height = (480.0 / rows.len() as f64).clamp(6.0, 34.0);
        let slanted = columns.len() <= MAX_SLANTED_COLUMNS && column_name_width + 8.0 > cell_width;
        let footer_height =
            if slanted { 44.0 + 0.65 * column_name_width.min(MAX_SLANTED_WIDTH) } else { 48.0 };
        Some(Self {
            left,
            top: 36.0,
            cell_width,
            cell_height,
            columns: columns.len(),
            rows: rows.len(),
            footer_height,
            slanted,
        })
    }

    /// The upper left corner of a cell.
    #[allow(clippy::cast_precision_loss, reason = "few rows and columns")]
    fn corner(&self, column: usize, row: usize) -> Point {
        (self.left + column as f64 * self.cell_width, self.top + row as f64 * self.cell_height)
    }

    fn centre(&self, column: usize, row: usize) -> Point {
        let (x, y) = self.corner(column, row);
        (x + self.cell_width / 2.0, y + self.cell_height / 2.0)
    }

    /// The rectangle of a cell, with a gap to its neighbours unless cells are tiny.
    pub fn cell(&self, class: &str, column: usize, row: usize) -> Rectangle {
        let gap = if self.cell_width.min(self.cell_height) > 10.0 { 1.0 } else { 0.0 };
        let (x, y) = self.corner(column, row);
        let size = (self.cell_width - gap, self.cell_height - gap);
        rectangle(class, (x + gap / 2.0, y + gap / 2.0), size)
    }

    /// The text of a cell, if it fits.
    pub fn cell_text(&self, content: &str, class: &str, column: usize, row: usize) -> Option<Text> {
        let fits = text_width(content) + 2.0 <= self.cell_width && self.cell_height >= 15.0;
        let (x, y) = self.centre(column, row);
        fits.then(|| text(x, y + 4.5, class, content))
    }

    /// The dash of a cell without a value.
    pub fn missing_mark(&self, column: usize, row: usize) -> Line {
        let (x, y) = self.centre(column, row);
        let half = (self.cell_width / 4.0).min(5.0);
        line("absent", (x - half, y), (x + half, y))
    }

    /// Height of the chart.
    pub fn chart_height(&self) -> f64 {
        let (_, bottom) = self.corner(0, self.rows);
        bottom + self.footer_height
    }

    /// The frame, the names of rows and columns, and the names of both axes.
    pub fn frame(&self, labels: &Labels, columns: &[String], rows: &[String]) -> Group {
        let (right, bottom) = self.corner(self.columns, self.rows);
        let size = (right - self.left, bottom - self.top);
        let mut frame = group("grid").add(rectangle("frame", (self.left, self.top), size));
        let row_stride = label_stride(self.cell_height, 14.0);
        for (row, name) in rows.iter().enumerate().step_by(row_stride) {
            let (_, y) = self.centre(0, row);
            let name = fit_text(name, MAX_NAME_WIDTH);
            frame = frame.add(text(self.left - 8.0, y + 4.5, "end muted", &name));
        }
        let needed =
            if self.slanted { 15.0 } else { name_width(columns).min(MAX_NAME_WIDTH) + 8.0 };
        let column_stride = label_stride(self.cell_width, needed);
        for (column, name) in columns.iter().enumerate().step_by(column_stride) {
            if let Some(name) = self.column_name(column, name, bottom) {
                frame = frame.add(name);
            }
        }
        let x_name = fit_text(labels.x, WIDTH / 2.0);
        let y_name = fit_text(labels.y, WIDTH / 2.0);
        frame.add(text(0.0, 14.0, "name", &y_name)).add(text(
            right,
            self.chart_height() - 6.0,
            "end name",
            &x_name,
        ))
    }

    fn column_name(&self, column: usize, name: &str, bottom: f64) -> Option<Text> {
        let (x, _) = self.centre(column, 0);
        if !self.slanted {
            return centred_text(x, bottom + 20.0, &fit_text(name, MAX_NAME_WIDTH));
        }
        let (x, y) = (x + 4.0, bottom + 14.0);
        let rotation = format!("rotate(-40 {} {})", coordinate(x), coordinate(y));
        let name = fit_text(name, MAX_SLANTED_WIDTH);
        Some(text(x, y, "end muted", &name).set("transform", rotation))
    }
}

/// Width of the widest of `names`, each truncated to its largest width.
fn name_width(names: &[String]) -> f64 {
    let width = |name: &String| text_width(&fit_text(name, MAX_NAME_WIDTH));
    names.iter().map(width).fold(0.0, f64::max)
}
