//! Scatter plot: a metric against one hyperparameter, one dot per setting.

use super::canvas::{canvas, class_for_marks, empty_chart};
use super::dot::{Dot, PlacedDot, draw_dot, metric_format, metric_scale};
use super::labels::Labels;
use super::legend::{LegendEntry, legend};
use super::plot::{HEIGHT, MARGIN, Plot};
use super::scale::{AxisValue, Scale};
use super::shapes::{Point, group, polyline};

/// Least vertical distance between two dots of a column, and largest width of a column.
const DOT_SIZE: f64 = 9.0;
/// Share of the distance between two levels that the dots of a level may fill.
const MAX_LEVEL_WIDTH: f64 = 0.7;

/// A metric against one hyperparameter. A line joins the `level_means`.
pub fn scatter_plot(labels: &Labels, dots: &[Dot], level_means: &[(AxisValue, f64)]) -> String {
    let x_values = dots.iter().filter(|dot| dot.y.is_finite()).map(|dot| &dot.x);
    let x = Scale::of_values(x_values, labels.x_format, MARGIN);
    let y = metric_scale(labels, dots, level_means);
    let plot = Plot::new(x, y, 16.0);
    let mut placed: Vec<PlacedDot> =
        dots.iter().filter_map(|dot| Some((dot, plot.point_of(&dot.x, dot.y)?))).collect();
    if placed.is_empty() {
        return empty_chart(labels, "dots");
    }
    separate_dots(&mut placed, plot.right - plot.left);
    let format = metric_format(labels, dots);
    // The best setting comes last: it is drawn on top.
    let (best, others): (Vec<_>, Vec<_>) = placed.iter().partition(|(dot, _)| dot.best);
    let mut marks = group("marks");
    for (dot, centre) in others.iter().chain(&best) {
        marks = marks.add(draw_dot(dot, *centre, &plot, &format));
    }
    let mut means: Vec<Point> =
        level_means.iter().filter_map(|(value, mean)| plot.point_of(value, *mean)).collect();
    means.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut entries = Vec::new();
    let class = class_for_marks("dots", dots.len());
    let mut chart = canvas(labels, &class, HEIGHT).add(plot.grid(labels));
    if means.len() > 1 {
        chart = chart.add(polyline("means", means));
        entries.push(LegendEntry::LevelMeans);
    }
    if !best.is_empty() {
        entries.push(LegendEntry::Best);
    }
    chart.add(marks).add(legend(&entries)).to_string()
}

/// Sorts the dots, and shifts dots with the same horizontal coordinate apart where they overlap.
fn separate_dots(placed: &mut [PlacedDot], plot_width: f64) {
    placed.sort_by(|(_, left), (_, right)| {
        left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1))
    });
    let mut levels: Vec<&mut [PlacedDot]> =
        placed.chunk_by_mut(|(_, left), (_, right)| left.0 == right.0).collect();
    let x_of = |level: &[PlacedDot]| level[0].1.0;
    let spacing =
        levels.windows(2).map(|pair| x_of(pair[1]) - x_of(pair[0])).fold(plot_width, f64::min);
    levels.iter_mut().for_each(|level| spread_level(level, MAX_LEVEL_WIDTH * spacing));
}

/// Spreads the dots of a level, sorted from top to bottom, over columns: each goes to the first
/// column with room. The first column is in the middle, later ones alternate right and left of it.
fn spread_level(level: &mut [PlacedDot], max_width: f64) {
    let mut last_in_column: Vec<f64> = Vec::new();
    let mut columns = Vec::with_capacity(level.len());
    for (_, (_, y)) in level.iter() {
        let has_room = |last: &f64| y - last >= DOT_SIZE;
        let column = last_in_column.iter().position(has_room).unwrap_or(last_in_column.len());
        if column == last_in_column.len() {
            last_in_column.push(*y);
        }
        last_in_column[column] = *y;
        columns.push(column);
    }
    #[allow(clippy::cast_precision_loss, reason = "few dots")]
    let column_width = DOT_SIZE.min(max_width / last_in_column.len() as f64);
    for ((_, (x, _)), column) in level.iter_mut().zip(columns) {
        *x += column_width * signed_offset(column);
    }
}

/// Offset of a column from the middle, in columns: 0, 1, -1, 2, -2 …
#[allow(clippy::cast_precision_loss, reason = "few columns")]
fn signed_offset(column: usize) -> f64 {
    let distance = column.div_ceil(2) as f64;
    if column.is_multiple_of(2) { -distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_move_apart_only_where_they_overlap() {
        let dot = Dot::unlabelled(0.0, 0.0);
        let mut level = [10.0, 11.0, 12.0, 40.0].map(|y| (&dot, (100.0, y)));
        spread_level(&mut level, 500.0);
        assert_eq!(level.map(|(_, (x, _))| x), [100.0, 109.0, 91.0, 100.0]);
        let mut crowd = [(&dot, (100.0, 10.0)); 101];
        spread_level(&mut crowd, 50.0);
        assert!(crowd.iter().all(|(_, (x, _))| (75.0..=125.0).contains(x)));
    }
}
