//! All hyperparameters and a metric at once: an axis each, a line a setting.

use std::fmt::Write as _;

use svg::node::element::Group;

use super::Labels;
use super::number::Format;
use super::scale::{Place, Scale};
use super::sheet::{
    WIDTH, clean, course, crowded, fitted, group, hint, line, nothing, path, px, room, sheet, step,
    text,
};

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
/// Bold words need more room.
const BOLD: f64 = 0.85;
/// Least room at the right of the last axis, for its title.
const LAST: f64 = 76.0;
/// Axes that stand closer have titles at two heights.
const CLOSE: f64 = 100.0;
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

    fn are_close(&self) -> bool {
        self.apart() < CLOSE
    }

    /// Room for the title of an axis. That of the last one ends at the edge of the sheet, so its neighbour has less.
    fn title(&self, index: usize) -> f64 {
        let apart = self.apart();
        let width = if self.is_last(index) {
            0.3 * apart + WIDTH - self.right
        } else if self.is_last(index + 1) {
            0.7 * apart
        } else if self.are_close() && !self.is_last(index + 2) {
            2.0 * apart - 8.0
        } else {
            apart - 8.0
        };
        BOLD * width
    }
}

/// A line a setting across all axes. An axis says where it is (`data-x`, `data-top`, `data-bottom`), a line at what
/// heights it crosses them (`data-ys`, empty where it does not).
pub fn parallel(labels: &Labels, axes: &[ParallelAxis], lines: &[ParallelLine]) -> String {
    if axes.is_empty() || lines.is_empty() {
        return nothing(labels, "parallel");
    }
    let scaled =
        |axis: &ParallelAxis| Scale::suited(axis.places.iter().flatten(), axis.format, 0.02);
    let scales: Vec<Scale> = axes.iter().map(scaled).collect();
    let widest = |scale: &Scale| scale.ticks.iter().map(|it| room(&it.label)).fold(24.0, f64::max);
    let ticks = scales.last().map_or(24.0, widest).min(MOST_TICKS);
    let across =
        Axes { left: 8.0, right: WIDTH - (ticks + TICK + 6.0).max(LAST), count: axes.len() };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|left, right| lines[*left].worth.total_cmp(&lines[*right].worth));
    let mut drawn = group("lines");
    for index in order {
        let heights: Vec<Option<f64>> =
            axes.iter().zip(&scales).map(|(axis, it)| height(axis, it, index)).collect();
        drawn = drawn.add(crossing(&lines[index], &heights, &across));
    }
    let mut svg = sheet(labels, &crowded("parallel", lines.len()), HEIGHT).add(drawn);
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
fn crossing(
    line: &ParallelLine,
    heights: &[Option<f64>],
    across: &Axes,
) -> svg::node::element::Path {
    let mut courses = String::new();
    let mut ys = String::new();
    let points: Vec<Option<(f64, f64)>> = heights
        .iter()
        .enumerate()
        .map(|(index, height)| height.map(|it| (across.x(index), it)))
        .collect();
    for run in points.split(Option::is_none) {
        courses += &course(run.iter().flatten().copied());
    }
    for (index, height) in heights.iter().enumerate() {
        let _ = write!(
            ys,
            "{}{}",
            if index > 0 { "," } else { "" },
            height.map_or_else(String::new, px)
        );
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
        .add(hint(&axis.title))
        .add(line("axis", (x, TOP), (x, BOTTOM)));
    for (words, y) in title(&axis.title, index, across) {
        // The last one has no room at its right.
        let (class, at) =
            if across.is_last(index) { ("end name", WIDTH) } else { ("name", x - 4.0) };
        upright = upright.add(text(at, y, class, &words));
    }
    let width = if across.is_last(index) { MOST_TICKS } else { across.apart() - 2.0 * TICK };
    let closest =
        scale.ticks.windows(2).map(|it| it[1].at - it[0].at).fold(1.0, f64::min) * (BOTTOM - TOP);
    for tick in scale.ticks.iter().step_by(super::plot::every(closest, 14.0)) {
        let y = BOTTOM - tick.at * (BOTTOM - TOP);
        upright = upright.add(line("axis", (x, y), (x + 4.0, y)));
        upright = upright.add(text(x + TICK, y + 4.5, "tick", &fitted(&tick.label, width)));
    }
    upright
}

/// Two lines of words; where the axes are too close for that, one line each, every other one higher.
fn title(words: &str, index: usize, across: &Axes) -> Vec<(String, f64)> {
    let (lower, upper) = (TOP - 14.0, TOP - 30.0);
    let words = clean(words, 60);
    let width = across.title(index);
    if across.are_close() && !across.is_last(index) {
        return vec![(fitted(&words, width), if index % 2 == 1 { upper } else { lower })];
    }
    match words.split_once(' ').filter(|_| room(&words) > width) {
        Some((first, rest)) => vec![(fitted(first, width), upper), (fitted(rest, width), lower)],
        None => vec![(fitted(&words, width), lower)],
    }
}
