//! What a sweep prints at its start and end: trials to run, best trials, results, next command.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use tracking::metric::Rules;
use tracking::program_files::logs_folder;
use tracking::{Direction, RecordedRun, Status, Store, Value};

use super::race_text::outcome;
use crate::executor::setup::Setup;
use crate::experiment::group::{TrialGroup, trial_count};
use crate::experiment::plan::Plan;
use crate::experiment::spec::Spec;
use crate::metric;
use crate::output::output;
use crate::sweep::destination::Destination;
use crate::sweep::experiment_sweep::PreparedExperiment;
use crate::sweep::selection::{Choice, Selection};
use crate::table::{Column, Table};
use crate::terminal::{stderr_width, stdout_width, wrapped, wrapped_words};
use tracking::shell;

/// The number of trials in the table.
const BEST: usize = 5;

/// Prints on stderr what will run.
pub fn announce(PreparedExperiment { spec, setup, .. }: &PreparedExperiment, what: &str) {
    let line = format!("{} · {} · {what}", spec.name, setup.title());
    anstream::eprintln!("{}", wrapped(&tracking::printable(&line), stderr_width()));
}

/// How many of the `trials` of a plan will run.
pub fn to_run(selection: Selection, trials: usize, to_run: &[TrialGroup<'_>]) -> String {
    let pending = trial_count(to_run);
    let is_shard = selection.shard.is_some();
    match (pending, trials - pending) {
        (0, _) if selection.choice == Choice::Failed => {
            "no trial failed; nothing to run".to_owned()
        }
        (_, _) if selection.choice == Choice::Failed => {
            format!("{pending} of {trials} trials failed and will run again")
        }
        (0, _) if is_shard => {
            "all trials of this shard have their result; nothing to run".to_owned()
        }
        (0, _) => format!("all {trials} trials have their result; nothing to run"),
        (1, 0) => "1 trial to run".to_owned(),
        (_, 0) => format!("{trials} trials to run"),
        _ if is_shard => format!("{pending} of {trials} trials to run in this shard"),
        (_, done) => format!("{pending} of {trials} trials to run, {done} have their result"),
    }
}

/// Prints the best runs of the plan, the dataset, where the results are, and the command that
/// compares them.
pub fn print(
    destination: &Destination,
    PreparedExperiment { spec, setup, plan }: &PreparedExperiment,
    store: &Store,
) -> Result<()> {
    let results = &destination.results;
    let recorded = store.runs(&spec.name)?;
    let order: HashMap<_, usize> = plan.trials.iter().map(|trial| &trial.id).zip(0..).collect();
    let mut runs: Vec<&RecordedRun> =
        recorded.iter().filter(|run| order.contains_key(&run.trial)).collect();
    runs.sort_by_key(|run| order[&run.trial]);
    let mut out = output();
    // In a race, single trials say less than its outcome.
    let best = if plan.race.is_some() { None } else { best(&runs, spec, store)? };
    if let Some(Best { ranking, runs: best }) = best {
        let shown = &best[..best.len().min(BEST)];
        writeln!(
            out,
            "\nBest {} of {} trials by {}\n",
            shown.len(),
            runs.len(),
            metric::title(&ranking)
        )?;
        write!(out, "{}", table(plan, &ranking, shown))?;
    }
    print_without_result(results, setup, &runs)?;
    if let Some(planned) = &plan.race {
        let raced = planned.read(spec, destination.merged_results())?;
        let outcome = outcome(planned, plan, &raced.decision, destination.shard.is_some());
        let outcome = format!("Race: {outcome}");
        writeln!(out, "\n{}", wrapped_words(&tracking::printable(&outcome), stdout_width()))?;
    }
    writeln!(out)?;
    let (dataset, folder) = match setup {
        Setup::BuiltIn { resolved, .. } => {
            (Some(format!("Dataset: {}", resolved.title())), ", models/")
        }
        // Programs that print nothing have no logs.
        Setup::Program { .. } if !logs_folder(results, &spec.name).is_dir() => (None, ""),
        Setup::Program { .. } => (None, ", logs/"),
    };
    let files = format!(
        "Results: {} and runs.csv, epochs.csv{folder} in {}",
        results.join(tracking::DATABASE).display(),
        results.join(&spec.name).display()
    );
    for line in dataset.into_iter().chain([files]) {
        writeln!(out, "{}", wrapped_words(&tracking::printable(&line), stdout_width()))?;
    }
    writeln!(
        out,
        "Compare: {}",
        shell::next_command("report", "report", results, &["-e", &spec.name])
    )?;
    Ok(())
}

/// Prints the numbers of runs without a result, and the command that shows why one failed.
fn print_without_result(results: &Path, setup: &Setup, runs: &[&RecordedRun]) -> Result<()> {
    let mut out = output();
    for status in [Status::Diverged, Status::Failed, Status::Killed] {
        let count = runs.iter().filter(|run| run.status == status).count();
        if count > 0 {
            writeln!(out, "{count} {status}")?;
        }
    }
    if let Some(failed) = runs.iter().find(|run| run.status == Status::Failed) {
        let mut words = vec![failed.id.as_str()];
        words.extend(matches!(setup, Setup::Program { .. }).then_some("--log"));
        let show = shell::next_command("report", "show", results, &words);
        writeln!(out, "To see why a trial failed: {show}")?;
    }
    Ok(())
}

/// The best runs.
struct Best<'a> {
    /// The metric that ranks them.
    ranking: String,
    /// The runs with a value of this metric, best first.
    runs: Vec<(f64, &'a RecordedRun)>,
}

fn best<'a>(runs: &[&'a RecordedRun], spec: &Spec, store: &Store) -> Result<Option<Best<'a>>> {
    let finished = runs.iter().filter(|run| run.status == Status::Finished);
    let finished: Vec<RecordedRun> = finished.map(|run| (*run).clone()).collect();
    let last_values = store.last_values(&finished)?;
    let rules = Rules::new(&[], &spec.metrics);
    let results = finished.iter().flat_map(|run| &run.results).map(|(name, _)| &**name);
    let by_epoch = last_values.values().flatten().map(|(name, _)| &**name);
    let ranking = spec.ranking_metric().or_else(|| metric::ranking(&rules, results, by_epoch));
    let Some(ranking) = ranking.map(str::to_owned) else { return Ok(None) };
    let score = |run: &RecordedRun| {
        let by_epoch = last_values.get(&run.id).into_iter().flatten();
        tracking::final_value(&ranking, &run.results, by_epoch)
    };
    let mut best: Vec<(f64, &RecordedRun)> =
        runs.iter().filter_map(|run| score(run).map(|score| (score, *run))).collect();
    // The sort is stable: equally good trials keep the order of the plan.
    let sign = if rules.direction(&ranking) == Some(Direction::Minimize) { -1.0 } else { 1.0 };
    best.sort_by(|a, b| (sign * b.0).total_cmp(&(sign * a.0)));
    Ok((!best.is_empty()).then_some(Best { ranking, runs: best }))
}

fn table(plan: &Plan, ranking: &str, best: &[(f64, &RecordedRun)]) -> Table {
    let cells = |cell: &dyn Fn(&RecordedRun) -> Option<String>| {
        best.iter().map(|(_, run)| cell(run).unwrap_or_default()).collect()
    };
    let trials = cells(&|run| Some(run.trial.to_string()));
    let mut columns = vec![Column::text("trial", trials).optional()];
    columns.extend(
        plan.varying
            .iter()
            .map(|name| Column::numbers(name, cells(&|run| run.param(name).map(Value::short)))),
    );
    let scores = best.iter().map(|(score, _)| metric::format(ranking, *score)).collect();
    columns.push(Column::numbers(metric::label(ranking), scores));
    let measured = |name: &&str| best.iter().any(|(_, run)| run.result(name).is_some());
    columns.extend(metric::shown(Some(ranking)).skip(1).filter(measured).map(|name| {
        let value = |run: &RecordedRun| Some(metric::format(name, run.result(name)?));
        Column::numbers(metric::label(name), cells(&value)).optional()
    }));
    Table::new(columns, stdout_width())
}
