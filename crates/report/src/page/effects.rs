//! The main effects of the hyperparameters.

use analysis::effects::Effect;
use analysis::statistics::Statistic;
use serde::Serialize;
use tracking::Value;

use crate::comparison::Comparison;
use crate::narrative;
use crate::number_format;
use crate::wording;

/// The main effects.
#[derive(Debug, Serialize)]
pub struct Effects {
    pub metric: String,
    pub rows: Vec<EffectRow>,
    pub note: Option<String>,
}

/// The effect of one hyperparameter.
#[derive(Debug, Serialize)]
pub struct EffectRow {
    pub name: String,
    pub range: String,
    pub share: String,
    pub levels: String,
}

/// The main effects, if the comparison has any. None in a race: results decided which runs exist.
pub fn effects(comparison: &Comparison) -> Option<Effects> {
    /// The maximum number of values whose means a row lists.
    const LEVELS: usize = 12;
    let metric = comparison.ranking().filter(|_| !comparison.is_raced())?;
    let row = |effect: &Effect| {
        let level = |(value, statistic): &(Value, Option<Statistic>)| {
            let mean = statistic.map_or_else(
                || "—".to_owned(),
                |mean| number_format::with_unit(metric.unit, mean.mean),
            );
            format!("{}: {mean}", wording::value(value))
        };
        let mut levels: Vec<String> = effect.levels.iter().take(LEVELS).map(level).collect();
        if effect.levels.len() > LEVELS {
            levels.push(format!("and {} more", effect.levels.len() - LEVELS));
        }
        let none = || "—".to_owned();
        EffectRow {
            name: wording::key(&effect.name),
            range: effect
                .range
                .map_or_else(none, |range| number_format::difference(metric.unit, range)),
            share: effect.share.map_or_else(none, number_format::percent),
            levels: levels.join(" · "),
        }
    };
    let effects = &comparison.effects;
    let rows: Vec<EffectRow> = effects.main.iter().map(row).collect();
    let rest = effects.rest.map(|rest| {
        let one = wording::replicate(comparison.replicate.as_deref());
        let part = |name: &str, share: Option<f64>| {
            share.map(|share| format!("{name} {}", number_format::percent(share)))
        };
        let parts = [
            part("interaction of these", rest.interaction),
            part(&one, rest.replicate),
            part("noise", Some(rest.noise)),
        ];
        format!(
            "The rest of the variance: {}.",
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    });
    let unbalanced = "Not every combination has run: each row compares runs that differ in nothing else; without such runs it is empty.";
    let warning = narrative::interaction(effects).map_or_else(String::new, |text| text + " ");
    let note = match rest {
        Some(rest) => Some(warning + &rest),
        None => (!effects.balanced).then(|| unbalanced.to_owned()),
    };
    (!rows.is_empty()).then(|| Effects { metric: wording::metric(&metric.name), rows, note })
}
