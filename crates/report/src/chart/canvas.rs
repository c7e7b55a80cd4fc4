//! The SVG document that a chart is drawn into.

use svg::Document;

use super::labels::Labels;
use super::shapes::{WIDTH, coordinate};
use super::text::{description, text, tooltip};

/// Most marks that are drawn at full strength.
const MAX_STRONG_MARKS: usize = 60;
/// Longest id, in characters.
const MAX_ID: usize = 64;

/// An SVG document of this `class` and `height`, with the title and description of `labels`.
pub fn canvas(labels: &Labels, class: &str, height: f64) -> Document {
    let is_safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let id: String = labels.id.chars().take(MAX_ID).map(is_safe).collect();
    Document::new()
        .set("class", format!("chart {class}"))
        .set("viewBox", format!("0 0 {} {}", coordinate(WIDTH), coordinate(height)))
        .set("role", "img")
        .set("aria-labelledby", format!("{id}-title {id}-description"))
        .add(tooltip(labels.title).set("id", format!("{id}-title")))
        .add(description(labels.description).set("id", format!("{id}-description")))
}

/// `class`, and `crowd` if the chart has many `marks`: the style then draws them fainter.
pub fn class_for_marks(class: &str, marks: usize) -> String {
    if marks > MAX_STRONG_MARKS { format!("{class} crowd") } else { class.to_owned() }
}

/// A chart without data.
pub fn empty_chart(labels: &Labels, class: &str) -> String {
    canvas(labels, class, 120.0)
        .add(text(WIDTH / 2.0, 64.0, "middle muted", "nothing to show yet"))
        .to_string()
}
