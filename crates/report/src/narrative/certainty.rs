//! Sentences about the certainty of the best setting: what is undecided and what is optimistic.

use analysis::runs::EpochChoice;

use super::phrases::{capitalised, repeated, setting_name};
use crate::comparison::{Comparison, Setting};
use crate::number_format::{self, difference, with_unit};
use crate::wording;

/// The number of replicates that would decide between the settings that may be the best.
pub fn undecided(comparison: &Comparison) -> Option<String> {
    let unit = comparison.ranking()?.unit;
    let Some(undecided) = comparison.undecided else {
        let candidates = comparison.candidates();
        let equal = candidates.len() > 1 && candidates.iter().all(|setting| setting.is_best);
        return equal.then(|| "Their means are equal.".to_owned());
    };
    let replicates =
        |n: usize| wording::replicates(n, comparison.replicate.as_deref().unwrap_or("run"));
    // Names of several hyperparameters contain commas.
    let name = |setting: &Setting| match setting_name(comparison, setting) {
        name if comparison.keys.len() > 1 => format!("({name})"),
        name => name,
    };
    let observed = difference(unit, undecided.observed);
    let seen = match number_format::is_zero(&observed) {
        true => "the one seen".to_owned(),
        false => format!("the {observed} seen"),
    };
    let needed = match undecided.needed {
        Some(needed) => format!("about {} would decide", replicates(needed)),
        None => format!("more than 1,000 {} may be needed to decide", repeated(comparison)),
    };
    let needed = format!(
        "{needed} between {} and {} if their true difference is {seen}",
        name(comparison.best()?),
        name(comparison.settings.get(undecided.rival)?)
    );
    let missed = if unit.largest().is_some_and(|largest| undecided.detectable >= largest) {
        "differences of any size are often missed".to_owned()
    } else {
        format!("differences under {} are often missed", difference(unit, undecided.detectable))
    };
    Some(format!("Undecided with {}: {missed}; {needed}.", replicates(undecided.n)))
}

/// Warns that choosing the best epoch favours long runs.
pub fn best_epoch(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking().filter(|_| comparison.epoch == EpochChoice::Best)?;
    Some(format!(
        "Each run counts at the epoch where its own {} is best: this is optimistic, more so for runs of more epochs.",
        wording::metric(&metric.name)
    ))
}

/// Warns that the best setting still improves at its last epoch.
pub fn still_improves(comparison: &Comparison, improvement: f64) -> Option<String> {
    let metric = comparison.ranking()?;
    Some(format!(
        "The {} of the best still improves at its last epoch, by {}: more epochs may change the order.",
        wording::metric(&metric.name),
        difference(metric.unit, improvement)
    ))
}

/// The reported metric of the chosen setting.
pub fn reported(comparison: &Comparison) -> Option<String> {
    let (best, name) = (comparison.best()?, comparison.reported_by.as_deref()?);
    let statistic = best.metric(name)?;
    let ranking = wording::metric(comparison.ranked_by.as_deref()?);
    let value = with_unit(comparison.unit(name), statistic.mean);
    let role = match comparison.reports_on_ranking_examples() {
        true => "comes from the examples that chose it and is optimistic",
        false => "estimates how good it is",
    };
    Some(capitalised(&format!(
        "{ranking} chooses; the {} of the choice, {value}, {role}.",
        wording::metric(name)
    )))
}

/// The estimated optimism of the best mean.
pub fn selection(comparison: &Comparison) -> Option<String> {
    let (best, metric) = (comparison.best()?, comparison.ranking()?);
    let unselected = comparison.unselected_mean.filter(|_| comparison.reported_by.is_none())?;
    let optimism = (best.level? - unselected).abs();
    let replicate = wording::replicate(comparison.replicate.as_deref());
    let shown = difference(metric.unit, optimism);
    (!number_format::is_zero(&shown)).then(|| {
        format!(
            "The mean of ★ is the {} of {} and optimistic by roughly {shown}: choosing without one {replicate} at a time and measuring on \
             that {replicate} gives {}.",
            if metric.is_minimized() { "lowest" } else { "highest" },
            comparison.settings.iter().filter(|setting| setting.level.is_some()).count(),
            with_unit(metric.unit, unselected)
        )
    })
}
