//! Charts as SVG: each function takes plain data and returns one `<svg>` element.
//!
//! This module does not use stores or comparisons. A chart is 640 units wide and scales with the
//! page. Its text is 13 units high and inherits the font of the page. Colours are CSS classes;
//! [`STYLE`] defines them for light and dark pages. Put `STYLE` into the page once, and each chart
//! into a `<div class="chart-room">`, which scrolls on narrow screens to keep the text legible.
//! Equal data give equal bytes. Numbers that are not finite are not drawn.

mod canvas;
mod colour;
mod confusion_matrix;
mod dot;
mod heat_map;
mod labels;
mod learning_curves;
mod legend;
mod matrix_layout;
mod number;
mod parallel_coordinates;
mod pareto_front;
mod plot;
mod scale;
mod scatter;
mod shapes;
#[cfg(test)]
mod tests;
mod text;

pub use confusion_matrix::confusion_matrix;
pub use dot::Dot;
pub use heat_map::{HeatMap, heat_map};
pub use labels::Labels;
pub use learning_curves::{CurvePoint, LearningCurve, learning_curves};
pub use number::NumberFormat;
pub use parallel_coordinates::{ParallelAxis, ParallelLine, parallel_coordinates};
pub use pareto_front::pareto_front;
pub use scale::AxisValue;
pub use scatter::scatter_plot;

/// Colours and strokes of all charts, for light and dark pages.
pub const STYLE: &str = include_str!("chart.css");
