//! Parallel coordinates: one axis per hyperparameter or metric, one line per setting.

use svg::node::element::{Group, Path};

use super::canvas::{canvas, class_for_marks, empty_chart};
use super::colour::colour_step;
use super::labels::Labels;
use super::number::NumberFormat;
use super::plot::{label_stride, min_spacing};
use super::scale::{AxisValue, Scale};
use super::shapes::{Point, WIDTH, coordinate, group, line, path_data};
use super::text::{fit_text, sanitize, text, text_width, tooltip, widest};

/// An axis of a hyperparameter or metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelAxis {
    /// Name of the hyperparameter or metric.
    pub title: String,
    /// Format of its numbers.
    pub format: NumberFormat,
    /// The value of each line; a line without a value does not cross the axis.
    pub values: Vec<Option<AxisValue>>,
}

/// The line of a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelLine {
    /// Index of the setting, the attribute `data-setting`.
    pub setting: usize,
    /// Name of the setting.
    pub label: String,
    /// Quality by the metric, from 0 (worst) to 1 (best). A better line has a stronger colour and
    /// is drawn later.
    pub quality: f64,
}

/// Upper and lower end of every axis.
const TOP: f64 = 52.0;
const BOTTOM: f64 = 340.0;
const HEIGHT: f64 = 356.0;
/// Titles are bold, and bold text is wider: a title is truncated as if it had this share of its
/// room.
const BOLD_SHARE: f64 = 0.85;
/// Least room at the right of the last axis, for its title.
const MIN_RIGHT_MARGIN: f64 = 76.0;
/// Axes at a smaller distance have titles at alternating heights.
const CLOSE_AXES: f64 = 100.0;
/// Distance from an axis to its tick labels.
const LABEL_GAP: f64 = 8.0;
/// Largest width of the tick labels of the last axis.
const MAX_LAST_LABEL: f64 = 110.0;

/// Horizontal coordinates of the axes.
struct AxisLayout {
    left: f64,
    right: f64,
    count: usize,
}

impl AxisLayout {
    /// The layout for axes with these scales.
    fn new(scales: &[Scale]) -> Self {
        let labels = scales.last().into_iter().flat_map(|scale| &scale.ticks);
        let label_width = widest(labels.map(|tick| tick.label.as_str()), 24.0).min(MAX_LAST_LABEL);
        let right_margin = (label_width + LABEL_GAP + 6.0).max(MIN_RIGHT_MARGIN);
        Self { left: 8.0, right: WIDTH - right_margin, count: scales.len() }
    }

    /// Distance between neighbouring axes.
    #[allow(clippy::cast_precision_loss, reason = "few axes")]
    fn spacing(&self) -> f64 {
        (self.right - self.left) / self.count.saturating_sub(1).max(1) as f64
    }

    #[allow(clippy::cast_precision_loss, reason = "few axes")]
    fn x(&self, index: usize) -> f64 {
        self.left + self.spacing() * index as f64
    }

    fn is_last(&self, index: usize) -> bool {
        index > 0 && index + 1 == self.count
    }

    fn has_close_axes(&self) -> bool {
        self.spacing() < CLOSE_AXES
    }

    /// Largest width of the title of an axis. The title of the last axis ends at the edge of the
    /// chart, which leaves less room to its neighbour.
    fn title_width(&self, index: usize) -> f64 {
        let spacing = self.spacing();
        let room = if self.is_last(index) {
            0.3 * spacing + WIDTH - self.right
        } else if self.is_last(index + 1) {
            0.7 * spacing
        } else if self.has_close_axes() && !self.is_last(index + 2) {
            2.0 * spacing - 8.0
        } else {
            spacing - 8.0
        };
        BOLD_SHARE * room
    }
}

/// One line per setting across all axes. The attributes `data-x`, `data-top` and `data-bottom` give
/// the coordinates of an axis. The attribute `data-ys` gives the heights at which a line crosses
/// the axes, with an empty entry where it does not.
pub fn parallel_coordinates(
    labels: &Labels,
    axes: &[ParallelAxis],
    lines: &[ParallelLine],
) -> String {
    if axes.is_empty() || lines.is_empty() {
        return empty_chart(labels, "parallel");
    }
    let scale =
        |axis: &ParallelAxis| Scale::of_values(axis.values.iter().flatten(), axis.format, 0.02);
    let scales: Vec<Scale> = axes.iter().map(scale).collect();
    let layout = AxisLayout::new(&scales);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|left, right| lines[*left].quality.total_cmp(&lines[*right].quality));
    let mut drawn = group("lines");
    for index in order {
        let heights: Vec<Option<f64>> =
            axes.iter().zip(&scales).map(|(axis, scale)| height(axis, scale, index)).collect();
        drawn = drawn.add(draw_line(&lines[index], &heights, &layout));
    }
    let class = class_for_marks("parallel", lines.len());
    let mut chart = canvas(labels, &class, HEIGHT).add(drawn);
    for (index, (axis, scale)) in axes.iter().zip(&scales).enumerate() {
        chart = chart.add(draw_axis(axis, scale, index, &layout));
    }
    chart.to_string()
}

/// Vertical coordinate of a position from 0 to 1 on an axis.
fn y(position: f64) -> f64 {
    BOTTOM - position * (BOTTOM - TOP)
}

/// Vertical coordinate at which a line crosses an axis.
fn height(axis: &ParallelAxis, scale: &Scale, line: usize) -> Option<f64> {
    let value = axis.values.get(line)?.as_ref()?;
    scale.position_of(value).map(y)
}

/// Draws a line, interrupted at axes that it does not cross.
fn draw_line(line: &ParallelLine, heights: &[Option<f64>], layout: &AxisLayout) -> Path {
    let points: Vec<Option<Point>> = heights
        .iter()
        .enumerate()
        .map(|(index, height)| height.map(|height| (layout.x(index), height)))
        .collect();
    let sections = points.split(Option::is_none);
    let data: String = sections.map(|points| path_data(points.iter().flatten().copied())).collect();
    let ys: Vec<String> =
        heights.iter().map(|height| height.map_or_else(String::new, coordinate)).collect();
    let best = if line.quality >= 1.0 { " best" } else { "" };
    Path::new()
        .set("class", format!("line l{}{best}", colour_step(line.quality)))
        .set("d", data)
        .set("data-setting", line.setting)
        .set("data-ys", ys.join(","))
        .add(tooltip(&sanitize(&line.label, 100)))
}

/// Draws an axis with its title and ticks.
fn draw_axis(axis: &ParallelAxis, scale: &Scale, index: usize, layout: &AxisLayout) -> Group {
    let x = layout.x(index);
    let is_last = layout.is_last(index);
    let mut drawn = group("axis")
        .set("data-axis", index)
        .set("data-x", coordinate(x))
        .set("data-top", coordinate(TOP))
        .set("data-bottom", coordinate(BOTTOM))
        .add(tooltip(&axis.title))
        .add(line("axis", (x, TOP), (x, BOTTOM)));
    // The title of the last axis ends at the edge of the chart.
    let (class, title_x) = if is_last { ("end name", WIDTH) } else { ("name", x - 4.0) };
    for (words, baseline) in title_lines(&axis.title, index, layout) {
        drawn = drawn.add(text(title_x, baseline, class, &words));
    }
    let label_width = if is_last { MAX_LAST_LABEL } else { layout.spacing() - 2.0 * LABEL_GAP };
    let stride = label_stride(min_spacing(&scale.ticks) * (BOTTOM - TOP), 14.0);
    for tick in scale.ticks.iter().step_by(stride) {
        let y = y(tick.position);
        let label = fit_text(&tick.label, label_width);
        drawn = drawn.add(line("axis", (x, y), (x + 4.0, y))).add(text(
            x + LABEL_GAP,
            y + 4.5,
            "tick",
            &label,
        ));
    }
    drawn
}

/// The title of an axis, in one or two lines with their baselines. Titles of close axes have one
/// line each, at alternating heights.
fn title_lines(title: &str, index: usize, layout: &AxisLayout) -> Vec<(String, f64)> {
    let (lower, upper) = (TOP - 14.0, TOP - 30.0);
    let title = sanitize(title, 60);
    let width = layout.title_width(index);
    if layout.has_close_axes() && !layout.is_last(index) {
        let baseline = if index.is_multiple_of(2) { lower } else { upper };
        return vec![(fit_text(&title, width), baseline)];
    }
    match title.split_once(' ').filter(|_| text_width(&title) > width) {
        Some((first, rest)) => {
            vec![(fit_text(first, width), upper), (fit_text(rest, width), lower)]
        }
        None => vec![(fit_text(&title, width), lower)],
    }
}
