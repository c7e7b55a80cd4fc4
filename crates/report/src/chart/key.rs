//! What the marks and colours of a chart mean, at its upper right.

use svg::node::element::Group;

use super::sheet::{STEPS, WIDTH, group, line, rectangle, room, star, text};

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A line of level means.
    Line,
    /// The best.
    Star,
    /// The front.
    Steps,
}

/// The signs and their meanings, at the upper right.
pub fn key(signs: &[Sign]) -> Group {
    let mut key = group("key");
    let mut right = WIDTH - 16.0;
    for sign in signs.iter().rev() {
        let words = match sign {
            Sign::Line => "mean of the level",
            Sign::Star => "best",
            Sign::Steps => "no other is better in both",
        };
        let left = right - room(words) - 30.0;
        key = match sign {
            Sign::Star => key.add(group("dot best").add(star((left + 13.0, 9.5), 8.0))),
            Sign::Line => key.add(line("means", (left, 9.5), (left + 22.0, 9.5))),
            Sign::Steps => key.add(line("steps", (left, 9.5), (left + 22.0, 9.5))),
        };
        key = key.add(text(left + 28.0, 14.0, "muted", words));
        right = left - 12.0;
    }
    key
}

/// A ramp of colours between the words for its ends, so that it ends at `right`. Returns where it begins.
#[allow(clippy::cast_precision_loss, reason = "few")]
pub fn ramp(class: char, low: &str, high: &str, right: f64) -> (Group, f64) {
    let width = 14.0;
    let start = right - room(high) - 6.0 - width * STEPS as f64;
    let mut ramp = group("key");
    for step in 0..STEPS {
        let corner = (start + width * step as f64, 4.0);
        ramp = ramp.add(rectangle(&format!("{class}{step}"), corner, (width, 12.0)));
    }
    let ramp = ramp
        .add(rectangle("frame", (start, 4.0), (width * STEPS as f64, 12.0)))
        .add(text(start - 6.0, 14.0, "end muted", low))
        .add(text(right, 14.0, "end muted", high));
    (ramp, start - 6.0 - room(low))
}
