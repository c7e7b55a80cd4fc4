//! A plot with two axes: its scales, the area between the axes, grid, ticks and axis names.

use svg::node::element::Group;

use super::labels::Labels;
use super::scale::{AxisValue, Scale, Tick};
use super::shapes::{Point, WIDTH, group, line};
use super::text::{centred_text, fit_text, text, widest};

/// Height of a chart with two axes.
pub const HEIGHT: f64 = 360.0;
/// Share of an axis that stays free at either end, so that no mark overlaps the frame.
pub const MARGIN: f64 = 0.04;

/// An axis with at most this many ticks truncates labels that do not fit. An axis with more leaves
/// out labels.
const MAX_TRUNCATED_LABELS: usize = 12;

/// The scales of both axes, and the rectangle between the axes.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Scale of the horizontal axis.
    x: Scale,
    /// Scale of the vertical axis.
    y: Scale,
    /// Horizontal coordinate of the vertical axis.
    pub left: f64,
    /// Horizontal coordinate of the end of the horizontal axis.
    pub right: f64,
    /// Vertical coordinate of the end of the vertical axis.
    pub top: f64,
    /// Vertical coordinate of the horizontal axis.
    pub bottom: f64,
}

impl Plot {
    /// A plot with room for the tick labels of `y` at the left, and `right_margin` at the right.
    pub fn new(x: Scale, y: Scale, right_margin: f64) -> Self {
        let label_width = widest(y.ticks.iter().map(|tick| tick.label.as_str()), 24.0);
        Self {
            left: (label_width + 12.0).min(200.0),
            right: WIDTH - right_margin,
            top: 32.0,
            bottom: HEIGHT - 48.0,
            x,
            y,
        }
    }

    /// The point of two numbers, if both have a position on their axis.
    pub fn point(&self, x: f64, y: f64) -> Option<Point> {
        Some((self.x_coordinate(self.x.position(x)?), self.height(y)?))
    }

    /// The point of a value and a number, if both have a position on their axis.
    pub fn point_of(&self, x: &AxisValue, y: f64) -> Option<Point> {
        Some((self.x_coordinate(self.x.position_of(x)?), self.height(y)?))
    }

    /// Vertical coordinate of a number, if it has a position on the vertical axis.
    pub fn height(&self, y: f64) -> Option<f64> {
        self.y.position(y).map(|position| self.y_coordinate(position))
    }

    /// Horizontal coordinate of a position from 0 to 1 on the horizontal axis.
    fn x_coordinate(&self, position: f64) -> f64 {
        self.left + position * (self.right - self.left)
    }

    /// Vertical coordinate of a position from 0 to 1 on the vertical axis.
    fn y_coordinate(&self, position: f64) -> f64 {
        self.bottom - position * (self.bottom - self.top)
    }

    /// Grid lines, ticks and names of both axes.
    pub fn grid(&self, labels: &Labels) -> Group {
        let mut grid = group("grid");
        for tick in &self.y.ticks {
            let y = self.y_coordinate(tick.position);
            let label = fit_text(&tick.label, self.left - 8.0);
            grid = grid.add(line("rule", (self.left, y), (self.right, y)));
            grid = grid.add(text(self.left - 8.0, y + 4.5, "end muted", &label));
        }
        let x_name = fit_text(labels.x, self.right - self.left);
        let y_name = fit_text(labels.y, WIDTH / 2.0);
        grid.add(line("axis", (self.left, self.bottom), (self.right, self.bottom)))
            .add(self.horizontal_ticks(&self.x.ticks))
            .add(text(0.0, 14.0, "name", &y_name))
            .add(text(self.right, self.bottom + 40.0, "end name", &x_name))
    }

    /// The ticks of the horizontal axis, with labels where there is room.
    fn horizontal_ticks(&self, ticks: &[Tick]) -> Group {
        let spacing = min_spacing(ticks) * (self.right - self.left);
        let max_width = if ticks.len() > MAX_TRUNCATED_LABELS { 150.0 } else { 56.0 };
        let label_width = widest(ticks.iter().map(|tick| tick.label.as_str()), 0.0).min(max_width);
        let stride = label_stride(spacing, label_width + 8.0);
        #[allow(clippy::cast_precision_loss, reason = "few ticks")]
        let room = spacing * stride as f64 - 4.0;
        let mut drawn = group("ticks");
        for (index, tick) in ticks.iter().enumerate() {
            let x = self.x_coordinate(tick.position);
            drawn = drawn.add(line("axis", (x, self.bottom), (x, self.bottom + 5.0)));
            if index.is_multiple_of(stride)
                && let Some(label) =
                    centred_text(x, self.bottom + 20.0, &fit_text(&tick.label, room))
            {
                drawn = drawn.add(label);
            }
        }
        drawn
    }
}

/// Least distance between neighbouring ticks, as a share of the axis.
pub fn min_spacing(ticks: &[Tick]) -> f64 {
    ticks.windows(2).map(|pair| pair[1].position - pair[0].position).fold(1.0, f64::min)
}

/// Distance between two labels, in marks. The marks are `spacing` apart, and each label needs the
/// size `needed`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn label_stride(spacing: f64, needed: f64) -> usize {
    (needed / spacing.max(0.01)).ceil().clamp(1.0, 1e6) as usize
}
