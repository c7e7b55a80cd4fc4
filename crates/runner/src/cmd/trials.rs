//! Selects trials of an experiment and runs them.

use anyhow::Result;
use tracking::{RecordedRun, Store};

use crate::experiment::trial::Trial;
use crate::sweep::experiment_sweep::{self, PreparedExperiment, SweepContext};
use crate::sweep::selection::{Choice, Work};
use crate::sweep::store_writer::SweepSummary;

/// The work on `trials` of the plan, given what is recorded.
pub fn select<'a>(
    context: &SweepContext<'_>,
    PreparedExperiment { spec, .. }: &PreparedExperiment,
    trials: impl IntoIterator<Item = &'a Trial>,
    store: &Store,
) -> Result<Work<'a>> {
    let mut done = store.completed_trials(&spec.name)?;
    done.extend(context.destination.done_elsewhere(&spec.name)?);
    // Reading the effective runs also detects damaged runs, so it happens in every case.
    let effective = store.runs(&spec.name)?;
    let runs: Vec<RecordedRun> = match context.selection.choice {
        Choice::Failed => store.all_runs(&spec.name)?,
        Choice::Missing | Choice::All => effective,
    };
    Ok(context.selection.work(trials, &runs, &done))
}

/// Runs the selected trials. Sets `started` when the store is written.
pub fn run(
    context: &SweepContext<'_>,
    experiment: &PreparedExperiment,
    work: Work<'_>,
    store: &mut Store,
    started: &mut bool,
) -> Result<SweepSummary> {
    if work.to_run.is_empty() {
        return Ok(SweepSummary::default());
    }
    let invocation = experiment_sweep::begin(context, experiment, &work, store)?;
    *started = true;
    experiment_sweep::run(context, experiment, work, invocation, store)
}
