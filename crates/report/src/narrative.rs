//! What a comparison says, in sentences. Each claims what its data carry and no more: `METHODOLOGY.md` names the simulation behind it.

use crate::analysis::effects::{Effect, Effects};
use crate::comparison::{Comparison, Promise, Setting};
use crate::metric::{self, Metric, Unit};
use crate::observed::At;
use crate::wording::{self, count, title};

/// Settings that a sentence names before it only counts them.
const NAMED: usize = 6;

/// `batch 16, decay 1e-4`.
pub fn setting(comparison: &Comparison, setting: &Setting) -> String {
    let named = |(key, value): (&String, &Option<tracking::Value>)| {
        let value = value.as_ref().map_or_else(|| "not set".to_owned(), wording::value);
        format!("{} {value}", title(key))
    };
    let parts: Vec<String> = comparison.keys.iter().zip(&setting.values).map(named).collect();
    if parts.is_empty() { "the only setting".to_owned() } else { parts.join(", ") }
}

/// What the answer rests on, and what else the runs tell.
pub fn background(comparison: &Comparison) -> Vec<String> {
    [basis(comparison), effects(comparison), front(comparison)].into_iter().flatten().collect()
}

/// Which setting is best, how sure that is, and what to do about it.
pub fn answer(comparison: &Comparison) -> Vec<String> {
    let mut sentences = vec![verdict(comparison)];
    sentences.push(left_out(comparison));
    sentences.push(undecided(comparison));
    sentences.push(missing_replicates(comparison));
    sentences.push(reported(comparison));
    sentences.push(selection(comparison));
    sentences.extend(edges(comparison).into_iter().map(Some));
    sentences.into_iter().flatten().collect()
}

/// What is said of the best; none where there is nothing to compare.
pub fn verdict(comparison: &Comparison) -> Option<String> {
    if comparison.ranking().is_none() {
        return unranked(comparison);
    }
    let measured = comparison.settings.iter().filter(|it| it.level.is_some()).count();
    match comparison.promise {
        _ if measured < 2 => {
            let alone = comparison.settings.iter().any(|it| it.n == 1);
            (measured == 1 && alone).then(|| "Of one run nothing can be said about chance.".to_owned())
        }
        None => Some(untested(comparison)),
        Some(Promise::Against(_)) => against(comparison),
        Some(Promise::BestIsAmong) => Some(among(comparison)),
    }
}

/// Why no metric ranks.
fn unranked(comparison: &Comparison) -> Option<String> {
    let finished = comparison.tally.finished;
    match comparison.at {
        At::Epoch(epoch) if finished > 0 => return Some(format!("No run that finished has an epoch {epoch}.")),
        At::Best if finished > 0 => {
            return Some(
                "No metric by epoch chooses the best epoch: name one with --minimize NAME or --maximize NAME."
                    .to_owned(),
            );
        }
        _ => {}
    }
    let metrics: Vec<&Metric> = comparison.metrics.iter().filter(|it| !metric::is_bookkeeping(&it.name)).collect();
    if metrics.iter().any(|it| it.direction.is_some() && !metric::is_of_training(&it.name)) {
        return Some("No run here has the metric to rank by.".to_owned());
    }
    if let Some(metric) = metrics.iter().find(|it| it.direction.is_none()) {
        let name = tracking::printable(&metric.name);
        return Some(format!("Direction of `{name}` unknown: use --minimize {name} or --maximize {name}."));
    }
    let training: Vec<&str> = metrics.iter().map(|it| it.name.as_str()).collect();
    let of = match training.as_slice() {
        [] => return None,
        [only] => format!("{only} is"),
        several => format!("{} are", several.join(", ")),
    };
    Some(format!("No metric ranks by itself: {of} of the training set; --sort ranks by one."))
}

/// Why nothing could be tested.
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
    } else if measured().all(|it| it.n < 2) {
        format!("No setting has two {several}")
    } else if !comparison.complete {
        format!("No two settings have two {several} in common: give all the same {several}")
    } else {
        format!("The settings differ by the same on all {several}, which may be rounding: more {several} may tell")
    };
    format!("Nothing is tested; the order may be chance. {why}.")
}

/// The settings among which the best is.
fn among(comparison: &Comparison) -> String {
    let (candidates, compared) = (comparison.candidates(), comparison.compared());
    let names: Vec<String> = candidates.iter().map(|it| setting(comparison, it)).collect();
    let others = compared - candidates.len();
    if comparison.is_open() {
        return format!(
            "Too little is known: {} of {compared} settings may be the best (95 %). Ahead are: {}.",
            candidates.len(),
            listed(&names)
        );
    }
    let others = |who: &str| match others {
        0 => String::new(),
        1 => format!(" {who} at least as good as the other setting."),
        n => format!(" {who} at least as good as each of the other {n}."),
    };
    match names.as_slice() {
        [only] => format!("The best is {only} (95 %).{}", others("It is")),
        _ if candidates.len() == compared => {
            format!("Any of these {compared} may be the best: {}.", listed(&names))
        }
        several => {
            let number = several.len();
            format!("The best is among these {number} (95 %): {}.{}", listed(several), others("The best of them is"))
        }
    }
}

/// What differs from the baseline.
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
        return Some(format!("Nothing is tested: no setting has two {several} in common with {name}."));
    }
    let (better, worse) = (named(true), named(false));
    let part = |word: &str, names: &[String]| match names {
        [] => format!("none is shown to be {word}"),
        names => format!("{word}: {}", listed(names)),
    };
    Some(format!(
        "Compared with {name} (95 % for all {} together): {}; {}.",
        count(tested, "setting"),
        part("better", &better),
        part("worse", &worse)
    ))
}

/// Settings outside the promise, by name.
fn left_out(comparison: &Comparison) -> Option<String> {
    comparison.promise.filter(|it| *it == Promise::BestIsAmong)?;
    let outside = comparison.settings.iter().filter(|it| it.level.is_some() && !it.standing.compared);
    let names: Vec<String> = outside.map(|it| setting(comparison, it)).collect();
    let several = repeated(comparison);
    (!names.is_empty())
        .then(|| format!("Not compared, for want of two {several} in common with another setting: {}.", listed(&names)))
}

/// What it would take to decide.
fn undecided(comparison: &Comparison) -> Option<String> {
    let unit = comparison.ranking()?.unit;
    let several = repeated(comparison);
    let Some(undecided) = comparison.undecided else {
        let candidates = comparison.candidates();
        let equal = candidates.len() > 1 && candidates.iter().all(|it| it.is_best);
        return equal.then(|| "Their means are equal.".to_owned());
    };
    let replicates =
        |n: usize| if n == 1 { format!("1 {}", several.trim_end_matches('s')) } else { format!("{n} {several}") };
    let seen = amount(unit, undecided.seen);
    let rest = match undecided.needed {
        Some(needed) => format!("about {} would decide the {seen} seen", replicates(needed)),
        None => format!("more than 1,000 {several} would be needed to decide the {seen} seen"),
    };
    Some(format!(
        "Undecided with {}: differences under {} are often missed; {rest}.",
        replicates(undecided.n),
        amount(unit, undecided.found)
    ))
}

/// That settings did not all run on the same replicates, and what was done about it.
fn missing_replicates(comparison: &Comparison) -> Option<String> {
    if comparison.complete || comparison.ranking().is_none() {
        return None;
    }
    let (several, one) =
        (repeated(comparison), comparison.replicate.as_deref().map_or_else(|| "run".to_owned(), title));
    let rank = match comparison.connected {
        true => String::new(),
        false => format!(" Some settings share no {one} with others: these stand by their own means."),
    };
    Some(format!(
        "Not all settings have the same {several}: they are ranked by a least-squares fit of setting + {one}.{rank}"
    ))
}

/// How good the choice is, where a validation set chose.
fn reported(comparison: &Comparison) -> Option<String> {
    let (best, name) = (comparison.best()?, comparison.reported_by.as_deref()?);
    let statistic = best.metric(name)?;
    let ranking = title(comparison.ranked_by.as_deref()?);
    let value = number(comparison.unit(name), statistic.mean);
    let said = match comparison.is_optimistic() {
        true => "comes from the examples that chose it and is optimistic",
        false => "estimates how good it is",
    };
    Some(capitalised(&format!("{ranking} chooses; the {} of the choice, {value}, {said}.", title(name))))
}

/// That the mean of the best is too good, by how much.
fn selection(comparison: &Comparison) -> Option<String> {
    let (best, metric) = (comparison.best()?, comparison.ranking()?);
    let unselected = comparison.unselected_mean.filter(|_| comparison.reported_by.is_none())?;
    let optimistic = (best.level? - unselected).abs();
    let one = comparison.replicate.as_deref().map_or_else(|| "run".to_owned(), title);
    let shown = amount(metric.unit, optimistic);
    let is_nothing = !shown.contains(|c: char| matches!(c, '1'..='9'));
    (!is_nothing).then(|| {
        format!(
            "Its mean is the {} of {} and optimistic by about {shown}: choosing without one {one} at a time and measuring on that \
             {one} gives {}.",
            if metric.is_minimized() { "lowest" } else { "highest" },
            comparison.settings.iter().filter(|it| it.level.is_some()).count(),
            number(metric.unit, unselected)
        )
    })
}

/// Where the best, or as long as several may be the best its mean, lies at an end of the values that were tried.
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
        // Of two values, one is always an end; and below none there is nothing.
        let [low, _, .., high] = tried[..] else { return None };
        match () {
            () if best.is_empty() => None,
            () if best.iter().all(|it| *it == low) && low != 0.0 && low != 1.0 => {
                Some(format!("below {}", wording::short(low)))
            }
            () if best.iter().all(|it| *it == high) => Some(format!("above {}", wording::short(high))),
            () => None,
        }
    };
    let candidates = comparison.candidates();
    // Where every setting may be the best, the place of the best mean is luck.
    let is_telling = candidates.len() < comparison.compared();
    let sentence = |(place, key): (usize, &String)| {
        let (what, beyond) = match edge(&candidates, place) {
            Some(beyond) => ("best", beyond),
            None => ("best mean", edge(&best, place).filter(|_| is_telling)?),
        };
        Some(format!("The {what} lies at the edge of the grid: extend `{}` {beyond}.", tracking::printable(key)))
    };
    comparison.keys.iter().enumerate().filter_map(sentence).collect()
}

/// What the comparison rests on.
pub fn basis(comparison: &Comparison) -> Option<String> {
    comparison.promise?;
    let metric = title(comparison.ranked_by.as_deref()?);
    let one = comparison.replicate.as_deref().map(title)?;
    let pairing = if comparison.averaged.is_empty() {
        one
    } else {
        let averaged: Vec<String> = comparison.averaged.iter().map(|name| title(name)).collect();
        format!("{one}, over equal {}", averaged.join(" and "))
    };
    Some(match comparison.promise? {
        Promise::BestIsAmong => {
            format!("Comparison with the best of {metric}, paired by {pairing}; all limits hold together at 95 %.")
        }
        Promise::Against(_) => format!(
            "Paired t-tests of {metric} by {pairing}, Holm's correction for their number; intervals are of each difference alone."
        ),
    })
}

/// `seeds`: what repeats a setting, of several.
fn repeated(comparison: &Comparison) -> String {
    comparison.replicate.as_deref().map_or_else(|| "runs".to_owned(), |name| title(name) + "s")
}

/// What moves the metric, and how much of its variance that is.
pub fn effects(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking()?;
    let Effects { of, rest, balanced } = &comparison.effects;
    if of.len() + usize::from(rest.is_some()) < 2 || of.iter().all(|it| it.share.is_none()) {
        return None;
    }
    let part = |(index, effect): (usize, &Effect)| {
        let share = effect.share.map_or_else(String::new, |share| {
            let of = if index == 0 { " of the variance" } else { "" };
            format!(" ({}{of})", wording::percent(share))
        });
        let range = effect.range.map_or_else(|| "cannot be compared".to_owned(), |it| amount(metric.unit, it));
        format!("{} {range}{share}", title(&effect.name))
    };
    let mut parts: Vec<String> = of.iter().enumerate().take(NAMED).map(part).collect();
    if let Some(rest) = rest {
        let one = comparison.replicate.as_deref().map_or_else(|| "run".to_owned(), title);
        let shares = [
            ("interaction".to_owned(), rest.interaction),
            (one, rest.replicate),
            ("noise".to_owned(), Some(rest.noise)),
        ];
        parts.extend(
            shares.into_iter().filter_map(|(name, share)| Some(format!("{name} {}", wording::percent(share?)))),
        );
    }
    let unbalanced =
        if *balanced { "" } else { " Not every combination has run: each compares runs that differ in nothing else." };
    Some(format!("Means of {} differ by up to: {}.{unbalanced}", title(&metric.name), parts.join("; ")))
}

/// Settings that no other beats in both the metric and time.
pub fn front(comparison: &Comparison) -> Option<String> {
    let front = comparison.front();
    if front.len() < 2 {
        return None;
    }
    let metric = comparison.ranked_by.as_deref()?;
    let name = |it: &&Setting| {
        let seconds = it.metric("seconds").map_or_else(String::new, |it| format!(" ({})", tracking::seconds(it.mean)));
        setting(comparison, it) + &seconds
    };
    let names: Vec<String> = front.iter().map(name).collect();
    Some(format!(
        "No other setting has both a better mean {} and a shorter mean time: {}.",
        title(metric),
        listed(&names)
    ))
}

/// A number of that unit, as text.
pub fn number(unit: Unit, number: f64) -> String {
    match unit {
        Unit::Fraction | Unit::Percent => format!("{} %", wording::decimal(unit.scale() * number, 2)),
        Unit::Seconds => tracking::seconds(number),
        Unit::Number => wording::significant(number),
    }
}

/// An amount of a metric, as a difference.
pub fn amount(unit: Unit, amount: f64) -> String {
    match unit {
        Unit::Fraction | Unit::Percent => format!("{} points", wording::decimal(unit.scale() * amount, 2)),
        Unit::Seconds => tracking::seconds(amount),
        Unit::Number => wording::significant(amount),
    }
}

/// `a; b; c`, the first few of them.
fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(NAMED)].join("; ");
    if names.len() > NAMED {
        text += &format!("; and {} more", names.len() - NAMED);
    }
    text
}

/// With a capital letter.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}
