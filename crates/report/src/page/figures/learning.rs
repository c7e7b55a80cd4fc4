//! Learning curves.

use analysis::metric::Unit;
use analysis::statistics::Statistic;
use tracking::ValidationSet;

use super::figure::{Figure, format_of};
use crate::chart::{self, CurvePoint, Labels, LearningCurve, NumberFormat};
use crate::comparison::{Comparison, Setting};
use crate::narrative;
use crate::page::details::{Curve, RUNS};
use crate::wording;

/// The maximum number of points of a learning curve.
const POINTS: usize = 200;

/// A metric over the epochs. If the test set is the validation, the chart calls `val_…` `test_…`.
pub fn learning_curves(
    id: &str,
    comparison: &Comparison,
    (metric, curves): &(String, Vec<Curve>),
) -> Option<Figure> {
    let on_test =
        metric.strip_prefix("val_").filter(|_| comparison.validation == ValidationSet::Test);
    let name = on_test
        .map_or_else(|| wording::metric(metric), |rest| wording::metric(&format!("test_{rest}")));
    let point = |(epoch, statistic): &(u32, Statistic)| CurvePoint {
        x: f64::from(*epoch),
        y: statistic.mean,
        band: statistic
            .deviation
            .map(|deviation| (statistic.mean - deviation, statistic.mean + deviation)),
    };
    let drawn_settings: Vec<&Setting> =
        curves.iter().map(|curve| &comparison.settings[curve.setting]).collect();
    let (names, named_by) = short_names(comparison, &drawn_settings);
    let curve = |(curve, name): (&Curve, String)| LearningCurve {
        setting: curve.setting,
        label: name,
        points: thinned(&curve.points).map(point).collect(),
    };
    let drawn: Vec<LearningCurve> = curves.iter().zip(names).map(curve).collect();
    let title = format!("{name} after each epoch");
    let largest = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|(_, mean)| mean.mean.abs())
        .fold(0.0, f64::max);
    let labels = Labels {
        id,
        title: &title,
        description: "One line per setting: the mean over its runs, the band one standard deviation to either side.",
        x: "epoch",
        y: &name,
        x_format: NumberFormat::Number,
        y_format: format_of(Unit::of(metric, largest)),
    };
    let mut note = match comparison.settings.len() {
        all if all > drawn.len() => {
            format!("the best {} of {all} settings; band: ± standard deviation", drawn.len())
        }
        _ => "band: ± standard deviation between runs".to_owned(),
    };
    if comparison.settings.iter().take(drawn.len()).any(|setting| setting.finished.len() > RUNS) {
        note += &format!(", {RUNS} runs of each");
    }
    note += &named_by;
    let longest = drawn.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
    (longest > 1).then(|| Figure {
        svg: chart::learning_curves(&labels, &drawn),
        title: title.clone(),
        note,
    })
}

/// Short names of settings, which fit beside the ends of the curves: the hyperparameters that
/// differ between them, or, if these are too long, the values only. In that case the second text
/// names the hyperparameters.
fn short_names(comparison: &Comparison, settings: &[&Setting]) -> (Vec<String>, String) {
    /// The maximum number of characters of a name.
    const LONGEST_CURVE_NAME: usize = 21;
    let differs = |key: &usize| {
        settings.iter().any(|setting| setting.values[*key] != settings[0].values[*key])
    };
    let keys: Vec<usize> = (0..comparison.keys.len()).filter(differs).collect();
    if keys.is_empty() {
        return (
            settings.iter().map(|setting| narrative::setting_name(comparison, setting)).collect(),
            String::new(),
        );
    }
    let value = |setting: &Setting, key: usize| {
        setting.values[key].as_ref().map_or_else(|| "—".to_owned(), wording::value)
    };
    let title = |key: &usize| wording::key(&comparison.keys[*key]);
    let full = |setting: &&Setting| {
        let parts: Vec<String> =
            keys.iter().map(|key| format!("{} {}", title(key), value(setting, *key))).collect();
        parts.join(", ")
    };
    let names: Vec<String> = settings.iter().map(full).collect();
    if names.iter().all(|name| name.chars().count() <= LONGEST_CURVE_NAME) {
        return (names, String::new());
    }
    let values = |setting: &&Setting| {
        keys.iter().map(|key| value(setting, *key)).collect::<Vec<_>>().join(" · ")
    };
    let titles: Vec<String> = keys.iter().map(title).collect();
    (settings.iter().map(values).collect(), format!("; named by {}", titles.join(" · ")))
}

/// At most [`POINTS`] points at equal steps; the last one is included.
fn thinned(points: &[(u32, Statistic)]) -> impl Iterator<Item = &(u32, Statistic)> {
    let step = points.len().div_ceil(POINTS).max(1);
    points.iter().rev().step_by(step).rev()
}
