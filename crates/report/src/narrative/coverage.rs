//! Sentences about runs and settings that the comparison lacks.

use super::phrases::{averaged, listed, repeated, setting_name};
use crate::comparison::{Comparison, Promise, Setting};
use crate::wording;

/// Names the settings that could not be compared.
pub fn left_out(comparison: &Comparison) -> Option<String> {
    comparison.promise.filter(|promise| *promise == Promise::BestIsAmong)?;
    let outside = comparison
        .settings
        .iter()
        .filter(|setting| setting.level.is_some() && !setting.standing.compared);
    let names: Vec<String> = outside.map(|setting| setting_name(comparison, setting)).collect();
    let replicates = repeated(comparison);
    (!names.is_empty()).then(|| {
        format!(
            "Not compared (fewer than two {replicates} in common with any other setting): {}.",
            listed(&names)
        )
    })
}

/// Names the settings without the ranking metric.
pub fn without_result(comparison: &Comparison) -> Option<String> {
    if comparison.race.is_some() {
        return None;
    }
    let without = comparison.settings.iter().filter(|setting| setting.level.is_none());
    let names: Vec<String> =
        without.map(|setting| setting_name(comparison, setting) + &losses(setting)).collect();
    (comparison.ranking().is_some() && !names.is_empty())
        .then(|| format!("Without a result: {}.", listed(&names)))
}

/// The runs of a setting that ended without a result, in brackets: ` (3 diverged)`.
pub fn losses(setting: &Setting) -> String {
    let ended = setting.counts.unfinished().into_iter().filter(|(count, _)| *count > 0);
    let ended: Vec<String> = ended.map(|(count, word)| format!("{count} {word}")).collect();
    if ended.is_empty() { String::new() } else { format!(" ({})", ended.join(", ")) }
}

/// Reports cells that were left out because some setting lacks them.
pub fn common_cells(comparison: &Comparison) -> Option<String> {
    let [common, all] = comparison.cells.filter(|[common, _]| *common > 0)?;
    Some(format!(
        "The comparison uses only the values of {} that all settings share: {common} of {all}.",
        averaged(comparison)
    ))
}

/// Reports missing runs and the fit that replaces plain means.
pub fn missing_runs(comparison: &Comparison) -> Option<String> {
    let no_common_cells = comparison.cells.is_some_and(|[common, _]| common == 0);
    if !comparison.ranks_by_fit() || comparison.ranking().is_none() || no_common_cells {
        return None;
    }
    let (replicates, replicate) =
        (repeated(comparison), wording::replicate(comparison.replicate.as_deref()));
    let (missing, fitted) = match comparison.averaged.is_empty() {
        true => (replicates, replicate.clone()),
        false => ("runs".to_owned(), format!("{replicate} and {}", averaged(comparison))),
    };
    let unconnected = match comparison.connected {
        true => String::new(),
        false => format!(
            " Settings that share no {replicate} with others are ranked by the means of their own runs."
        ),
    };
    Some(format!(
        "Not all settings have the same {missing}: they are ranked by a least-squares fit of setting + {fitted}.{unconnected}"
    ))
}

/// Warns that a setting can look better than it is if its worst runs have no result.
pub fn survivors(comparison: &Comparison) -> Option<String> {
    let lost = |setting: &Setting| {
        setting.level.is_some()
            && (setting.unmeasured > 0 || setting.counts.diverged + setting.counts.failed > 0)
    };
    let replicates = repeated(comparison);
    let is_ranked = comparison.ranking().is_some() && comparison.race.is_none();
    (is_ranked && comparison.settings.iter().any(lost)).then(|| {
        format!("Runs without a result are left out: a setting that loses its worst {replicates} looks better than it is.")
    })
}
