//! The mark of one setting: its metric with a confidence interval.

use svg::node::element::{Group, Path};

use super::labels::Labels;
use super::number::RangeFormat;
use super::plot::{MARGIN, Plot};
use super::scale::{AxisValue, Scale};
use super::shapes::{Point, circle, group, path_data, star};
use super::text::{sanitize, tooltip};

/// A setting in a chart of dots.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Index of the setting, the attribute `data-setting`.
    pub setting: usize,
    /// Name of the setting.
    pub label: String,
    /// Value on the horizontal axis.
    pub x: AxisValue,
    /// The metric. A dot whose metric is not finite is not drawn.
    pub y: f64,
    /// Confidence interval of the metric, from low to high.
    pub interval: Option<(f64, f64)>,
    /// Whether this is the best setting, drawn as a star.
    pub best: bool,
}

#[cfg(test)]
impl Dot {
    /// A dot for tests that need only its coordinates.
    pub fn unlabelled(x: f64, y: f64) -> Self {
        let label = String::new();
        Self { setting: 0, label, x: AxisValue::Number(x), y, interval: None, best: false }
    }
}

/// A dot and the coordinates of its centre.
pub type PlacedDot<'a> = (&'a Dot, Point);

/// The vertical scale for `dots`, their intervals and the `level_means`.
pub fn metric_scale(labels: &Labels, dots: &[Dot], level_means: &[(AxisValue, f64)]) -> Scale {
    let values_of = |dot: &Dot| {
        [Some(dot.y), dot.interval.map(|(low, _)| low), dot.interval.map(|(_, high)| high)]
    };
    let drawn = dots.iter().filter(|dot| dot.y.is_finite());
    let means = level_means.iter().map(|(_, mean)| *mean);
    Scale::linear(drawn.flat_map(values_of).flatten().chain(means), labels.y_format, MARGIN)
}

/// The number format for the metric of `dots`.
pub fn metric_format(labels: &Labels, dots: &[Dot]) -> RangeFormat {
    labels.y_format.for_values(dots.iter().map(|dot| dot.y))
}

/// Draws `dot` at `centre`, with its interval beneath it and a tooltip.
pub fn draw_dot(dot: &Dot, centre: Point, plot: &Plot, format: &RangeFormat) -> Group {
    let interval = dot.interval.filter(|(low, high)| low.is_finite() && high.is_finite());
    let interval_text = interval.map_or_else(String::new, |(low, high)| {
        format!(" ({} to {})", format.format(low), format.format(high))
    });
    let label = sanitize(&dot.label, 80);
    let description = format!("{label}: {}{interval_text}", format.format(dot.y));
    let class = if dot.best { "dot best" } else { "dot" };
    let mut mark = group(class).set("data-setting", dot.setting).add(tooltip(&description));
    let ends = interval.and_then(|(low, high)| Some((plot.height(low)?, plot.height(high)?)));
    if let Some((low, high)) = ends {
        let bar = path_data([(centre.0, low), (centre.0, high)]);
        mark = mark.add(Path::new().set("d", bar));
    }
    if dot.best { mark.add(star(centre, 9.0)) } else { mark.add(circle(centre, 4.0)) }
}
