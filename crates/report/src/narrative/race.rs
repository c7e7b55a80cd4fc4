//! Sentences about a race: who is left, who left, and what is promised.

use analysis::metric::Unit;
use analysis::race::{End, Exit, Reason};

use super::coverage::losses;
use super::phrases::{listed, named, repeated};
use crate::comparison::{Comparison, RaceState, Setting};
use crate::wording::{self, count, replicates};

/// Names a setting. The dots tell its keys from a list of settings.
pub fn name(comparison: &Comparison, setting: &Setting) -> String {
    named(comparison, setting, " · ")
}

/// The main sentence about a race.
pub fn verdict(comparison: &Comparison, race: &RaceState) -> String {
    let candidates = comparison.candidates();
    let names: Vec<String> = candidates.iter().map(|setting| name(comparison, setting)).collect();
    let (left, names, sure) = (names.len(), listed(&names), race.rules.percent());
    let ended = format!("The race ended after {}", seeds_used(comparison, race));
    let takes_no_part = |setting: &Setting| !setting.standing.compared && setting.left.is_none();
    let all = race.settings;
    let (best, of) = match comparison.settings.iter().any(takes_no_part) {
        true => (format!("the best of the {all} settings of the race"), String::new()),
        false if race.end.is_none() => ("the best".to_owned(), format!(" of {all} settings")),
        false => ("the best".to_owned(), String::new()),
    };
    let among = format!("{best} is among these {left}{of} ({sure})");
    match race.end {
        Some(_) if all == 1 => "The race has only one setting.".to_owned(),
        Some(End::NoneLeft) => format!("{ended}: no setting is left."),
        Some(End::Won) => format!("{ended}: {best} is {names} ({sure})."),
        Some(End::SeedsUsed) => format!("{ended}: {among}: {names}."),
        Some(End::Indifferent) => {
            let width = indifference(comparison, race).unwrap_or_default();
            format!(
                "{ended}: {among}, each of them at most {width} from the best of them: {names}."
            )
        }
        None => {
            let (look, looks) = (race.looks + 1, race.rules.looks().len());
            let left = match race.left == all {
                true => "no setting has left yet".to_owned(),
                false => format!("{among}: {names}"),
            };
            let [ended, of] = race.next_look.unwrap_or_default();
            format!(
                "The race is at look {look} of {looks}: {left}. Ended runs of this look: {ended} of {of}."
            )
        }
    }
}

/// `8 of 20 seeds`, or `all 20 seeds`.
fn seeds_used(comparison: &Comparison, race: &RaceState) -> String {
    let of = replicates(race.rules.most(), comparison.replicate.as_deref().unwrap_or("run"));
    match race.replicates() {
        n if n == race.rules.most() => format!("all {of}"),
        n => format!("{n} of {of}"),
    }
}

/// The indifference of a race in the unit of its metric: `0.1 points`.
pub fn indifference(comparison: &Comparison, race: &RaceState) -> Option<String> {
    let unit = comparison.ranking().map_or(Unit::Number, |metric| metric.unit);
    let width = exact(unit.scale() * race.rules.indifference()?);
    Some(match unit {
        Unit::Fraction | Unit::Percent if width == "1" => "1 point".to_owned(),
        Unit::Fraction | Unit::Percent => format!("{width} points"),
        Unit::Seconds => format!("{width} s"),
        Unit::Number => width,
    })
}

/// A number in full, without the rounding error of a factor.
fn exact(number: f64) -> String {
    let rounded = format!("{number:.9e}").parse();
    tracking::short_number(rounded.unwrap_or(number))
}

/// Names the settings that left for lack of the ranking metric: the promise does not cover them.
pub fn without_value(comparison: &Comparison) -> Option<String> {
    comparison.race.as_ref()?;
    let lacks =
        |setting: &&Setting| matches!(setting.left, Some(Exit { reason: Reason::NoValue(_), .. }));
    let lacking = comparison.settings.iter().filter(lacks);
    let names: Vec<String> =
        lacking.map(|setting| name(comparison, setting) + &losses(setting)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Left for lack of {}, outside of the promise: {}.",
            metric(comparison),
            listed(&names)
        )
    })
}

/// Warns that the rules of the race were not all chosen before its results.
pub fn changes(comparison: &Comparison) -> Option<String> {
    let race = comparison.race.as_ref().filter(|race| race.changes > 0)?;
    Some(format!(
        "The looks, the confidence or the indifference of this race changed {} after results were known: the {} hold \
         only for rules that are chosen before.",
        count(race.changes as usize, "time"),
        race.rules.percent()
    ))
}

/// Counts the recorded runs that the race does not use.
pub fn unused(comparison: &Comparison) -> Option<String> {
    let unused = comparison.race.as_ref()?.unused;
    (unused > 0).then(|| {
        format!("Not used by the race, and not in this table: {}.", count(unused, "other run"))
    })
}

/// The rule of a race and its promise.
pub fn basis(comparison: &Comparison, race: &RaceState) -> String {
    let replicate = wording::replicate(comparison.replicate.as_deref());
    format!(
        "Race by {}, paired by {replicate}: at each look, a setting leaves if another one in the race is better in a \
         paired t-test. The best setting is still in the race with a probability of at least {}, over all looks together.",
        metric(comparison),
        race.rules.percent()
    )
}

/// The reason why nothing is tested if a race decided how many replicates each setting got, and the
/// `options` ask another question.
pub fn beyond(comparison: &Comparison, options: &[&str]) -> String {
    let replicates = repeated(comparison);
    let advice = match options {
        [] => String::new(),
        options => format!("; omit {} for the result of the race", options.join(", ")),
    };
    format!(
        "The results decided how many {replicates} each setting got, so the 95 % do not hold for this table{advice}"
    )
}

/// When a setting left, and why if no rival beat it: `look 1`, `look 1: no value with seed 2`.
pub fn left(comparison: &Comparison, setting: &Setting) -> Option<String> {
    let race = comparison.race.as_ref()?;
    let Some(Exit { look, reason }) = setting.left else {
        return (!setting.standing.compared).then(|| "not in the race".to_owned());
    };
    let look = look + 1;
    Some(match reason {
        Reason::Beaten { .. } => format!("look {look}"),
        Reason::NoValue(index) => format!(
            "look {look}: no value with {} {}",
            wording::replicate(comparison.replicate.as_deref()),
            wording::value(&race.seeds[index])
        ),
    })
}

fn metric(comparison: &Comparison) -> String {
    comparison.ranked_by.as_deref().map_or_else(|| "a result".to_owned(), wording::metric)
}
