//! Legend at the upper right of a chart: marks and colours with their meanings.

use svg::node::element::Group;

use super::colour::STEPS;
use super::shapes::{WIDTH, group, line, rectangle, star};
use super::text::{text, text_width};

/// A mark with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegendEntry {
    /// The line through the means of the levels.
    LevelMeans,
    /// The star of the best setting.
    Best,
    /// The line along the Pareto front.
    ParetoFront,
}

/// The legend of `entries`, aligned to the right.
pub fn legend(entries: &[LegendEntry]) -> Group {
    let mut legend = group("key");
    let mut right = WIDTH - 16.0;
    for entry in entries.iter().rev() {
        let meaning = match entry {
            LegendEntry::LevelMeans => "mean of the level",
            LegendEntry::Best => "best",
            LegendEntry::ParetoFront => "no other is better in both",
        };
        let left = right - text_width(meaning) - 30.0;
        let (start, end) = ((left, 9.5), (left + 22.0, 9.5));
        legend = match entry {
            LegendEntry::Best => legend.add(group("dot best").add(star((left + 13.0, 9.5), 8.0))),
            LegendEntry::LevelMeans => legend.add(line("means", start, end)),
            LegendEntry::ParetoFront => legend.add(line("steps", start, end)),
        };
        legend = legend.add(text(left + 28.0, 14.0, "muted", meaning));
        right = left - 12.0;
    }
    legend
}

/// The ramp of a sequential colour, with the text `low` on its left and `high` on its right. The
/// text ends at `right`. Returns the ramp and the coordinate where its text starts.
#[allow(clippy::cast_precision_loss, reason = "few steps")]
pub fn colour_ramp(class: char, low: &str, high: &str, right: f64) -> (Group, f64) {
    let width = 14.0;
    let start = right - text_width(high) - 6.0 - width * STEPS as f64;
    let mut ramp = group("key");
    for step in 0..STEPS {
        let corner = (start + width * step as f64, 4.0);
        ramp = ramp.add(rectangle(&format!("{class}{step}"), corner, (width, 12.0)));
    }
    let ramp = ramp
        .add(rectangle("frame", (start, 4.0), (width * STEPS as f64, 12.0)))
        .add(text(start - 6.0, 14.0, "end muted", low))
        .add(text(right, 14.0, "end muted", high));
    (ramp, start - 6.0 - text_width(low))
}
