//! The room of a chart of cells: rows down, columns across, their names.

use svg::node::element::Group;

use super::Labels;
use super::plot::every;
use super::sheet::{WIDTH, centred, fitted, group, line, px, rectangle, room, text};

/// Where the cells are.
#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    left: f64,
    top: f64,
    /// Width of a cell.
    pub width: f64,
    /// Height of a cell.
    pub height: f64,
    columns: usize,
    rows: usize,
    /// Room below for the names of the columns.
    below: f64,
    slanted: bool,
}

/// Widest name of a row or column, in units of the view box.
const NAME: f64 = 150.0;
/// Widest name that stands aslant below its column.
const SLANTED: f64 = 110.0;

impl Matrix {
    /// Cells for so many names; without any, nothing.
    #[allow(clippy::cast_precision_loss, reason = "few")]
    pub fn new(columns: &[String], rows: &[String]) -> Option<Self> {
        if columns.is_empty() || rows.is_empty() {
            return None;
        }
        let widest =
            |names: &[String]| names.iter().map(|it| room(&fitted(it, NAME))).fold(0.0, f64::max);
        let left = widest(rows) + 12.0;
        let width = ((WIDTH - left - 2.0) / columns.len() as f64).min(120.0);
        let height = (480.0 / rows.len() as f64).clamp(6.0, 34.0);
        let slanted = columns.len() <= 40 && widest(columns) + 8.0 > width;
        let below = if slanted { 44.0 + 0.65 * widest(columns).min(SLANTED) } else { 48.0 };
        Some(Self {
            below,
            left,
            top: 36.0,
            width,
            height,
            columns: columns.len(),
            rows: rows.len(),
            slanted,
        })
    }

    /// The upper left corner of a cell.
    #[allow(clippy::cast_precision_loss, reason = "few")]
    pub fn corner(&self, column: usize, row: usize) -> (f64, f64) {
        (self.left + column as f64 * self.width, self.top + row as f64 * self.height)
    }

    /// A cell of a class, a hair smaller than its place where there is room for that.
    pub fn cell(&self, class: &str, column: usize, row: usize) -> svg::node::element::Rectangle {
        let gap = if self.width.min(self.height) > 10.0 { 1.0 } else { 0.0 };
        let (x, y) = self.corner(column, row);
        rectangle(class, (x + gap / 2.0, y + gap / 2.0), (self.width - gap, self.height - gap))
    }

    /// What is written in a cell, if it fits.
    pub fn written(
        &self,
        words: &str,
        class: &str,
        column: usize,
        row: usize,
    ) -> Option<svg::node::element::Text> {
        let fits = room(words) + 2.0 <= self.width && self.height >= 15.0;
        let (x, y) = self.corner(column, row);
        fits.then(|| text(x + self.width / 2.0, y + self.height / 2.0 + 4.5, class, words))
    }

    /// Height of the whole chart.
    pub fn total(&self) -> f64 {
        let (_, bottom) = self.corner(0, self.rows);
        bottom + self.below
    }

    /// The frame, and the names of rows and columns.
    pub fn names(&self, labels: &Labels, columns: &[String], rows: &[String]) -> Group {
        let (right, bottom) = self.corner(self.columns, self.rows);
        let mut names = group("grid").add(rectangle(
            "frame",
            (self.left, self.top),
            (right - self.left, bottom - self.top),
        ));
        for (row, name) in rows.iter().enumerate().step_by(every(self.height, 14.0)) {
            let (_, y) = self.corner(0, row);
            let name = fitted(name, NAME);
            names =
                names.add(text(self.left - 8.0, y + self.height / 2.0 + 4.5, "end muted", &name));
        }
        let needed = if self.slanted { 15.0 } else { self.widest(columns) + 8.0 };
        for (column, name) in columns.iter().enumerate().step_by(every(self.width, needed)) {
            if let Some(name) = self.column(column, name, bottom) {
                names = names.add(name);
            }
        }
        let height = self.total() - 6.0;
        names.add(text(0.0, 14.0, "name", &fitted(labels.y, WIDTH / 2.0))).add(text(
            right,
            height,
            "end name",
            &fitted(labels.x, WIDTH / 2.0),
        ))
    }

    fn widest(&self, names: &[String]) -> f64 {
        names.iter().map(|it| room(&fitted(it, NAME))).fold(0.0, f64::max).min(NAME)
    }

    fn column(&self, column: usize, name: &str, bottom: f64) -> Option<svg::node::element::Text> {
        let x = self.corner(column, 0).0 + self.width / 2.0;
        if !self.slanted {
            return centred(x, bottom + 20.0, &fitted(name, NAME));
        }
        let turn = format!("rotate(-40 {} {})", px(x + 4.0), px(bottom + 14.0));
        Some(
            text(x + 4.0, bottom + 14.0, "end muted", &fitted(name, SLANTED))
                .set("transform", turn),
        )
    }
}

/// Class of what is written on a step of a ramp.
pub fn on(step: usize) -> &'static str {
    if step < 5 { "middle low" } else { "middle high" }
}

/// A dash for what is not there.
pub fn dash(matrix: &Matrix, column: usize, row: usize) -> svg::node::element::Line {
    let (x, y) = matrix.corner(column, row);
    let (x, y) = (x + matrix.width / 2.0, y + matrix.height / 2.0);
    let half = (matrix.width / 4.0).min(5.0);
    line("absent", (x - half, y), (x + half, y))
}
