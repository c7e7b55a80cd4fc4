//! The sheet that a chart is drawn on: its frame, its words, its marks. All text of others passes through `clean`.

use std::fmt::Write as _;

use svg::Document;
use svg::node::element::{Circle, Description, Group, Line, Path, Rectangle, Text, Title};
use unicode_width::UnicodeWidthStr;

use super::Labels;
use crate::wording::truncated;

/// Width of every chart, in units of its view box; its text is 13 of them high.
pub const WIDTH: f64 = 640.0;
/// Steps of the sequential colours: classes `q0` to `q8`, `m0` to `m8`, `l0` to `l8`.
pub const STEPS: usize = 9;

/// Width of one column of text: what a wide font needs.
const COLUMN: f64 = 7.6;
/// Most marks that are drawn in full strength.
const CROWD: usize = 60;
/// Longest text that shows where the pointer is, and longest description.
const LONGEST_HINT: usize = 120;
const LONGEST_DESCRIPTION: usize = 600;

/// An empty chart of a `kind`, so high.
pub fn sheet(labels: &Labels, kind: &str, height: f64) -> Document {
    let id: String = labels
        .id
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Document::new()
        .set("class", format!("chart {kind}"))
        .set("viewBox", format!("0 0 {} {}", px(WIDTH), px(height)))
        .set("role", "img")
        .set("aria-labelledby", format!("{id}-title {id}-description"))
        .add(hint(labels.title).set("id", format!("{id}-title")))
        .add(description(labels.description).set("id", format!("{id}-description")))
}

/// The kind of a chart of so many marks: from here on they are fainter, so that a crowd stays legible.
pub fn crowded(kind: &str, marks: usize) -> String {
    if marks > CROWD { format!("{kind} crowd") } else { kind.to_owned() }
}

/// A chart of nothing.
pub fn nothing(labels: &Labels, kind: &str) -> String {
    sheet(labels, kind, 120.0)
        .add(text(WIDTH / 2.0, 64.0, "middle muted", "nothing to show yet"))
        .to_string()
}

/// A coordinate.
pub fn px(value: f64) -> String {
    let rounded = (10.0 * value).round() / 10.0;
    if rounded.is_finite() { (rounded + 0.0).to_string() } else { "0".to_owned() }
}

/// Text of others, safe to show: controls visible, characters that XML lacks replaced, no longer than `columns`.
pub fn clean(text: &str, columns: usize) -> String {
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    truncated(&tracking::printable(&text), columns).into_owned()
}

/// Room that `text` takes.
#[allow(clippy::cast_precision_loss, reason = "short")]
pub fn room(text: &str) -> f64 {
    text.width() as f64 * COLUMN
}

/// `text` as far as it fits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn fitted(text: &str, width: f64) -> String {
    clean(text, (width / COLUMN).clamp(1.0, 80.0) as usize)
}

/// The step of `share`, from 0 to 1, among the sequential colours.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped"
)]
pub fn step(share: f64) -> usize {
    let top = (STEPS - 1) as f64;
    if share.is_nan() { 0 } else { (share * top).round().clamp(0.0, top) as usize }
}

/// Words, as they are.
pub fn text(x: f64, y: f64, class: &str, words: &str) -> Text {
    Text::new(words).set("x", px(x)).set("y", px(y)).set("class", class)
}

/// Words around `x`, if they stay on the sheet where they are or nearly so.
pub fn centred(x: f64, y: f64, words: &str) -> Option<Text> {
    let half = (room(words) / 2.0).min(WIDTH / 2.0);
    let moved = x.clamp(half, WIDTH - half);
    ((moved - x).abs() <= 10.0).then(|| text(moved, y, "middle muted", words))
}

/// What shows where the pointer rests on something.
pub fn hint(words: &str) -> Title {
    Title::new(clean(words, LONGEST_HINT))
}

fn description(words: &str) -> Description {
    Description::new().add(svg::node::Text::new(clean(words, LONGEST_DESCRIPTION)))
}

/// A group of a class.
pub fn group(class: &str) -> Group {
    Group::new().set("class", class)
}

/// A straight line.
pub fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Line {
    let line = Line::new().set("class", class);
    line.set("x1", px(from.0)).set("y1", px(from.1)).set("x2", px(to.0)).set("y2", px(to.1))
}

/// A rectangle.
pub fn rectangle(class: &str, corner: (f64, f64), size: (f64, f64)) -> Rectangle {
    let rectangle =
        Rectangle::new().set("class", class).set("x", px(corner.0)).set("y", px(corner.1));
    rectangle.set("width", px(size.0)).set("height", px(size.1))
}

/// A disc.
pub fn circle(middle: (f64, f64), radius: f64) -> Circle {
    Circle::new().set("cx", px(middle.0)).set("cy", px(middle.1)).set("r", px(radius))
}

/// A line through points.
pub fn path(class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Path {
    Path::new().set("class", class).set("d", course(points))
}

/// The shape within points.
pub fn shape(class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Path {
    Path::new().set("class", class).set("d", course(points) + "Z")
}

/// `M1 2L3 4…`
pub fn course(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut course = String::new();
    for (x, y) in points {
        let command = if course.is_empty() { 'M' } else { 'L' };
        let _ = write!(course, "{command}{} {}", px(x), px(y));
    }
    course
}

/// ★, for the best.
pub fn star(middle: (f64, f64), radius: f64) -> Path {
    let corner = |index: u32| {
        let angle = std::f64::consts::PI * (f64::from(index) / 5.0 - 0.5);
        let radius = if index.is_multiple_of(2) { radius } else { 0.45 * radius };
        (middle.0 + radius * angle.cos(), middle.1 + radius * angle.sin())
    };
    shape("star", (0..10).map(corner))
}
