//! Runs a race: one look after another, each with the settings that are left.

use std::collections::HashSet;

use analysis::race::{Decision, End, Reason};
use anyhow::Result;
use tracking::{Store, TrialId};

use crate::cmd::{summary, trials};
use crate::experiment::group::trial_count;
use crate::experiment::plan::Plan;
use crate::experiment::race::PlannedRace;
use crate::sweep::experiment_sweep::{PreparedExperiment, SweepContext};
use crate::sweep::store_writer::SweepSummary;

/// The largest number of settings that are named.
const NAMED: usize = 5;

/// Runs the race to its end; a shard runs its part of the current look. Sets `started` when the
/// store is written.
pub fn run(
    context: &SweepContext<'_>,
    experiment: &PreparedExperiment,
    planned: &PlannedRace,
    store: &mut Store,
    started: &mut bool,
) -> Result<SweepSummary> {
    let SweepContext { args, destination, stop, .. } = context;
    let PreparedExperiment { spec, plan, .. } = experiment;
    let mut summary = SweepSummary::default();
    // A trial that fails is not tried again by the same command.
    let mut tried: HashSet<TrialId> = HashSet::new();
    loop {
        let decision = &planned.read(spec, destination.merged_results())?.decision;
        let trials = match destination.shard {
            Some(_) => planned.current(&plan.trials, decision),
            None => planned.needed(&plan.trials, decision),
        };
        let work = trials::select(context, experiment, trials, store)?.without(&tried);
        if !args.quiet && (tried.is_empty() || !work.to_run.is_empty()) {
            let count = trial_count(&work.to_run);
            summary::announce(experiment, &progress(planned, decision, count));
        }
        let ids = work.to_run.iter().flat_map(|group| &group.trials);
        tried.extend(ids.map(|trial| trial.id.clone()));
        let is_last = work.to_run.is_empty() || destination.shard.is_some();
        let SweepSummary { failed, remote_hosts } =
            trials::run(context, experiment, work, store, started)?;
        summary.failed += failed;
        summary.remote_hosts.extend(remote_hosts);
        let is_cut_short = stop.requested() || (args.fail_fast && summary.failed > 0);
        if is_last || is_cut_short || !summary.remote_hosts.is_empty() {
            return Ok(summary);
        }
    }
}

/// Where the race is, and how many trials run next.
fn progress(planned: &PlannedRace, decision: &Decision, to_run: usize) -> String {
    let rules = &planned.race.rules;
    let trials = if to_run == 1 { "1 trial" } else { &format!("{to_run} trials") };
    match rules.looks().get(decision.looks).filter(|_| decision.end.is_none()) {
        Some(seeds) => format!(
            "look {} of {} with {seeds} seeds · {} of {} settings left · {trials} to run",
            decision.looks + 1,
            rules.looks().len(),
            decision.live().len(),
            decision.exits.len()
        ),
        None if to_run == 0 => "the race is over; nothing to run".to_owned(),
        None => format!("the race is over; {trials} to run again"),
    }
}

/// What the race has decided, in words. `is_shard`: only a part of the current look has run here.
pub fn outcome(planned: &PlannedRace, plan: &Plan, decision: &Decision, is_shard: bool) -> String {
    let rules = &planned.race.rules;
    let (live, settings) = (decision.live(), decision.exits.len());
    let title = |setting: usize| planned.title(&plan.trials, &plan.varying, setting);
    let seeds = decision.looks.checked_sub(1).map_or(0, |look| rules.looks()[look]);
    let left = format!("{} of {settings} settings are left", live.len());
    let sentence = match (decision.end, live.first()) {
        (Some(End::Won), Some(_)) if settings == 1 => "there is only one setting".to_owned(),
        (Some(End::Won), Some(best)) => {
            format!("after {seeds} seeds, the best is {} ({})", title(*best), rules.percent())
        }
        (Some(End::Indifferent), _) => {
            format!("after {seeds} seeds, {left}, within the indifference of each other")
        }
        (Some(End::SeedsUsed), _) => format!("after all {seeds} seeds, {left}"),
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
    let named = lacking[..lacking.len().min(NAMED)].join("; ");
    match lacking.len() {
        0 => sentence,
        1..=NAMED => format!("{sentence}. Left for lack of a result: {named}"),
        count => {
            format!("{sentence}. Left for lack of a result: {named}; and {} more", count - NAMED)
        }
    }
}
