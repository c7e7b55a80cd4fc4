//! What each hyperparameter moves, all others averaged, and how much of the variance between runs is its.

use tracking::Value;

use crate::comparison::by_value;
use crate::observed::Observed;
use crate::statistics::Statistic;

/// The main effect of a hyperparameter on a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The hyperparameter.
    pub name: String,
    /// The metric over all runs that have this value, for each value, in the order of values.
    pub levels: Vec<(Value, Statistic)>,
    /// The greatest mean of a level minus the least.
    pub range: f64,
    /// η² = Σ n (mean of the level − mean)² / Σ (x − mean)²; absent where every run has a value of its own, which would explain
    /// anything.
    pub share: Option<f64>,
}

/// What moves a metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// Of each hyperparameter that varies, the one with the largest share first.
    pub of: Vec<Effect>,
    /// What is left for the hyperparameters' acting together. Known only where every combination has run as often as any
    /// other: elsewhere the shares overlap.
    pub rest: Option<f64>,
}

/// The effects of the hyperparameters `names` on `metric` over `runs`.
pub fn effects(runs: &[&Observed], names: &[String], metric: &str) -> Effects {
    let measured: Vec<(&Observed, f64)> = runs.iter().filter_map(|it| Some((*it, it.metric(metric)?))).collect();
    let Some(all) = Statistic::of(measured.iter().map(|(_, value)| *value).collect()) else {
        return Effects::default();
    };
    let mut of: Vec<Effect> = names.iter().filter_map(|name| effect(&measured, &all, name)).collect();
    // Stable: equal shares stay in the order of hyperparameters.
    of.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
    let combinations: usize = of.iter().map(|it| it.levels.len()).product();
    let balanced = combinations == measured.len()
        && of.iter().all(|it| it.levels.iter().all(|(_, level)| level.n == measured.len() / it.levels.len()));
    let shares: Option<f64> = of.iter().map(|it| it.share).sum();
    let rest = shares.filter(|_| balanced && of.len() > 1).map(|shares| (1.0 - shares).max(0.0));
    Effects { of, rest }
}

#[allow(clippy::cast_precision_loss, reason = "fewer than 2⁵² runs")]
fn effect(measured: &[(&Observed, f64)], all: &Statistic, name: &str) -> Option<Effect> {
    let mut valued: Vec<(&Value, f64)> =
        measured.iter().filter_map(|(it, value)| Some((it.run.param(name)?, *value))).collect();
    valued.sort_by(|a, b| by_value(Some(a.0), Some(b.0)).then(a.1.total_cmp(&b.1)));
    let same = |a: &(&Value, f64), b: &(&Value, f64)| a.0.total_cmp(b.0).is_eq();
    let level = |chunk: &[(&Value, f64)]| {
        let statistic = Statistic::of(chunk.iter().map(|(_, value)| *value).collect())?;
        Some((chunk[0].0.clone(), statistic))
    };
    let levels: Vec<(Value, Statistic)> = valued.chunk_by(same).filter_map(level).collect();
    if levels.len() < 2 {
        return None;
    }
    let means = || levels.iter().map(|(_, level)| level.mean);
    let range = means().fold(f64::NEG_INFINITY, f64::max) - means().fold(f64::INFINITY, f64::min);
    let between: f64 = levels.iter().map(|(_, level)| level.n as f64 * (level.mean - all.mean).powi(2)).sum();
    let total = all.deviation?.powi(2) * (all.n - 1) as f64;
    let telling = levels.len() < measured.len() && valued.len() == measured.len() && total > 0.0;
    Some(Effect { name: name.to_owned(), range, share: telling.then(|| (between / total).min(1.0)), levels })
}
