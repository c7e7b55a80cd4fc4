//! SVG shapes in the coordinates of a chart.

use std::fmt::Write as _;

use svg::node::element::{Circle, Group, Line, Path, Rectangle};

/// Width of every chart, in units of its view box.
pub const WIDTH: f64 = 640.0;

/// Horizontal and vertical coordinate, from the upper left corner, in units of the view box.
pub type Point = (f64, f64);

/// A coordinate as an SVG attribute, rounded to a tenth of a unit.
pub fn coordinate(value: f64) -> String {
    let rounded = (10.0 * value).round() / 10.0;
    // Adding zero turns -0 into 0.
    if rounded.is_finite() { (rounded + 0.0).to_string() } else { "0".to_owned() }
}

/// An empty group.
pub fn group(class: &str) -> Group {
    Group::new().set("class", class)
}

/// A straight line.
pub fn line(class: &str, from: Point, to: Point) -> Line {
    Line::new()
        .set("class", class)
        .set("x1", coordinate(from.0))
        .set("y1", coordinate(from.1))
        .set("x2", coordinate(to.0))
        .set("y2", coordinate(to.1))
}

/// A rectangle with its upper left `corner` and its `size` (width, height).
pub fn rectangle(class: &str, corner: Point, size: (f64, f64)) -> Rectangle {
    Rectangle::new()
        .set("class", class)
        .set("x", coordinate(corner.0))
        .set("y", coordinate(corner.1))
        .set("width", coordinate(size.0))
        .set("height", coordinate(size.1))
}

/// A filled circle.
pub fn circle(centre: Point, radius: f64) -> Circle {
    Circle::new()
        .set("cx", coordinate(centre.0))
        .set("cy", coordinate(centre.1))
        .set("r", coordinate(radius))
}

/// A line through `points`.
pub fn polyline(class: &str, points: impl IntoIterator<Item = Point>) -> Path {
    Path::new().set("class", class).set("d", path_data(points))
}

/// A closed shape with corners at `points`.
pub fn polygon(class: &str, points: impl IntoIterator<Item = Point>) -> Path {
    Path::new().set("class", class).set("d", path_data(points) + "Z")
}

/// The `d` attribute of a path through `points`: `M1 2L3 4…`.
pub fn path_data(points: impl IntoIterator<Item = Point>) -> String {
    let mut data = String::new();
    for (x, y) in points {
        let command = if data.is_empty() { 'M' } else { 'L' };
        let _ = write!(data, "{command}{} {}", coordinate(x), coordinate(y));
    }
    data
}

/// A five-pointed star, the mark of the best setting.
pub fn star(centre: Point, radius: f64) -> Path {
    let corner = |index: u32| {
        let angle = std::f64::consts::PI * (f64::from(index) / 5.0 - 0.5);
        let radius = if index.is_multiple_of(2) { radius } else { 0.45 * radius };
        (centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin())
    };
    polygon("star", (0..10).map(corner))
}
