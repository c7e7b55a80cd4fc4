//! `runner --plan`: print what would run and how long it would take.

use std::collections::HashSet;
use std::io::Write;

use anyhow::Result;
use model::EngineKind;
use tracking::{Reader, RecordedRun, StoreError, TrialId, Value};

use crate::executor::built_in::BuiltIn;
use crate::executor::built_in::estimate::Estimate;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::{TrialGroup, step_count, trial_count};
use crate::experiment::plan::Plan;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::output::output;
use crate::sweep::destination::Destination;
use crate::sweep::selection::{Selection, Work};
use crate::table::{Column, Table};
use crate::terminal::{stdout_width, wrapped, wrapped_words};

/// What `--plan` needs to know besides the experiment. All experiments of the command share it.
pub struct Request {
    pub destination: Destination,
    pub selection: Selection,
    pub engine: EngineKind,
    pub jobs: usize,
}

/// Prints the plan of `spec`. Runs, downloads and writes nothing.
pub fn print(request: &Request, spec: &Spec, datasets: &mut Datasets) -> Result<()> {
    let (info, dataset) = datasets.info(spec)?;
    let plan = Plan::new(spec, &info, &BuiltIn)?;
    let (runs, mut done) = recorded(&request.destination, spec)?;
    done.extend(request.destination.done_elsewhere(&spec.name)?);
    let Work { candidates, to_run, .. } = request.selection.work(&plan, &runs, &done);

    let mut out = output();
    let title = if spec.description.is_empty() {
        &*spec.name
    } else {
        &format!("{} · {}", spec.name, spec.description)
    };
    let data = format!(
        "{dataset} · {} training and {} test examples · validation on {}",
        plan.examples,
        info.test_len,
        spec.validation.describe()
    );
    let [title, data] =
        [title, &data].map(|line| wrapped(&tracking::printable(line), stdout_width()));
    writeln!(out, "{title}\n{data}\n")?;
    writeln!(out, "{}", table(&plan, &candidates, &to_run, &done))?;
    if let Some(shard) = request.selection.shard {
        writeln!(out, "shard {shard} of {} trials:", plan.trials.len())?;
    }
    let trials = trial_count(&candidates);
    if to_run.is_empty() {
        writeln!(out, "{trials} trials, none to run")?;
        return Ok(());
    }
    let same_data = runs.iter().filter(|run| run.dataset_sha256 == info.sha256);
    let estimate = Estimate::from_runs(request.engine, same_data, plan.examples);
    let basis = match estimate.measured_runs {
        0 => "by rule of thumb".to_owned(),
        count => format!("from {count} earlier runs"),
    };
    let summary = format!(
        "{trials} trials, {} have their result; {}, {} with {} at a time ({basis})",
        ids(&candidates).iter().filter(|id| done.contains(**id)).count(),
        steps(&to_run),
        tracking::about(estimate.time(&plan, &to_run, request.jobs)),
        request.jobs
    );
    writeln!(out, "{}", wrapped_words(&summary, stdout_width()))?;
    Ok(())
}

/// The steps to train, and the steps that trials of a group share.
fn steps(groups: &[TrialGroup<'_>]) -> String {
    let to_go = step_count(groups);
    let trials = groups.iter().flat_map(|group| &group.trials);
    let separate: u64 = trials.map(|trial| trial.workload.steps).sum();
    match separate - to_go {
        0 => format!("{to_go} steps to go"),
        saved => format!(
            "{to_go} steps to go ({saved} saved: trials that differ only in epochs share them)"
        ),
    }
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
    let steps = cells(&|trial| trial.workload.steps.to_string());
    columns.push(Column::numbers("steps", steps).optional());
    columns.push(Column::text("state", cells(&|trial| state(trial).to_owned())));
    Table::new(columns, stdout_width())
}
