//! The main sentence: which setting is the best, or why none can be named.

use analysis::metric::Metric;
use analysis::runs::EpochChoice;
use tracking::metric;

use super::phrases::{averaged, capitalised, listed, repeated, setting_name};
use super::race;
use crate::comparison::{Comparison, Promise, Setting};

/// The main sentence; `None` if no setting has a result.
pub fn verdict(comparison: &Comparison) -> Option<String> {
    let race = || comparison.race.as_ref().map(|race| race::verdict(comparison, race));
    if comparison.ranking().is_none() {
        return unranked(comparison).or_else(race);
    }
    if let Some(sentence) = race() {
        return Some(sentence);
    }
    let measured: Vec<&Setting> =
        comparison.settings.iter().filter(|setting| setting.level.is_some()).collect();
    match (comparison.promise, measured.as_slice()) {
        (_, []) => None,
        (_, [only]) if comparison.settings.len() > 1 => Some(format!(
            "Only {} has a result: there is nothing to compare.",
            setting_name(comparison, only)
        )),
        (_, [only]) => {
            (only.n == 1).then(|| "With one run, no difference can be tested.".to_owned())
        }
        (None | Some(Promise::BestIsInRace), _) => Some(untested(comparison)),
        (Some(Promise::Against(_)), _) => against(comparison),
        (Some(Promise::BestIsAmong), _) => Some(among(comparison)),
    }
}

/// The reason why no metric ranks.
fn unranked(comparison: &Comparison) -> Option<String> {
    let finished = comparison.counts.finished;
    let has_no_metric =
        comparison.metrics.iter().all(|metric| metric::is_bookkeeping(&metric.name));
    match comparison.epoch {
        EpochChoice::Epoch(epoch) if finished > 0 && has_no_metric => {
            return Some(format!("No finished run has an epoch {epoch}."));
        }
        EpochChoice::Best if finished > 0 => {
            return Some(
                "No metric by epoch chooses the best epoch: name one with --minimize NAME or --maximize NAME."
                    .to_owned(),
            );
        }
        _ => {}
    }
    let metrics: Vec<&Metric> =
        comparison.metrics.iter().filter(|metric| !metric::is_bookkeeping(&metric.name)).collect();
    if metrics
        .iter()
        .any(|metric| metric.direction.is_some() && !metric::is_of_training(&metric.name))
    {
        return Some("No finished run here has the ranking metric.".to_owned());
    }
    if let Some(metric) = metrics.iter().find(|metric| metric.direction.is_none()) {
        let name = tracking::printable(&metric.name);
        return Some(format!(
            "Direction of `{name}` unknown: use --minimize {name} or --maximize {name}."
        ));
    }
    let training: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    let reason = match training.as_slice() {
        [] => return None,
        [only] => format!("{only} is a training metric"),
        several => format!("{} are training metrics", several.join(", ")),
    };
    Some(format!("No metric ranks by default: {reason}. Use --sort NAME to rank by one."))
}

/// The reason why nothing could be tested.
fn untested(comparison: &Comparison) -> String {
    let replicates = repeated(comparison);
    let measured = || comparison.settings.iter().filter(|setting| setting.level.is_some());
    if comparison.settings.iter().any(|setting| setting.standing.compared) {
        return format!(
            "No best can be named: every setting is beaten by another on the {replicates} that the two share. \
             Give all settings the same {replicates}."
        );
    }
    let why = if let Some(options) = &comparison.beyond_race {
        race::beyond(comparison, options)
    } else if comparison.replicate.is_none() {
        "No hyperparameter repeats a setting: run several seeds, or name one with --replicate"
            .to_owned()
    } else if comparison.cells.is_some_and(|[common, _]| common == 0) {
        format!("No value of {} is in every setting", averaged(comparison))
    } else if measured().all(|setting| setting.n < 2) {
        format!("No setting has two {replicates}")
    } else if !comparison.overlapping {
        format!("No two settings have two {replicates} in common: give all the same {replicates}")
    } else {
        format!(
            "Each difference is the same on all {replicates}, which rounding may explain: more {replicates} may show more"
        )
    };
    format!("Nothing is tested; the order may be chance. {why}.")
}

/// Names the settings that may be the best.
fn among(comparison: &Comparison) -> String {
    let (candidates, compared) = (comparison.candidates(), comparison.compared());
    let names: Vec<String> =
        candidates.iter().map(|setting| setting_name(comparison, setting)).collect();
    if comparison.is_open() {
        let extreme = if comparison.ranking().is_some_and(Metric::is_minimized) {
            "lowest"
        } else {
            "highest"
        };
        return format!(
            "Too little is known: {} of {compared} settings compared may be the best (95 %). The {extreme} means have: {}.",
            candidates.len(),
            listed(&names)
        );
    }
    let others = match compared - candidates.len() {
        0 => String::new(),
        1 => "the other setting".to_owned(),
        n => format!("each of the other {n}"),
    };
    // The promise covers only the compared settings.
    let scope = if compared < comparison.settings.len() {
        format!("Of the {compared} settings compared, ")
    } else {
        String::new()
    };
    let sentence = match names.as_slice() {
        [only] => format!("the best is {only} (95 %)."),
        [a, b] if compared == 2 => format!("either of these 2 may be the best: {a}; {b}."),
        _ if others.is_empty() => {
            format!("any of these {compared} may be the best: {}.", listed(&names))
        }
        several => {
            format!("the best is among these {} (95 %): {}.", several.len(), listed(several))
        }
    };
    let sentence = if scope.is_empty() { capitalised(&sentence) } else { scope + &sentence };
    let is_best_or_worse = |setting: &Setting| {
        setting.standing.may_be_best
            || setting.standing.distance.is_some_and(|limits| limits.high < 0.0)
    };
    match names.as_slice() {
        _ if others.is_empty() => sentence,
        [_] if comparison
            .settings
            .iter()
            .filter(|setting| setting.standing.compared)
            .all(is_best_or_worse) =>
        {
            format!("{sentence} It is better than {others}.")
        }
        [_] => format!("{sentence} It is at least as good as {others}."),
        _ => format!("{sentence} The best of them is at least as good as {others}."),
    }
}

/// Names the settings that differ from the baseline.
fn against(comparison: &Comparison) -> Option<String> {
    let baseline = comparison.baseline()?;
    let metric = comparison.ranking()?;
    let test = |setting: &&Setting| setting.difference.and_then(|difference| difference.test);
    let names_of = |better: bool| -> Vec<String> {
        let differs = |setting: &&Setting| {
            test(setting).is_some_and(|test| test.is_significant())
                && setting
                    .difference
                    .is_some_and(|difference| (metric.oriented(difference.mean) > 0.0) == better)
        };
        comparison
            .settings
            .iter()
            .filter(differs)
            .map(|setting| setting_name(comparison, setting))
            .collect()
    };
    let tested = comparison.settings.iter().filter(|setting| test(setting).is_some()).count();
    let name = setting_name(comparison, baseline);
    if let Some(options) = &comparison.beyond_race {
        return Some(format!("Nothing is tested. {}.", race::beyond(comparison, options)));
    }
    if tested == 0 {
        let replicates = repeated(comparison);
        return Some(format!(
            "Nothing is tested: no setting has two {replicates} in common with {name}."
        ));
    }
    let (better, worse) = (names_of(true), names_of(false));
    let list = |word: &str, names: &[String]| match names {
        [] => format!("none is shown to be {word}"),
        names => format!("{word}: {}", listed(names)),
    };
    let scope =
        if tested == 1 { String::new() } else { format!(" for all {tested} settings together") };
    Some(format!(
        "Compared with {name} (95 %{scope}): {}; {}.",
        list("better", &better),
        list("worse", &worse)
    ))
}
