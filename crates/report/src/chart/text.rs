//! Text in a chart: its width, its truncation, and SVG elements that hold it.
//!
//! Text from the store is untrusted: pass it through [`sanitize`] or [`fit_text`] first.

use svg::node::element::{Description, Text, Title};
use unicode_width::UnicodeWidthStr;

use super::shapes::{WIDTH, coordinate};
use crate::wording::truncated;

/// Width of one column of text in a wide font, in units of the view box.
const COLUMN_WIDTH: f64 = 7.6;
/// Longest tooltip, in columns of text.
const MAX_TOOLTIP: usize = 120;
/// Longest description, in columns of text.
const MAX_DESCRIPTION: usize = 600;
/// Longest distance that [`centred_text`] shifts a text to keep it inside the chart.
const MAX_SHIFT: f64 = 10.0;

/// Makes untrusted text safe to show: makes control characters visible, replaces characters that
/// XML does not allow, and truncates to `columns`.
pub fn sanitize(text: &str, columns: usize) -> String {
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    truncated(&tracking::printable(&text), columns).into_owned()
}

/// Width of `text`, in units of the view box.
#[allow(clippy::cast_precision_loss, reason = "short")]
pub fn text_width(text: &str) -> f64 {
    text.width() as f64 * COLUMN_WIDTH
}

/// Width of the widest of `texts`, at least `minimum`.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, minimum: f64) -> f64 {
    texts.into_iter().map(text_width).fold(minimum, f64::max)
}

/// Sanitizes untrusted `text` and truncates it to `width` units.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn fit_text(text: &str, width: f64) -> String {
    sanitize(text, (width / COLUMN_WIDTH).clamp(1.0, 80.0) as usize)
}

/// A text element with its baseline at `y`.
pub fn text(x: f64, y: f64, class: &str, content: &str) -> Text {
    Text::new(content).set("x", coordinate(x)).set("y", coordinate(y)).set("class", class)
}

/// A text centred at `x`, shifted slightly if it would leave the chart. `None` if the shift would
/// be too long.
pub fn centred_text(x: f64, y: f64, content: &str) -> Option<Text> {
    let half = (text_width(content) / 2.0).min(WIDTH / 2.0);
    let shifted = x.clamp(half, WIDTH - half);
    ((shifted - x).abs() <= MAX_SHIFT).then(|| text(shifted, y, "middle muted", content))
}

/// The tooltip of the element that contains it.
pub fn tooltip(content: &str) -> Title {
    Title::new(sanitize(content, MAX_TOOLTIP))
}

/// The description of a chart, for screen readers.
pub fn description(content: &str) -> Description {
    Description::new().add(svg::node::Text::new(sanitize(content, MAX_DESCRIPTION)))
}
