//! Pareto front: a metric against its cost. A setting is on the front if no other setting beats it
//! in both.

use svg::node::element::Group;

use super::canvas::{canvas, class_for_marks, empty_chart};
use super::dot::{Dot, PlacedDot, draw_dot, metric_format, metric_scale};
use super::labels::Labels;
use super::legend::{LegendEntry, legend};
use super::plot::{HEIGHT, MARGIN, Plot};
use super::scale::{AxisValue, Scale};
use super::shapes::{Point, group, polyline};
use super::text::{sanitize, text, text_width};

/// Longest name of a dot, in columns of text.
const MAX_NAME: usize = 26;
/// Height of a line of text.
const LINE_HEIGHT: f64 = 16.0;

/// A metric against its cost. `front` holds the indices of the dots on the Pareto front, which are
/// drawn larger and joined by steps.
pub fn pareto_front(labels: &Labels, dots: &[Dot], front: &[usize]) -> String {
    let costs = dots.iter().filter(|dot| dot.y.is_finite()).filter_map(|dot| match dot.x {
        AxisValue::Number(cost) => Some(cost),
        AxisValue::Category(_) => None,
    });
    let x = Scale::of_numbers(costs, labels.x_format, MARGIN);
    let y = metric_scale(labels, dots, &[]);
    let plot = Plot::new(x, y, 24.0);
    let format = metric_format(labels, dots);
    let (mut others, mut front_marks) = (group("others"), group("front"));
    let mut on_front: Vec<PlacedDot> = Vec::new();
    let mut is_empty = true;
    for (index, dot) in dots.iter().enumerate() {
        let Some(centre) = plot.point_of(&dot.x, dot.y) else { continue };
        is_empty = false;
        let mark = draw_dot(dot, centre, &plot, &format);
        if front.contains(&index) {
            front_marks = front_marks.add(mark);
            on_front.push((dot, centre));
        } else {
            others = others.add(mark);
        }
    }
    if is_empty {
        return empty_chart(labels, "fronts");
    }
    on_front.sort_by(|(_, left), (_, right)| {
        left.0.total_cmp(&right.0).then(right.1.total_cmp(&left.1))
    });
    let mut entries = Vec::new();
    let class = class_for_marks("fronts", dots.len());
    let mut chart = canvas(labels, &class, HEIGHT).add(plot.grid(labels));
    if on_front.len() > 1 {
        chart = chart.add(polyline("steps", steps(&on_front)));
        entries.push(LegendEntry::ParetoFront);
    }
    if on_front.iter().any(|(dot, _)| dot.best) {
        entries.push(LegendEntry::Best);
    }
    chart
        .add(others)
        .add(front_marks)
        .add(names(&on_front, &plot))
        .add(legend(&entries))
        .to_string()
}

/// A line in steps: the metric stays the same until the cost of the next dot.
fn steps(on_front: &[PlacedDot]) -> Vec<Point> {
    let mut steps: Vec<Point> = Vec::new();
    for (_, (x, y)) in on_front {
        if let Some((_, before)) = steps.last().copied() {
            steps.push((*x, before));
        }
        steps.push((*x, *y));
    }
    steps
}

/// Horizontal extent and baseline of a name.
struct NameBox {
    left: f64,
    right: f64,
    baseline: f64,
}

impl NameBox {
    fn overlaps(&self, other: &Self) -> bool {
        (self.baseline - other.baseline).abs() < LINE_HEIGHT
            && self.left <= other.right
            && other.left <= self.right
    }
}

/// Names of the dots on the front, on the side of the front without dots. A name that does not fit
/// is left out.
fn names(on_front: &[PlacedDot], plot: &Plot) -> Group {
    let ends = on_front.first().zip(on_front.last());
    let is_rising = ends.is_none_or(|((_, first), (_, last))| last.1 <= first.1);
    let mut names = group("names");
    let mut drawn: Vec<NameBox> = Vec::new();
    for (dot, (x, y)) in on_front {
        let name = sanitize(&dot.label, MAX_NAME);
        let width = text_width(&name);
        let right = (x - 4.0).max(plot.left + 6.0 + width);
        let baseline = if is_rising { y - 9.0 } else { y + 20.0 };
        let name_box = NameBox { left: right - width, right, baseline };
        let is_inside = baseline > plot.top - 12.0 && baseline < plot.bottom - 4.0;
        // A name that ends right of its dot must not cross the step to the next dot.
        let crosses_step =
            right > x + 4.0 && on_front.iter().any(|(_, (next, _))| next > x && *next <= right);
        if is_inside && !crosses_step && !drawn.iter().any(|other| name_box.overlaps(other)) {
            let name = text(right, baseline, "end label", &name);
            names = names.add(name.set("data-setting", dot.setting));
            drawn.push(name_box);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_right_before_they_go_up() {
        let dot = Dot::unlabelled(0.0, 0.0);
        let steps = steps(&[(&dot, (0.0, 9.0)), (&dot, (5.0, 3.0))]);
        assert_eq!(steps, [(0.0, 9.0), (5.0, 9.0), (5.0, 3.0)]);
    }
}
