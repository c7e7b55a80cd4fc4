//! All hyperparameters and a metric at once: an axis each, a line a setting.

use std::fmt::Write as _;

use svg::node::element::Group;

use super::Labels;
use super::number::Format;
use super::scale::{Place, Scale};
use super::sheet::{WIDTH, clean, course, fitted, group, hint, line, nothing, path, px, room, sheet, step, text};

/// A hyperparameter or metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelAxis {
    /// Its name.
    pub title: String,
    /// How its numbers are written.
    pub format: Format,
    /// Where each line crosses it, if it does.
    pub places: Vec<Option<Place>>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelLine {
    /// `data-setting` of what is drawn.
    pub setting: usize,
    /// Its name.
    pub label: String,
    /// From 0 to 1, the best: the stronger the colour, and the later it is drawn.
    pub worth: f64,
}

const TOP: f64 = 52.0;
const BOTTOM: f64 = 340.0;
const HEIGHT: f64 = 356.0;
/// From an axis to the label of its tick, and the widest of these at the last.
const TICK: f64 = 8.0;
const MOST_TICKS: f64 = 110.0;

/// Where the axes stand.
struct Axes {
    left: f64,
    right: f64,
    count: usize,
}

impl Axes {
    #[allow(clippy::cast_precision_loss, reason = "few")]
    fn apart(&self) -> f64 {
        (self.right - self.left) / self.count.saturating_sub(1).max(1) as f64
    }

    #[allow(clippy::cast_precision_loss, reason = "few")]
    fn x(&self, index: usize) -> f64 {
        self.left + self.apart() * index as f64
    }

    fn is_last(&self, index: usize) -> bool {
        index > 0 && index + 1 == self.count
    }
}

/// A line a setting across all axes. An axis says where it is (`data-x`, `data-top`, `data-bottom`), a line at what
/// heights it crosses them (`data-ys`, empty where it does not).
pub fn parallel(labels: &Labels, axes: &[ParallelAxis], lines: &[ParallelLine]) -> String {
    if axes.is_empty() || lines.is_empty() {
        return nothing(labels, "parallel");
    }
    let scaled = |axis: &ParallelAxis| Scale::suited(axis.places.iter().flatten(), axis.format, 0.02);
    let scales: Vec<Scale> = axes.iter().map(scaled).collect();
    let widest = |scale: &Scale| scale.ticks.iter().map(|it| room(&it.label)).fold(24.0, f64::max);
    let ticks = scales.last().map_or(24.0, widest).min(MOST_TICKS);
    let across = Axes { left: 8.0, right: WIDTH - ticks - TICK - 6.0, count: axes.len() };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|left, right| lines[*left].worth.total_cmp(&lines[*right].worth));
    let mut drawn = group("lines");
    for index in order {
        let heights: Vec<Option<f64>> = axes.iter().zip(&scales).map(|(axis, it)| height(axis, it, index)).collect();
        drawn = drawn.add(crossing(&lines[index], &heights, &across));
    }
    let mut svg = sheet(labels, "parallel", HEIGHT).add(drawn);
    for (index, (axis, scale)) in axes.iter().zip(&scales).enumerate() {
        svg = svg.add(upright(axis, scale, index, &across));
    }
    svg.to_string()
}

fn height(axis: &ParallelAxis, scale: &Scale, line: usize) -> Option<f64> {
    let place = axis.places.get(line)?.as_ref()?;
    scale.of(place).map(|share| BOTTOM - share * (BOTTOM - TOP))
}

/// A line, broken where it misses an axis.
fn crossing(line: &ParallelLine, heights: &[Option<f64>], across: &Axes) -> svg::node::element::Path {
    let mut courses = String::new();
    let mut ys = String::new();
    let points: Vec<Option<(f64, f64)>> =
        heights.iter().enumerate().map(|(index, height)| height.map(|it| (across.x(index), it))).collect();
    for run in points.split(Option::is_none) {
        courses += &course(run.iter().flatten().copied());
    }
    for (index, height) in heights.iter().enumerate() {
        let _ = write!(ys, "{}{}", if index > 0 { "," } else { "" }, height.map_or_else(String::new, px));
    }
    let best = if line.worth >= 1.0 { " best" } else { "" };
    let class = format!("line l{}{best}", step(line.worth));
    path(&class, [])
        .set("d", courses)
        .set("data-setting", line.setting)
        .set("data-ys", ys)
        .add(hint(&clean(&line.label, 100)))
}

fn upright(axis: &ParallelAxis, scale: &Scale, index: usize, across: &Axes) -> Group {
    let x = across.x(index);
    let mut upright = group("axis")
        .set("data-axis", index)
        .set("data-x", px(x))
        .set("data-top", px(TOP))
        .set("data-bottom", px(BOTTOM))
        .add(line("axis", (x, TOP), (x, BOTTOM)));
    // The last one has no room at its right.
    let (class, at) = if across.is_last(index) { ("end name", WIDTH) } else { ("name", x - 4.0) };
    for (row, words) in title(&axis.title, across.apart() - 12.0).iter().rev().enumerate() {
        let y = if row == 0 { TOP - 14.0 } else { TOP - 30.0 };
        upright = upright.add(text(at, y, class, words));
    }
    let width = if across.is_last(index) { MOST_TICKS } else { across.apart() - 2.0 * TICK };
    let closest = scale.ticks.windows(2).map(|it| it[1].at - it[0].at).fold(1.0, f64::min) * (BOTTOM - TOP);
    for tick in scale.ticks.iter().step_by(super::plot::every(closest, 14.0)) {
        let y = BOTTOM - tick.at * (BOTTOM - TOP);
        upright = upright.add(line("axis", (x, y), (x + 4.0, y)));
        upright = upright.add(text(x + TICK, y + 4.5, "tick", &fitted(&tick.label, width)));
    }
    upright
}

/// At most two lines of words.
fn title(words: &str, width: f64) -> Vec<String> {
    let words = clean(words, 60);
    if room(&words) <= width {
        return vec![words];
    }
    match words.split_once(' ') {
        Some((first, rest)) => vec![fitted(first, width), fitted(rest, width)],
        None => vec![fitted(&words, width)],
    }
}
