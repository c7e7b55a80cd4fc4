//! `runner --plan`: what would be run, and how long it would take.

use std::collections::HashSet;
use std::io::Write;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use tracking::{Reader, RecordedRun, StoreError, TrialId};

use crate::cli::RunArgs;
use crate::executor::built_in::estimate::Estimate;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::Course;
use crate::experiment::plan::{Plan, Trial, value_of};
use crate::experiment::spec::Spec;
use crate::output::output;

/// Prints the plan. Nothing is run, fetched or written.
pub fn plan(args: &RunArgs, spec: &Spec, datasets: &mut Datasets, jobs: usize) -> Result<()> {
    let (facts, dataset) = datasets.facts(spec)?;
    let plan = Plan::new(spec, &facts)?;
    let (runs, mut done) = recorded(args, spec)?;
    if let Some(shared) = &args.shared {
        done.extend(crate::cluster::attempt::done(shared, &spec.name, args.part())?);
    }
    let wanted: HashSet<_> = super::run::wanted(args, &plan)
        .iter()
        .flat_map(|course| &course.trials)
        .map(|trial| &trial.id)
        .collect();
    let courses = super::run::pending(args, &plan, &runs, &done);
    let pending: Vec<&Trial> = courses.iter().flat_map(|course| &course.trials).copied().collect();

    let mut out = output();
    let title = if spec.description.is_empty() {
        &*spec.name
    } else {
        &format!("{} · {}", spec.name, spec.description)
    };
    writeln!(out, "{}", tracking::printable(title))?;
    writeln!(
        out,
        "{} · {} training and {} test examples · validation on {}\n",
        tracking::printable(&dataset),
        plan.examples,
        facts.test_len,
        spec.validation.describe()
    )?;
    let to_run: HashSet<_> = pending.iter().map(|trial| &trial.id).collect();
    writeln!(out, "{}\n", table(&plan, &wanted, &to_run))?;
    if let Some(shard) = args.part() {
        writeln!(out, "shard {shard} of {} trials:", plan.trials.len())?;
    }
    let engine = super::run::engine(args)?;
    let same_data = runs.iter().filter(|run| run.dataset_sha256 == facts.sha256);
    let estimate = Estimate::from_runs(engine, same_data, plan.examples);
    let basis = match estimate.measured_runs {
        0 => "by rule of thumb".to_owned(),
        n => format!("from {n} earlier runs"),
    };
    if pending.is_empty() {
        writeln!(out, "{} trials, none to run", wanted.len())?;
        return Ok(());
    }
    writeln!(
        out,
        "{} trials, {} have their result; {}, {} with {jobs} at a time ({basis})",
        wanted.len(),
        wanted.len() - pending.len(),
        steps(&plan, &pending, &courses),
        tracking::about(estimate.time(&plan, &courses, jobs)),
    )?;
    Ok(())
}

/// `9375 steps to go`, and how many more they stand for.
fn steps(plan: &Plan, pending: &[&Trial], courses: &[Course<'_>]) -> String {
    let to_go: u64 = courses.iter().map(|course| plan.steps(course.longest())).sum();
    let alone: u64 = pending.iter().map(|trial| plan.steps(trial)).sum();
    match alone - to_go {
        0 => format!("{to_go} steps to go"),
        saved => format!(
            "{to_go} steps to go ({saved} saved: trials that differ only in epochs share them)"
        ),
    }
}

/// All runs of the experiment and the trials that have their result, if there is a store at all.
fn recorded(
    args: &RunArgs,
    spec: &Spec,
) -> Result<(Vec<RecordedRun>, HashSet<TrialId>), StoreError> {
    match Reader::open(&args.places.results) {
        Ok(reader) => Ok((reader.all_runs(&spec.name)?, reader.completed_trials(&spec.name)?)),
        Err(StoreError::NoStore { .. }) => Ok((Vec::new(), HashSet::new())),
        Err(error) => Err(error),
    }
}

fn table(plan: &Plan, wanted: &HashSet<&TrialId>, to_run: &HashSet<&TrialId>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = plan.varying.iter().map(|parameter| parameter.name());
    table.set_header(["trial"].into_iter().chain(names).chain(["steps", "state"]));
    for trial in plan.trials.iter().filter(|trial| wanted.contains(&trial.id)) {
        let mut row = vec![trial.id.to_string()];
        row.extend(
            plan.varying
                .iter()
                .map(|parameter| value_of(&trial.hyperparameters, *parameter).to_string()),
        );
        row.push(plan.steps(trial).to_string());
        row.push(if to_run.contains(&trial.id) { "to run" } else { "done" }.to_owned());
        table.add_row(row);
    }
    for index in 1..=plan.varying.len() + 1 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
