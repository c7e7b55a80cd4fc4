//! `runner --plan`: print what would run and how long it would take.

use std::io::Write;

use analysis::race::likely_runs;
use anyhow::Result;
use model::EngineKind;
use tracking::Value;

use super::plan_export;
use super::planned::{Planned, State};
use super::race_text::outcome;
use crate::cli::PlanFormat;
use crate::executor::description::TimeEstimate;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::{TrialGroup, groups, step_count};
use crate::experiment::plan::Plan;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::output::output;
use crate::sweep::destination::Destination;
use crate::sweep::experiment_sweep;
use crate::sweep::selection::Selection;
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

/// Prints the plans of `specs`. Runs, downloads and writes nothing.
pub fn print_all(
    request: &Request,
    specs: &[Spec],
    datasets: &mut Datasets,
    format: PlanFormat,
) -> Result<()> {
    let read = |spec| Planned::read(spec, &request.destination, datasets);
    let plans = specs.iter().map(read).collect::<Result<Vec<_>>>()?;
    match format {
        PlanFormat::Csv => {
            output().write_all(plan_export::csv(&plans, request.selection)?.as_bytes())?;
        }
        PlanFormat::Json => {
            output().write_all(plan_export::json(&plans, request.selection).as_bytes())?;
        }
        PlanFormat::Table => {
            for (index, planned) in plans.iter().enumerate() {
                if index > 0 {
                    writeln!(output())?;
                }
                print(request, planned)?;
            }
        }
    }
    Ok(())
}

/// Prints a plan for the terminal.
fn print(request: &Request, planned: &Planned<'_>) -> Result<()> {
    let Planned { spec, description, plan, .. } = planned;
    let work = planned.work(request.selection);
    let states = planned.trials(&work);
    let to_run = &work.to_run;
    let mut out = output();
    let title = if spec.description.is_empty() {
        &*spec.name
    } else {
        &format!("{} · {}", spec.name, spec.description)
    };
    let [title, line] = [title, &description.line()]
        .map(|line| wrapped(&tracking::printable(line), stdout_width()));
    writeln!(out, "{title}\n{line}\n")?;
    writeln!(out, "{}", table(plan, &states))?;
    if let Some(shard) = request.selection.shard {
        writeln!(out, "shard {shard} of {} trials:", plan.trials.len())?;
    }
    if let Some(race) = race(request, planned) {
        writeln!(out, "{}", wrapped_words(&race, stdout_width()))?;
    }
    let trials = states.len();
    if to_run.is_empty() {
        writeln!(out, "{trials} trials, none to run")?;
        return Ok(());
    }
    let time = time(request, planned, to_run);
    let has_done = states.iter().filter(|(trial, _)| planned.done.contains(&trial.id)).count();
    let steps = steps(to_run).map_or_else(String::new, |steps| format!("{steps}, "));
    let summary = format!("{trials} trials, {has_done} have their result; {steps}{time}");
    writeln!(out, "{}", wrapped_words(&summary, stdout_width()))?;
    Ok(())
}

/// The time of `to_run`, and where the estimate comes from.
fn time(request: &Request, planned: &Planned<'_>, to_run: &[TrialGroup<'_>]) -> String {
    let jobs = experiment_sweep::jobs(request.jobs.or_else(|| planned.spec.trained.jobs()));
    match planned.description.time(request.engine, &planned.runs, to_run, jobs) {
        None => format!("{jobs} at a time (no earlier run to estimate the time from)"),
        Some(TimeEstimate { time, measured_runs }) => {
            let basis = match measured_runs {
                0 => "by rule of thumb".to_owned(),
                count => format!("from {count} earlier runs"),
            };
            format!("{} with {jobs} at a time ({basis})", tracking::about(time))
        }
    }
}

/// The looks of a race, its greatest cost and its likely cost; `None` if the plan is no race.
fn race(request: &Request, planned: &Planned<'_>) -> Option<String> {
    let Planned { plan, raced, done, .. } = planned;
    let (race, raced) = (plan.race.as_ref()?, raced.as_ref()?);
    let (rules, decision) = (&race.race.rules, &raced.decision);
    let looks: Vec<String> = rules.looks().iter().map(ToString::to_string).collect();
    let looks = format!("race with looks after {} seeds", looks.join(", "));
    if decision.end.is_some() {
        return Some(format!("{looks}: {}", outcome(race, plan, decision, false)));
    }
    let possible = race.possible(&plan.trials, decision);
    let missing = possible.iter().filter(|trial| !done.contains(&trial.id));
    let time = time(request, planned, &groups(missing.copied()));
    let likely = match likely_runs(rules, &raced.field) {
        Some(runs) => format!("likely about {runs} trials"),
        None => "likely number unknown before each setting has two seeds".to_owned(),
    };
    Some(format!(
        "{looks}: at most {} trials, {time}; {likely}; the table shows look {}",
        possible.len(),
        decision.looks + 1
    ))
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

/// One row per candidate, in the order of the plan.
fn table(plan: &Plan, trials: &[(&Trial, State)]) -> Table {
    let cells =
        |cell: &dyn Fn(&Trial) -> String| trials.iter().map(|(trial, _)| cell(trial)).collect();
    let mut columns = vec![Column::text("trial", cells(&|trial| trial.id.to_string())).optional()];
    columns.extend(plan.varying.iter().map(|name| {
        let value = |trial: &Trial| trial.param(name).map_or_else(String::new, Value::short);
        Column::numbers(name, cells(&value))
    }));
    if trials.iter().all(|(trial, _)| trial.workload.epochs.is_some()) {
        let steps = cells(&|trial| trial.workload.steps.to_string());
        columns.push(Column::numbers("steps", steps).optional());
    }
    let states = trials.iter().map(|(_, state)| state.name().replace('_', " ")).collect();
    columns.push(Column::text("state", states));
    Table::new(columns, stdout_width())
}
