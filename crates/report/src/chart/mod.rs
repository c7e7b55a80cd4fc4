//! Charts as SVG, to stand in a page: plain data in, one `<svg>` out. They know nothing of stores and comparisons.
//!
//! A chart is 640 units wide and scales with the page; its text, 13 units high, inherits the page's font. Colours are
//! classes, given by [`STYLE`] for light and dark. Put `STYLE` into the page once and each chart into a
//! `<div class="chart-room">`, which scrolls where the screen is too narrow for text that can be read. The same data give
//! the same bytes. What is no finite number is left out.

mod confusion;
mod curves;
mod dot;
mod dots;
mod front;
mod heat;
mod key;
mod matrix;
mod number;
mod parallel;
mod plot;
mod scale;
mod sheet;
#[cfg(test)]
mod tests;

pub use confusion::confusion;
pub use curves::{Curve, Point, curves};
pub use dot::Dot;
pub use dots::dots;
pub use front::front;
pub use heat::{Heat, heat};
pub use number::Format;
pub use parallel::{ParallelAxis, ParallelLine, parallel};
pub use scale::Place;

/// Colours and strokes of all charts, light and dark.
pub const STYLE: &str = include_str!("chart.css");

/// The words of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Tells this chart's ids from those of others in the page.
    pub id: &'a str,
    /// What it is, for those who do not see it and where the pointer rests.
    pub title: &'a str,
    /// What it shows, in a sentence or two, for those who do not see it.
    pub description: &'a str,
    /// Name of the axis across.
    pub x: &'a str,
    /// Name of the axis up.
    pub y: &'a str,
    /// How numbers across are written.
    pub x_format: Format,
    /// How numbers up are written.
    pub y_format: Format,
}
