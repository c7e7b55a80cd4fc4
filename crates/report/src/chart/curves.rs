//! Learning curves: a line and a band a setting, named at their right ends.

use svg::node::element::Group;

use super::Labels;
use super::number::Notation;
use super::plot::Plot;
use super::scale::Scale;
use super::sheet::{circle, clean, fitted, group, hint, nothing, path, room, shape, sheet, text};

/// A point of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Across, such as the epoch.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// Its uncertainty, from low to high.
    pub band: Option<(f64, f64)>,
}

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// `data-setting` of what is drawn.
    pub setting: usize,
    /// Its name.
    pub label: String,
    /// Its points, in the order in which they are joined; those that are no number are left out.
    pub points: Vec<Point>,
}

/// Curves of a colour and a name; those after them are thin, grey and nameless.
pub const COLOURS: usize = 8;
/// Longest name at the end of a curve.
const NAME: usize = 22;
/// Least distance of two names.
const APART: f64 = 17.0;

/// Learning curves, the first on top.
pub fn curves(labels: &Labels, curves: &[Curve]) -> String {
    let curves: Vec<Curve> = curves.iter().map(finite).collect();
    if curves.iter().all(|it| it.points.is_empty()) {
        return nothing(labels, "curves");
    }
    let points = || curves.iter().flat_map(|it| &it.points);
    let x = Scale::linear(points().map(|it| it.x), labels.x_format, 0.0);
    let y = Scale::linear(
        points().flat_map(|it| [Some(it.y), low(it), high(it)]).flatten(),
        labels.y_format,
        0.03,
    );
    let names = curves.iter().take(COLOURS).map(|it| room(&clean(&it.label, NAME)));
    let plot = Plot::new(&y, names.fold(0.0, f64::max) + 30.0);
    let (least, most) =
        points().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it.y), high.max(it.y)));
    let notation = labels.y_format.between(least, most);
    let mut svg = sheet(labels, "curves", super::plot::HEIGHT).add(plot.grid(labels, &x, &y));
    for (index, curve) in curves.iter().enumerate().rev() {
        let place = |x_value, y_value| Some((plot.x(x.at(x_value)?), plot.y(y.at(y_value)?)));
        svg = svg.add(drawn(curve, index, &notation, place));
    }
    svg.add(ends(&curves, &plot, &x, &y)).to_string()
}

/// `curve` without what is no number.
fn finite(curve: &Curve) -> Curve {
    let band = |point: &Point| point.band.filter(|it| it.0.is_finite() && it.1.is_finite());
    let points = curve.points.iter().filter(|it| it.x.is_finite() && it.y.is_finite());
    let points = points.map(|it| Point { band: band(it), ..it.clone() }).collect();
    Curve { points, setting: curve.setting, label: curve.label.clone() }
}

fn low(point: &Point) -> Option<f64> {
    point.band.map(|it| it.0)
}

fn high(point: &Point) -> Option<f64> {
    point.band.map(|it| it.1)
}

fn class(index: usize) -> String {
    if index < COLOURS { format!("s{index}") } else { "rest".to_owned() }
}

/// A curve: its band beneath its line, and a disc at its end.
fn drawn(
    curve: &Curve,
    index: usize,
    notation: &Notation,
    at: impl Fn(f64, f64) -> Option<(f64, f64)>,
) -> Group {
    let last = curve
        .points
        .last()
        .map_or_else(String::new, |it| format!(": {} at the end", notation.text(it.y)));
    let words = clean(&curve.label, 80) + &last;
    let mut curved = group(&class(index)).set("data-setting", curve.setting).add(hint(&words));
    let upper = curve.points.iter().filter_map(|it| at(it.x, high(it)?));
    let lower = curve.points.iter().rev().filter_map(|it| at(it.x, low(it)?));
    let band: Vec<(f64, f64)> = upper.chain(lower).collect();
    if index < COLOURS && band.len() > 2 {
        curved = curved.add(shape("band", band));
    }
    let points: Vec<(f64, f64)> = curve.points.iter().filter_map(|it| at(it.x, it.y)).collect();
    let last = points.last().copied();
    if points.len() > 1 {
        curved = curved.add(path("line", points));
    }
    match last {
        Some(last) if index < COLOURS => curved.add(circle(last, 3.0)),
        _ => curved,
    }
}

/// The names, each beside the end of its curve or as near as others leave room, with a line to it.
fn ends(curves: &[Curve], plot: &Plot, x: &Scale, y: &Scale) -> Group {
    let end = |(index, curve): (usize, &Curve)| {
        let last = curve.points.last()?;
        Some((index, (plot.x(x.at(last.x)?), plot.y(y.at(last.y)?))))
    };
    let mut ends: Vec<(usize, (f64, f64))> =
        curves.iter().enumerate().take(COLOURS).filter_map(end).collect();
    ends.sort_by(|left, right| left.1.1.total_cmp(&right.1.1));
    let heights: Vec<f64> = ends.iter().map(|it| it.1.1).collect();
    let mut names = group("names");
    for ((index, (x, y)), height) in
        ends.into_iter().zip(apart(&heights, APART, plot.top, plot.bottom))
    {
        let curve = &curves[index];
        // A curve that ends early must not seem to go on.
        let kind = if x < plot.right - 1.0 { "leader early" } else { "leader" };
        let leader = path(kind, [(x, y), (plot.right + 6.0, y), (plot.right + 20.0, height)]);
        let name = text(
            plot.right + 24.0,
            height + 4.5,
            "label",
            &fitted(&clean(&curve.label, NAME), 220.0),
        );
        names = names
            .add(group(&class(index)).set("data-setting", curve.setting).add(leader).add(name));
    }
    names
}

/// Ascending `heights`, moved to be at least `least` apart and, if they all can, between `top` and `bottom`.
pub fn apart(heights: &[f64], least: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut moved = heights.to_vec();
    for index in 1..moved.len() {
        moved[index] = moved[index].max(moved[index - 1] + least);
    }
    // Each crowd returns to the middle of where its members wanted to be.
    let mut start = 0;
    while start < moved.len() {
        let crowd =
            (start + 1..moved.len()).take_while(|it| moved[*it] - moved[it - 1] <= least).count()
                + 1;
        #[allow(clippy::cast_precision_loss, reason = "few")]
        let shift =
            (start..start + crowd).map(|it| moved[it] - heights[it]).sum::<f64>() / crowd as f64;
        let floor = if start == 0 { top } else { moved[start - 1] + least };
        let shift = shift.min(moved[start] - floor).max(0.0);
        moved[start..start + crowd].iter_mut().for_each(|it| *it -= shift);
        start += crowd;
    }
    let mut limit = bottom;
    for height in moved.iter_mut().rev() {
        *height = height.min(limit);
        limit = *height - least;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_apart_around_where_they_belong() {
        assert_eq!(apart(&[100.0, 200.0], 10.0, 0.0, 300.0), [100.0, 200.0]);
        assert_eq!(apart(&[100.0, 100.0], 10.0, 0.0, 300.0), [95.0, 105.0]);
        assert_eq!(apart(&[0.0, 1.0, 2.0], 10.0, 0.0, 300.0), [0.0, 10.0, 20.0]);
        assert_eq!(apart(&[298.0, 299.0, 300.0], 10.0, 0.0, 300.0), [280.0, 290.0, 300.0]);
    }
}
