//! A dot: a setting's metric, with its interval.

use svg::node::element::{Group, Path};

use super::Labels;
use super::number::Notation;
use super::plot::{MARGIN, Plot};
use super::scale::{Place, Scale};
use super::sheet::{circle, clean, course, group, hint, star};

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// `data-setting` of what is drawn.
    pub setting: usize,
    /// Its name.
    pub label: String,
    /// Across.
    pub x: Place,
    /// Up; what is no number is left out.
    pub y: f64,
    /// Its uncertainty, from low to high.
    pub interval: Option<(f64, f64)>,
    /// Drawn as a star.
    pub best: bool,
}

/// The scale of the metric.
pub fn upward(labels: &Labels, dots: &[Dot], means: &[(Place, f64)]) -> Scale {
    let ends = |dot: &Dot| [Some(dot.y), dot.interval.map(|it| it.0), dot.interval.map(|it| it.1)];
    let kept = dots.iter().filter(|it| it.y.is_finite());
    let values = kept.flat_map(ends).flatten().chain(means.iter().map(|it| it.1));
    Scale::linear(values, labels.y_format, MARGIN)
}

/// How the metric of `dots` is written.
pub fn notation(labels: &Labels, dots: &[Dot]) -> Notation {
    let values = dots.iter().map(|it| it.y).filter(|it| it.is_finite());
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it), high.max(it)));
    labels.y_format.between(low, high)
}

/// A dot, its interval beneath it, and what they say.
pub fn drawn(dot: &Dot, at: (f64, f64), plot: &Plot, y: &Scale, notation: &Notation) -> Group {
    let span = |it: (f64, f64)| format!(" ({} to {})", notation.text(it.0), notation.text(it.1));
    let finite = dot.interval.filter(|it| it.0.is_finite() && it.1.is_finite());
    let interval = finite.map_or_else(String::new, span);
    let words = format!("{}: {}{interval}", clean(&dot.label, 80), notation.text(dot.y));
    let class = if dot.best { "dot best" } else { "dot" };
    let mut drawn = group(class).set("data-setting", dot.setting).add(hint(&words));
    if let Some((low, high)) = finite.and_then(|it| Some((y.at(it.0)?, y.at(it.1)?))) {
        let course = course([(at.0, plot.y(low)), (at.0, plot.y(high))]);
        drawn = drawn.add(Path::new().set("d", course));
    }
    if dot.best { drawn.add(star(at, 9.0)) } else { drawn.add(circle(at, 4.0)) }
}
