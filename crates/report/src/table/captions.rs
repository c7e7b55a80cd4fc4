//! Text above and below a table.

use analysis::runs::EpochChoice;
use tracking::{RaceRules, ValidationSet, printable};

use super::comparison_table::Table;
use crate::comparison::{Comparison, RaceState, StatusCounts};
use crate::narrative;
use crate::wording;

impl Table {
    /// Phrases above the table: the dataset, the constants, the runs and the ranking.
    pub fn facts(&self) -> Vec<String> {
        let comparison = &self.comparison;
        let digest = self.digest.as_ref().map_or_else(String::new, |digest| format!(" ({digest})"));
        let mut facts = vec![printable(&comparison.datasets.join(" = ")).into_owned() + &digest];
        let replicate = |name: &str| comparison.replicate.as_deref() == Some(name);
        let constants = comparison.constants.iter().filter(|(name, _)| !replicate(name));
        facts.extend(constants.map(|(name, value)| wording::constant(name, value)));
        facts.extend(replicates(comparison));
        facts.extend(comparison.race.iter().flat_map(|race| rules(comparison, race)));
        if comparison.computed.len() > 1 {
            facts.push(printable(&comparison.computed.join(" and ")).into_owned());
        }
        facts.push(runs(&comparison.counts));
        if !comparison.averaged.is_empty() {
            let averaged: Vec<String> =
                comparison.averaged.iter().map(|name| wording::key(name)).collect();
            facts.push(format!("averaged over {}", averaged.join(", ")));
        }
        facts.extend(match comparison.epoch {
            EpochChoice::Last => None,
            EpochChoice::Best => Some("each run at its best epoch".to_owned()),
            EpochChoice::Epoch(epoch) => Some(format!("after epoch {epoch}")),
        });
        facts.extend(ranking_fact(comparison));
        facts.retain(|fact| !fact.is_empty());
        facts
    }

    /// Sentences below the table: the findings, and the runs of older code.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.findings();
        notes.extend(self.left_out.clone());
        notes
    }

    /// Sentences about the comparison: the answer, warnings and the background.
    pub fn findings(&self) -> Vec<String> {
        let mut notes = narrative::answer(&self.comparison);
        notes.extend(self.warnings.iter().cloned());
        notes.extend(narrative::background(&self.comparison));
        notes
    }

    /// Warns that another dataset replaced the requested one.
    pub fn warning(&self) -> Option<String> {
        let comparison = &self.comparison;
        comparison.fallback_for.as_ref().map(|wanted| {
            let text = format!(
                "{}, in place of {wanted}, which was unavailable",
                comparison.datasets.join(" = ")
            );
            printable(&text).into_owned()
        })
    }
}

/// The number of replicates, such as `3 seeds`, or the only one, such as `seed 0`.
fn replicates(comparison: &Comparison) -> Option<String> {
    let name = comparison.replicate.as_deref()?;
    if let Some((_, value)) = comparison.constants.iter().find(|(constant, _)| constant == name) {
        return Some(format!("{} {}", wording::key(name), wording::value(value)));
    }
    if let Some(race) = &comparison.race {
        let looks: Vec<String> = race.rules.looks().iter().map(ToString::to_string).collect();
        return Some(format!("race at {} {}", looks.join(", "), wording::repeated(Some(name))));
    }
    (comparison.replicates > 0).then(|| {
        let replicates = wording::replicates(comparison.replicates, name);
        if comparison.complete {
            replicates
        } else {
            format!("{replicates}, not all of them in every setting")
        }
    })
}

/// The rules of a race besides its looks, if they are not the default ones.
fn rules(comparison: &Comparison, race: &RaceState) -> Vec<String> {
    let is_default = race.rules.confidence() == RaceRules::DEFAULT_CONFIDENCE;
    let confidence = (!is_default).then(|| format!("confidence {}", race.rules.percent()));
    let indifference = narrative::indifference(comparison, race);
    let indifference = indifference.map(|width| format!("indifference {width}"));
    confidence.into_iter().chain(indifference).collect()
}

/// `63 runs, none failed` or `63 runs, 2 diverged`.
fn runs(counts: &StatusCounts) -> String {
    let ended: Vec<String> = counts
        .unfinished()
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    let ended = if ended.is_empty() { ", none failed".to_owned() } else { ended.concat() };
    wording::count(counts.total(), "run") + &ended
}

fn ranking_fact(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking()?;
    let held_out = match &comparison.validation {
        ValidationSet::HeldOut(fraction) => {
            format!(" ({} of the training set held out, stratified)", printable(fraction))
        }
        ValidationSet::Test | ValidationSet::NotStated => String::new(),
    };
    let ranked = match metric.name.as_str() {
        "test_accuracy" => "ranked on the test set (optimistic)".to_owned(),
        "val_accuracy" if comparison.validation != ValidationSet::Test => {
            format!("ranked on validation{held_out}")
        }
        "val_loss" if comparison.validation != ValidationSet::Test => {
            format!("ranked by validation loss{held_out}")
        }
        name if comparison.is_optimistic() => {
            format!("ranked by {} on the test set (optimistic)", wording::metric(name))
        }
        name => format!("ranked by {}", wording::metric(name)),
    };
    Some(if metric.is_minimized() { format!("{ranked}, lower is better") } else { ranked })
}
