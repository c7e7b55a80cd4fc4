//! Chooses the charts of a comparison and fills them with data.

mod charts;
mod confusion;
mod figure;
mod heat;
mod learning;
mod parallel;
mod scatter;

use super::details::Details;
use crate::comparison::Comparison;
use charts::{Charts, Measured};
use learning::learning_curves;

pub use confusion::confusion;
pub use figure::Figure;

/// The charts of `comparison`. All element ids begin with `id`.
pub fn figures(id: &str, comparison: &Comparison, details: &Details) -> Vec<Figure> {
    let mut figures: Vec<Figure> = details
        .curves
        .iter()
        .enumerate()
        .filter_map(|(n, curves)| learning_curves(&format!("{id}-curve{n}"), comparison, curves))
        .collect();
    let Some(metric) = comparison.ranking() else { return figures };
    let measured: Vec<Measured> = (0..)
        .zip(&comparison.settings)
        .filter_map(|(index, setting)| {
            Some(Measured { index, setting, statistic: setting.metric(&metric.name)? })
        })
        .collect();
    let chart = Charts { id, comparison, metric, measured: &measured };
    figures.extend((0..comparison.keys.len()).filter_map(|key| chart.against(key)));
    figures.extend(chart.front());
    figures.extend(chart.parallel());
    figures.extend(chart.heat());
    figures
}
