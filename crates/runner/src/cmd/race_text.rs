//! The state of a race as text.

use analysis::race::{Decision, End, Reason};
use tracking::REPLICATES;

use crate::experiment::plan::Plan;
use crate::experiment::race::PlannedRace;

/// The largest number of settings that are named.
const NAMED: usize = 5;

/// Where the race is, and how many trials run next.
pub fn progress(planned: &PlannedRace, decision: &Decision, to_run: usize) -> String {
    let rules = &planned.race.rules;
    let trials = if to_run == 1 { "1 trial" } else { &format!("{to_run} trials") };
    match rules.looks().get(decision.looks).filter(|_| decision.end.is_none()) {
        Some(seeds) => format!(
            "look {} of {} with {} · {} of {} settings left · {trials} to run",
            decision.looks + 1,
            rules.looks().len(),
            repeated(*seeds, &planned.race.replicate),
            decision.live().len(),
            decision.exits.len()
        ),
        None if to_run == 0 => "the race is over; nothing to run".to_owned(),
        None => format!("the race is over; {trials} to run again"),
    }
}

/// The decision of the race so far. `is_shard`: only a part of the current look has run here.
pub fn outcome(planned: &PlannedRace, plan: &Plan, decision: &Decision, is_shard: bool) -> String {
    let rules = &planned.race.rules;
    let (live, settings) = (decision.live(), decision.exits.len());
    let title = |setting: usize| planned.title(&plan.trials, &plan.varying, setting);
    let seeds = decision.looks.checked_sub(1).map_or(0, |look| rules.looks()[look]);
    let seeds = repeated(seeds, &planned.race.replicate);
    let left = format!("{} of {settings} settings are left", live.len());
    let names = named(&live.iter().map(|setting| title(*setting)).collect::<Vec<_>>());
    let sentence = match (decision.end, live.first()) {
        (Some(End::Won), Some(_)) if settings == 1 => "there is only one setting".to_owned(),
        (Some(End::Won), Some(best)) => {
            format!("after {seeds}, the best is {} ({})", title(*best), rules.percent())
        }
        (Some(End::Indifferent), _) => {
            format!("after {seeds}, {left}, within the indifference of each other: {names}")
        }
        (Some(End::SeedsUsed), _) => format!("after all {seeds}, {left}: {names}"),
        (Some(End::NoneLeft | End::Won), _) => "no setting is left".to_owned(),
        (None, _) => {
            let next = if is_shard {
                "merge the results of all shards to continue"
            } else {
                "run the same command again to continue"
            };
            format!("{left} at look {} of {}; {next}", decision.looks + 1, rules.looks().len())
        }
    };
    let lacks_result = |setting: &usize| {
        decision.exits[*setting].is_some_and(|exit| matches!(exit.reason, Reason::NoValue(_)))
    };
    let lacking: Vec<String> = (0..settings).filter(lacks_result).map(title).collect();
    match lacking.is_empty() {
        true => sentence,
        false => format!("{sentence}. Without a result: {}", named(&lacking)),
    }
}

/// The first names, and the number of the others.
fn named(names: &[String]) -> String {
    let listed = names[..names.len().min(NAMED)].join("; ");
    match names.len().saturating_sub(NAMED) {
        0 => listed,
        more => format!("{listed}; and {more} more"),
    }
}

/// A number of replicates: `5 seeds`, `3 folds`, `4 values of batch`.
fn repeated(number: usize, replicate: &str) -> String {
    if REPLICATES.contains(&replicate) {
        format!("{number} {replicate}s")
    } else {
        format!("{number} values of {replicate}")
    }
}
