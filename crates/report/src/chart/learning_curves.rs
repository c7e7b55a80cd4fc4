//! Learning curves: one line and one band per setting, with its name at the right end.

use svg::node::element::Group;

use super::canvas::{canvas, empty_chart};
use super::labels::Labels;
use super::number::RangeFormat;
use super::plot::{HEIGHT, Plot};
use super::scale::Scale;
use super::shapes::{Point, circle, group, polygon, polyline};
use super::text::{fit_text, sanitize, text, tooltip, widest};

/// A point of a learning curve.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvePoint {
    /// Horizontal value, such as the epoch.
    pub x: f64,
    /// The metric.
    pub y: f64,
    /// Spread of the metric, from low to high.
    pub band: Option<(f64, f64)>,
}

/// The learning curve of one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// Index of the setting, the attribute `data-setting`.
    pub setting: usize,
    /// Name of the setting.
    pub label: String,
    /// Points in ascending order of `x`. Points with a coordinate that is not finite are not drawn.
    pub points: Vec<CurvePoint>,
}

/// Number of curves with a colour, a band and a name. Later curves are thin and grey.
const COLOURS: usize = 8;
/// Longest name at the end of a curve, in columns of text.
const MAX_NAME: usize = 22;
/// Least vertical distance between two names.
const NAME_SPACING: f64 = 17.0;

/// Draws the learning curves, the first on top.
pub fn learning_curves(labels: &Labels, curves: &[LearningCurve]) -> String {
    let curves: Vec<LearningCurve> = curves.iter().map(finite_points).collect();
    if curves.iter().all(|curve| curve.points.is_empty()) {
        return empty_chart(labels, "curves");
    }
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let y_values = points().flat_map(|point| [Some(point.y), low(point), high(point)]).flatten();
    let x = Scale::linear(points().map(|point| point.x), labels.x_format, 0.0);
    let y = Scale::linear(y_values, labels.y_format, 0.03);
    let names: Vec<String> =
        curves.iter().take(COLOURS).map(|curve| sanitize(&curve.label, MAX_NAME)).collect();
    let plot = Plot::new(x, y, widest(names.iter().map(String::as_str), 0.0) + 30.0);
    let format = labels.y_format.for_values(points().map(|point| point.y));
    let mut chart = canvas(labels, "curves", HEIGHT).add(plot.grid(labels));
    for (index, curve) in curves.iter().enumerate().rev() {
        chart = chart.add(draw_curve(curve, index, &format, &plot));
    }
    chart.add(draw_names(&curves, &names, &plot)).to_string()
}

/// `curve` without points and bands that are not finite.
fn finite_points(curve: &LearningCurve) -> LearningCurve {
    let band =
        |point: &CurvePoint| point.band.filter(|(low, high)| low.is_finite() && high.is_finite());
    let finite = curve.points.iter().filter(|point| point.x.is_finite() && point.y.is_finite());
    let points = finite.map(|point| CurvePoint { band: band(point), ..point.clone() }).collect();
    LearningCurve { points, setting: curve.setting, label: curve.label.clone() }
}

fn low(point: &CurvePoint) -> Option<f64> {
    point.band.map(|(low, _)| low)
}

fn high(point: &CurvePoint) -> Option<f64> {
    point.band.map(|(_, high)| high)
}

fn colour_class(index: usize) -> String {
    if index < COLOURS { format!("s{index}") } else { "rest".to_owned() }
}

/// Draws a curve: its band beneath its line, and a circle at its end.
fn draw_curve(curve: &LearningCurve, index: usize, format: &RangeFormat, plot: &Plot) -> Group {
    let has_colour = index < COLOURS;
    let last_value = curve
        .points
        .last()
        .map_or_else(String::new, |point| format!(": {} at the end", format.format(point.y)));
    let description = sanitize(&curve.label, 80) + &last_value;
    let mut drawn =
        group(&colour_class(index)).set("data-setting", curve.setting).add(tooltip(&description));
    let upper = curve.points.iter().filter_map(|point| plot.point(point.x, high(point)?));
    let lower = curve.points.iter().rev().filter_map(|point| plot.point(point.x, low(point)?));
    let band: Vec<Point> = upper.chain(lower).collect();
    if has_colour && band.len() > 2 {
        drawn = drawn.add(polygon("band", band));
    }
    let points: Vec<Point> =
        curve.points.iter().filter_map(|point| plot.point(point.x, point.y)).collect();
    let last = points.last().copied();
    if points.len() > 1 {
        drawn = drawn.add(polyline("line", points));
    }
    match last {
        Some(last) if has_colour => drawn.add(circle(last, 3.0)),
        _ => drawn,
    }
}

/// Draws the names beside the ends of their curves, so that they do not overlap. A line joins each
/// name to its curve.
fn draw_names(curves: &[LearningCurve], names: &[String], plot: &Plot) -> Group {
    let mut ends: Vec<(usize, Point)> = (0..names.len())
        .filter_map(|index| {
            let last = curves[index].points.last()?;
            Some((index, plot.point(last.x, last.y)?))
        })
        .collect();
    ends.sort_by(|(_, left), (_, right)| left.1.total_cmp(&right.1));
    let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| *y).collect();
    let baselines = spread_apart(&wanted, NAME_SPACING, plot.top, plot.bottom);
    let mut drawn = group("names");
    for ((index, (x, y)), baseline) in ends.into_iter().zip(baselines) {
        // The line to a curve that ends early is dotted, so that it does not look like the curve.
        let class = if x < plot.right - 1.0 { "leader early" } else { "leader" };
        let leader =
            polyline(class, [(x, y), (plot.right + 6.0, y), (plot.right + 20.0, baseline)]);
        let name = fit_text(&names[index], 220.0);
        let name = text(plot.right + 24.0, baseline + 4.5, "label", &name);
        let group = group(&colour_class(index)).set("data-setting", curves[index].setting);
        drawn = drawn.add(group.add(leader).add(name));
    }
    drawn
}

/// Moves the ascending `wanted` coordinates at least `spacing` apart, each as near to its wanted
/// coordinate as possible. They stay between `top` and `bottom` if there is room for all.
fn spread_apart(wanted: &[f64], spacing: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut placed = wanted.to_vec();
    for index in 1..placed.len() {
        placed[index] = placed[index].max(placed[index - 1] + spacing);
    }
    // Each group of adjacent coordinates moves back to the mean of its wanted coordinates.
    let mut start = 0;
    while start < placed.len() {
        let is_adjacent = |index: &usize| placed[*index] - placed[index - 1] <= spacing;
        let end = start + 1 + (start + 1..placed.len()).take_while(is_adjacent).count();
        #[allow(clippy::cast_precision_loss, reason = "few names")]
        let mean_shift = (start..end).map(|index| placed[index] - wanted[index]).sum::<f64>()
            / (end - start) as f64;
        let least = if start == 0 { top } else { placed[start - 1] + spacing };
        let shift = mean_shift.min(placed[start] - least).max(0.0);
        placed[start..end].iter_mut().for_each(|coordinate| *coordinate -= shift);
        start = end;
    }
    let mut greatest = bottom;
    for coordinate in placed.iter_mut().rev() {
        *coordinate = coordinate.min(greatest);
        greatest = *coordinate - spacing;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_move_apart_around_their_curves() {
        assert_eq!(spread_apart(&[100.0, 200.0], 10.0, 0.0, 300.0), [100.0, 200.0]);
        assert_eq!(spread_apart(&[100.0, 100.0], 10.0, 0.0, 300.0), [95.0, 105.0]);
        assert_eq!(spread_apart(&[0.0, 1.0, 2.0], 10.0, 0.0, 300.0), [0.0, 10.0, 20.0]);
        let at_bottom = spread_apart(&[298.0, 299.0, 300.0], 10.0, 0.0, 300.0);
        assert_eq!(at_bottom, [280.0, 290.0, 300.0]);
    }
}
