//! Sentences about a comparison. `METHODOLOGY.md` explains what each sentence promises and names the
//! simulation that checks the promise.

use crate::analysis::comparison::{Comparison, Promise, Setting};
use crate::analysis::effects::{Effect, Effects};
use crate::metric::{self, Metric};
use crate::number_format::{self, difference, with_unit};
use crate::runs::EpochChoice;
use crate::wording::{self, title};
use tracking::Value;

/// The most settings that a sentence names; it counts the others.
const NAMED: usize = 6;

/// Names a setting by its keys: `batch 16, decay 1e-4`.
pub fn setting(comparison: &Comparison, setting: &Setting) -> String {
    let named = |(key, value): (&String, &Option<tracking::Value>)| {
        let value = value.as_ref().map_or_else(|| "not set".to_owned(), wording::value);
        format!("{} {value}", title(key))
    };
    let parts: Vec<String> = comparison.keys.iter().zip(&setting.values).map(named).collect();
    if parts.is_empty() { "the only setting".to_owned() } else { parts.join(", ") }
}

/// The basis of the answer, the main effects and the front.
pub fn background(comparison: &Comparison) -> Vec<String> {
    [basis(comparison), effects(comparison), front(comparison)].into_iter().flatten().collect()
}

/// The best settings, the certainty of the answer, and warnings.
pub fn answer(comparison: &Comparison) -> Vec<String> {
    let mut sentences = vec![verdict(comparison)];
    sentences.push(left_out(comparison));
    sentences.push(without_result(comparison));
    sentences.push(undecided(comparison));
    sentences.push(common_cells(comparison));
    sentences.push(missing_runs(comparison));
    sentences.push(survivors(comparison));
    sentences.push(best_epoch(comparison));
    sentences.push(reported(comparison));
    sentences.push(selection(comparison));
    sentences.extend(edges(comparison).into_iter().map(Some));
    sentences.into_iter().flatten().collect()
}

/// The main sentence; `None` if no setting has a result.
pub fn verdict(comparison: &Comparison) -> Option<String> {
    if comparison.ranking().is_none() {
        return unranked(comparison);
    }
    let measured: Vec<&Setting> =
        comparison.settings.iter().filter(|it| it.level.is_some()).collect();
    match (comparison.promise, measured.as_slice()) {
        (_, []) => None,
        (_, [only]) if comparison.settings.len() > 1 => Some(format!(
            "Only {} has a result: there is nothing to compare.",
            setting(comparison, only)
        )),
        (_, [only]) => (only.n == 1).then(|| "One run says nothing about chance.".to_owned()),
        (None, _) => Some(untested(comparison)),
        (Some(Promise::Against(_)), _) => against(comparison),
        (Some(Promise::BestIsAmong), _) => Some(among(comparison)),
    }
}

/// The reason why no metric ranks.
fn unranked(comparison: &Comparison) -> Option<String> {
    let finished = comparison.counts.finished;
    let nothing = comparison.metrics.iter().all(|it| metric::is_bookkeeping(&it.name));
    match comparison.epoch {
        EpochChoice::Epoch(epoch) if finished > 0 && nothing => {
            return Some(format!("No run that finished has an epoch {epoch}."));
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
        comparison.metrics.iter().filter(|it| !metric::is_bookkeeping(&it.name)).collect();
    if metrics.iter().any(|it| it.direction.is_some() && !metric::is_of_training(&it.name)) {
        return Some("No finished run here has the ranking metric.".to_owned());
    }
    if let Some(metric) = metrics.iter().find(|it| it.direction.is_none()) {
        let name = tracking::printable(&metric.name);
        return Some(format!(
            "Direction of `{name}` unknown: use --minimize {name} or --maximize {name}."
        ));
    }
    let training: Vec<&str> = metrics.iter().map(|it| it.name.as_str()).collect();
    let of = match training.as_slice() {
        [] => return None,
        [only] => format!("{only} is a training metric"),
        several => format!("{} are training metrics", several.join(", ")),
    };
    Some(format!("No metric ranks by default: {of}. Use --sort NAME to rank by one."))
}

/// The reason why nothing could be tested.
fn untested(comparison: &Comparison) -> String {
    let several = repeated(comparison);
    let measured = || comparison.settings.iter().filter(|it| it.level.is_some());
    if comparison.settings.iter().any(|it| it.standing.compared) {
        return format!(
            "No best can be named: every setting is beaten by another on the {several} that the two share. \
             Give all settings the same {several}."
        );
    }
    let why = if comparison.replicate.is_none() {
        "No hyperparameter repeats a setting: give several seeds, or name what repeats it with --replicate".to_owned()
    } else if comparison.cells.is_some_and(|[common, _]| common == 0) {
        format!("No value of {} is in every setting", averaged(comparison))
    } else if measured().all(|it| it.n < 2) {
        format!("No setting has two {several}")
    } else if !comparison.overlapping {
        format!("No two settings have two {several} in common: give all the same {several}")
    } else {
        format!(
            "Each difference is the same on all {several}, which rounding may explain: more {several} may show more"
        )
    };
    format!("Nothing is tested; the order may be chance. {why}.")
}

/// Names the settings that may be the best.
fn among(comparison: &Comparison) -> String {
    let (candidates, compared) = (comparison.candidates(), comparison.compared());
    let names: Vec<String> = candidates.iter().map(|it| setting(comparison, it)).collect();
    if comparison.is_open() {
        let means = if comparison.ranking().is_some_and(Metric::is_minimized) {
            "lowest"
        } else {
            "highest"
        };
        return format!(
            "Too little is known: {} of {compared} settings compared may be the best (95 %). The {means} means have: {}.",
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
    let of = if compared < comparison.settings.len() {
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
    let sentence = if of.is_empty() { capitalised(&sentence) } else { of + &sentence };
    let strictly = |it: &&Setting| {
        it.standing.may_be_best || it.standing.distance.is_some_and(|limits| limits.high < 0.0)
    };
    match names.as_slice() {
        _ if others.is_empty() => sentence,
        [_] if comparison
            .settings
            .iter()
            .filter(|it| it.standing.compared)
            .all(|it| strictly(&it)) =>
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
    let test = |it: &&Setting| it.difference.and_then(|difference| difference.test);
    let named = |better: bool| -> Vec<String> {
        let differs = |it: &&Setting| {
            test(it).is_some_and(|test| test.is_significant())
                && it.difference.is_some_and(|it| (metric.worth(it.mean) > 0.0) == better)
        };
        comparison.settings.iter().filter(differs).map(|it| setting(comparison, it)).collect()
    };
    let tested = comparison.settings.iter().filter(|it| test(it).is_some()).count();
    let name = setting(comparison, baseline);
    if tested == 0 {
        let several = repeated(comparison);
        return Some(format!(
            "Nothing is tested: no setting has two {several} in common with {name}."
        ));
    }
    let (better, worse) = (named(true), named(false));
    let part = |word: &str, names: &[String]| match names {
        [] => format!("none is shown to be {word}"),
        names => format!("{word}: {}", listed(names)),
    };
    let all =
        if tested == 1 { String::new() } else { format!(" for all {tested} settings together") };
    Some(format!(
        "Compared with {name} (95 %{all}): {}; {}.",
        part("better", &better),
        part("worse", &worse)
    ))
}

/// Names the settings that could not be compared.
fn left_out(comparison: &Comparison) -> Option<String> {
    comparison.promise.filter(|it| *it == Promise::BestIsAmong)?;
    let outside =
        comparison.settings.iter().filter(|it| it.level.is_some() && !it.standing.compared);
    let names: Vec<String> = outside.map(|it| setting(comparison, it)).collect();
    let several = repeated(comparison);
    (!names.is_empty()).then(|| {
        format!(
            "Not compared (fewer than two {several} in common with any other setting): {}.",
            listed(&names)
        )
    })
}

/// Names the settings without the ranking metric.
fn without_result(comparison: &Comparison) -> Option<String> {
    let without = comparison.settings.iter().filter(|it| it.level.is_none());
    let named = |it: &Setting| {
        let ended = it.counts.unfinished().into_iter().filter(|(count, _)| *count > 0);
        let ended: Vec<String> = ended.map(|(count, word)| format!("{count} {word}")).collect();
        let why = if ended.is_empty() { String::new() } else { format!(" ({})", ended.join(", ")) };
        setting(comparison, it) + &why
    };
    let names: Vec<String> = without.map(named).collect();
    (comparison.ranking().is_some() && !names.is_empty())
        .then(|| format!("Without a result: {}.", listed(&names)))
}

/// The number of replicates that would decide between the settings that may be the best.
fn undecided(comparison: &Comparison) -> Option<String> {
    let unit = comparison.ranking()?.unit;
    let several = repeated(comparison);
    let Some(undecided) = comparison.undecided else {
        let candidates = comparison.candidates();
        let equal = candidates.len() > 1 && candidates.iter().all(|it| it.is_best);
        return equal.then(|| "Their means are equal.".to_owned());
    };
    let replicates =
        |n: usize| wording::replicates(n, comparison.replicate.as_deref().unwrap_or("run"));
    let pair = format!(
        "{} seen between {} and {}",
        difference(unit, undecided.seen),
        setting(comparison, comparison.best()?),
        setting(comparison, comparison.settings.get(undecided.rival)?)
    );
    let rest = match undecided.needed {
        Some(needed) => format!("about {} would decide the {pair}", replicates(needed)),
        None => format!("more than 1,000 {several} would be needed to decide the {pair}"),
    };
    Some(format!(
        "Undecided with {}: differences under {} are often missed; {rest}.",
        replicates(undecided.n),
        difference(unit, undecided.found)
    ))
}

/// Reports cells that were left out because some setting lacks them.
fn common_cells(comparison: &Comparison) -> Option<String> {
    let [common, all] = comparison.cells.filter(|[common, _]| *common > 0)?;
    Some(format!(
        "The comparison uses only the values of {} that all settings share: {common} of {all}.",
        averaged(comparison)
    ))
}

/// Reports missing runs and the fit that replaces plain means.
fn missing_runs(comparison: &Comparison) -> Option<String> {
    let no_common_cells = comparison.cells.is_some_and(|[common, _]| common == 0);
    if comparison.complete || comparison.ranking().is_none() || no_common_cells {
        return None;
    }
    let (several, one) =
        (repeated(comparison), wording::replicate(comparison.replicate.as_deref()));
    let (what, with) = match comparison.averaged.is_empty() {
        true => (several, one.clone()),
        false => ("runs".to_owned(), format!("{one} and {}", averaged(comparison))),
    };
    let rank = match comparison.connected {
        true => String::new(),
        false => format!(
            " Settings that share no {one} with others are ranked by the means of their own runs."
        ),
    };
    Some(format!(
        "Not all settings have the same {what}: they are ranked by a least-squares fit of setting + {with}.{rank}"
    ))
}

/// Warns that settings may have lost their worst runs.
fn survivors(comparison: &Comparison) -> Option<String> {
    let lost = |it: &Setting| {
        it.level.is_some() && (it.unmeasured > 0 || it.counts.diverged + it.counts.failed > 0)
    };
    let several = repeated(comparison);
    (comparison.ranking().is_some() && comparison.settings.iter().any(lost)).then(|| {
        format!("Runs without a result are left out: a setting that loses its worst {several} looks better than it is.")
    })
}

/// Warns that choosing the best epoch favours long runs.
fn best_epoch(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking().filter(|_| comparison.epoch == EpochChoice::Best)?;
    Some(format!(
        "Each run counts at the epoch where its own {} is best: this is optimistic, more so for runs of more epochs.",
        title(&metric.name)
    ))
}

/// Warns that the best setting still improves at its last epoch.
pub fn still_improves(comparison: &Comparison, improvement: f64) -> Option<String> {
    let metric = comparison.ranking()?;
    Some(format!(
        "The {} of the best still improves at its last epoch, by {}: more epochs may change the order.",
        title(&metric.name),
        difference(metric.unit, improvement)
    ))
}

/// The reported metric of the chosen setting.
fn reported(comparison: &Comparison) -> Option<String> {
    let (best, name) = (comparison.best()?, comparison.reported_by.as_deref()?);
    let statistic = best.metric(name)?;
    let ranking = title(comparison.ranked_by.as_deref()?);
    let value = with_unit(comparison.unit(name), statistic.mean);
    let said = match comparison.reports_what_chose() {
        true => "comes from the examples that chose it and is optimistic",
        false => "estimates how good it is",
    };
    Some(capitalised(&format!(
        "{ranking} chooses; the {} of the choice, {value}, {said}.",
        title(name)
    )))
}

/// The estimated optimism of the best mean.
fn selection(comparison: &Comparison) -> Option<String> {
    let (best, metric) = (comparison.best()?, comparison.ranking()?);
    let unselected = comparison.unselected_mean.filter(|_| comparison.reported_by.is_none())?;
    let optimistic = (best.level? - unselected).abs();
    let one = wording::replicate(comparison.replicate.as_deref());
    let shown = difference(metric.unit, optimistic);
    (!number_format::is_zero(&shown)).then(|| {
        format!(
            "The mean of ★ is the {} of {} and optimistic by roughly {shown}: choosing without one {one} at a time and measuring on \
             that {one} gives {}.",
            if metric.is_minimized() { "lowest" } else { "highest" },
            comparison.settings.iter().filter(|it| it.level.is_some()).count(),
            with_unit(metric.unit, unselected)
        )
    })
}

/// Warns if the best setting, or the best mean, has the lowest or highest value of a key.
fn edges(comparison: &Comparison) -> Vec<String> {
    let numbers = |settings: &[&Setting], place: usize| -> Option<Vec<f64>> {
        settings.iter().map(|it| it.values[place].as_ref()?.as_number()).collect()
    };
    let tried: Vec<&Setting> = comparison.settings.iter().collect();
    let best: Vec<&Setting> = comparison.settings.iter().filter(|it| it.is_best).collect();
    let edge = |settings: &[&Setting], place: usize| {
        let (mut tried, best) = (numbers(&tried, place)?, numbers(settings, place)?);
        tried.sort_by(f64::total_cmp);
        tried.dedup();
        let whole = comparison
            .settings
            .iter()
            .all(|it| matches!(it.values[place], Some(Value::Integer(_))));
        // With two values, every setting is at an end. Values below 0, or below one epoch, do not
        // exist.
        let [low, _, .., high] = tried[..] else { return None };
        match () {
            () if best.is_empty() => None,
            () if best.iter().all(|it| *it == low) && low != 0.0 && !(whole && low == 1.0) => {
                Some(format!("below {}", number_format::short(low)))
            }
            () if best.iter().all(|it| *it == high) => {
                Some(format!("above {}", number_format::short(high)))
            }
            () => None,
        }
    };
    let candidates = comparison.candidates();
    // If every setting may be the best, the position of the best mean is chance.
    let is_telling = candidates.len() < comparison.compared();
    let sentence = |(place, key): (usize, &String)| {
        let (lies, beyond) = match edge(&candidates, place) {
            Some(beyond) => ("lies", beyond),
            None => ("may lie", edge(&best, place).filter(|_| is_telling)?),
        };
        Some(format!(
            "The best {lies} at the edge of the grid: extend `{}` {beyond}.",
            tracking::printable(key)
        ))
    };
    comparison.keys.iter().enumerate().filter_map(sentence).collect()
}

/// The method of the comparison.
pub fn basis(comparison: &Comparison) -> Option<String> {
    comparison.promise?;
    let metric = title(comparison.ranked_by.as_deref()?);
    let one = comparison.replicate.as_deref().map(title)?;
    let pairing = if comparison.averaged.is_empty() {
        one
    } else {
        format!("{one}, over equal {}", averaged(comparison))
    };
    let is_tested =
        comparison.settings.iter().any(|it| it.difference.is_some_and(|it| it.test.is_some()));
    Some(match comparison.promise? {
        Promise::Against(_) if !is_tested => return None,
        Promise::BestIsAmong => {
            format!(
                "Comparison with the best of {metric}, paired by {pairing}; all limits hold together at 95 %."
            )
        }
        Promise::Against(_) => format!(
            "Paired t-tests of {metric} by {pairing}, Holm's correction for their number; intervals are of each difference alone."
        ),
    })
}

/// The plural name of the replicate: `seeds`.
fn repeated(comparison: &Comparison) -> String {
    wording::repeated(comparison.replicate.as_deref())
}

/// The hyperparameters that are averaged over: `width and depth`.
fn averaged(comparison: &Comparison) -> String {
    comparison.averaged.iter().map(|name| title(name)).collect::<Vec<_>>().join(" and ")
}

/// Main effects and their shares of the variance.
pub fn effects(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking()?;
    let Effects { of, rest, balanced } = &comparison.effects;
    if of.len() + usize::from(rest.is_some()) < 2 || of.iter().all(|it| it.share.is_none()) {
        return None;
    }
    let part = |(index, effect): (usize, &Effect)| {
        let share = effect.share.map_or_else(String::new, |share| {
            let of = if index == 0 { " of the variance" } else { "" };
            format!(" ({}{of})", number_format::percent(share))
        });
        let range = effect
            .range
            .map_or_else(|| "cannot be compared".to_owned(), |it| difference(metric.unit, it));
        format!("{} {range}{share}", title(&effect.name))
    };
    let mut parts: Vec<String> = of.iter().enumerate().take(NAMED).map(part).collect();
    if let Some(rest) = rest {
        let one = wording::replicate(comparison.replicate.as_deref());
        let noise = if rest.interaction.is_some() || of.len() < 2 {
            "noise"
        } else {
            "interaction and noise"
        };
        let shares = [
            ("interaction".to_owned(), rest.interaction),
            (one, rest.replicate),
            (noise.to_owned(), Some(rest.noise)),
        ];
        parts.extend(shares.into_iter().filter_map(|(name, share)| {
            Some(format!("{name} {}", number_format::percent(share?)))
        }));
    }
    let unbalanced = if *balanced {
        ""
    } else {
        " Not every combination has run: each compares runs that differ in nothing else."
    };
    Some(format!(
        "Means of {} differ by up to: {}.{unbalanced}",
        title(&metric.name),
        parts.join("; ")
    ))
}

/// The front: settings that no other setting beats in both the metric and time.
pub fn front(comparison: &Comparison) -> Option<String> {
    let front = comparison.front();
    // A front of one setting, or of all settings, is no information.
    if front.len() < 2 || front.len() == comparison.settings.len() {
        return None;
    }
    let metric = comparison.ranked_by.as_deref()?;
    let name = |it: &&Setting| {
        let seconds = it
            .metric("seconds")
            .map_or_else(String::new, |it| format!(" ({})", tracking::seconds(it.mean)));
        setting(comparison, it) + &seconds
    };
    let names: Vec<String> = front.iter().map(name).collect();
    Some(format!("Not beaten in both mean {} and mean time: {}.", title(metric), listed(&names)))
}

/// Joins the first [`NAMED`] names and counts the others.
fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(NAMED)].join("; ");
    if names.len() > NAMED {
        text += &format!("; and {} more", names.len() - NAMED);
    }
    text
}

/// Capitalises the first letter.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}
