//! Runs a race: one look after another, each with the settings that are left.

use std::collections::HashSet;

use anyhow::Result;
use tracking::{Store, TrialId};

use crate::cmd::race_text::progress;
use crate::cmd::{summary, trials};
use crate::experiment::group::trial_count;
use crate::experiment::race::PlannedRace;
use crate::sweep::experiment_sweep::{PreparedExperiment, SweepContext};
use crate::sweep::store_writer::SweepSummary;

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
        let trials = context.selection.trials(plan, Some(decision));
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
