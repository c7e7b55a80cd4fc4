//! `runner --plan`: print what would run and how long it would take.

use std::collections::HashSet;
use std::io::Write;

use anyhow::Result;
use model::EngineKind;
use tracking::{Reader, RecordedRun, StoreError, TrialId, Value};

use crate::executor::description::{Description, TimeEstimate};
use crate::experiment::datasets::Datasets;
use crate::experiment::group::{TrialGroup, step_count, trial_count};
use crate::experiment::plan::Plan;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::output::output;
use crate::sweep::destination::Destination;
use crate::sweep::experiment_sweep;
use crate::sweep::selection::{Selection, Work};
use crate::table::{Column, Table};
use crate::terminal::{stdout_width, wrapped, wrapped_words};

/// What `--plan` needs to know besides the experiment. All experiments of the command share it.
pub struct Request {
    pub destination: Destination,
    pub selection: Selection,
    pub engine: EngineKind,
    /// The value of `--jobs`.
    pub jobs: Option<u32>,
}

/// Prints the plan of `spec`. Runs, downloads and writes nothing.
pub fn print(request: &Request, spec: &Spec, datasets: &mut Datasets) -> Result<()> {
    let description = Description::find(spec, datasets)?;
    let plan = Plan::new(spec, description.subject())?;
    let (runs, mut done) = recorded(&request.destination, spec)?;
    done.extend(request.destination.done_elsewhere(&spec.name)?);
    let Work { candidates, to_run, .. } = request.selection.work(&plan, &runs, &done);

    let mut out = output();
    let title = if spec.description.is_empty() {
        &*spec.name
    } else {
        &format!("{} · {}", spec.name, spec.description)
    };
    let [title, line] = [title, &description.line()]
        .map(|line| wrapped(&tracking::printable(line), stdout_width()));
    writeln!(out, "{title}\n{line}\n")?;
    writeln!(out, "{}", table(&plan, &candidates, &to_run, &done))?;
    if let Some(shard) = request.selection.shard {
        writeln!(out, "shard {shard} of {} trials:", plan.trials.len())?;
    }
    let trials = trial_count(&candidates);
    if to_run.is_empty() {
        writeln!(out, "{trials} trials, none to run")?;
        return Ok(());
    }
    let jobs = experiment_sweep::jobs(request.jobs.or_else(|| description.jobs()));
    let time = match description.time(request.engine, &runs, &to_run, jobs) {
        None => format!("{jobs} at a time (no earlier run to estimate the time from)"),
        Some(TimeEstimate { time, measured_runs }) => {
            let basis = match measured_runs {
                0 => "by rule of thumb".to_owned(),
                count => format!("from {count} earlier runs"),
            };
            format!("{} with {jobs} at a time ({basis})", tracking::about(time))
        }
    };
    let has_done = ids(&candidates).iter().filter(|id| done.contains(**id)).count();
    let steps = steps(&to_run).map_or_else(String::new, |steps| format!("{steps}, "));
    let summary = format!("{trials} trials, {has_done} have their result; {steps}{time}");
    writeln!(out, "{}", wrapped_words(&summary, stdout_width()))?;
    Ok(())
}

/// The steps to train, and the steps that trials of a group share; `None` if they are not known.
fn steps(groups: &[TrialGroup<'_>]) -> Option<String> {
    if groups.iter().any(|group| group.longest().workload.epochs.is_none()) {
        return None;
    }
    let to_go = step_count(groups);
    let trials = groups.iter().flat_map(|group| &group.trials);
    let separate: u64 = trials.map(|trial| trial.workload.steps).sum();
    Some(match separate - to_go {
        0 => format!("{to_go} steps to go"),
        saved => format!(
            "{to_go} steps to go ({saved} saved: trials that differ only in epochs share them)"
        ),
    })
}

/// All runs of the experiment and its trials with a result, if there is a store.
fn recorded(
    destination: &Destination,
    spec: &Spec,
) -> Result<(Vec<RecordedRun>, HashSet<TrialId>), StoreError> {
    match Reader::open(&destination.results) {
        Ok(reader) => Ok((reader.all_runs(&spec.name)?, reader.completed_trials(&spec.name)?)),
        Err(StoreError::NoStore { .. }) => Ok((Vec::new(), HashSet::new())),
        Err(error) => Err(error),
    }
}

fn ids<'a>(groups: &[TrialGroup<'a>]) -> HashSet<&'a TrialId> {
    groups.iter().flat_map(|group| &group.trials).map(|trial| &trial.id).collect()
}

/// One row per candidate, in the order of the plan.
fn table(
    plan: &Plan,
    candidates: &[TrialGroup<'_>],
    to_run: &[TrialGroup<'_>],
    done: &HashSet<TrialId>,
) -> Table {
    let (candidates, to_run) = (ids(candidates), ids(to_run));
    let trials: Vec<&Trial> =
        plan.trials.iter().filter(|trial| candidates.contains(&trial.id)).collect();
    let state = |trial: &Trial| match (to_run.contains(&trial.id), done.contains(&trial.id)) {
        (true, _) => "to run",
        (false, true) => "done",
        // Such a trial has not failed, and `--retry-failed` runs only failed trials.
        (false, false) => "not selected",
    };
    let cells = |cell: &dyn Fn(&Trial) -> String| trials.iter().map(|trial| cell(trial)).collect();
    let mut columns = vec![Column::text("trial", cells(&|trial| trial.id.to_string())).optional()];
    columns.extend(plan.varying.iter().map(|name| {
        let value = |trial: &Trial| trial.param(name).map_or_else(String::new, Value::short);
        Column::numbers(name, cells(&value))
    }));
    if trials.iter().all(|trial| trial.workload.epochs.is_some()) {
        let steps = cells(&|trial| trial.workload.steps.to_string());
        columns.push(Column::numbers("steps", steps).optional());
    }
    columns.push(Column::text("state", cells(&|trial| state(trial).to_owned())));
    Table::new(columns, stdout_width())
}
