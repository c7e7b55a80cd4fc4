//! Warnings of a sweep on stderr, also with `--quiet`.

use std::collections::BTreeSet;

use anyhow::Result;
use tracking::{Race, RecordedRun, Status, Store, typed_name};

use crate::executor::setup::Setup;
use crate::experiment::plan::Plan;
use crate::experiment::program_section::ProgramSection;
use crate::sweep::experiment_sweep::PreparedExperiment;
use crate::terminal::{stderr_width, wrapped};

fn warn(warning: &str) {
    let line = tracking::printable(&format!("warning: {warning}")).into_owned();
    anstream::eprintln!("{}", wrapped(&line, stderr_width()));
}

/// Warns of files in the command of a program whose changes make no trial new.
pub fn of_unlisted_files(setup: &Setup) {
    let Setup::Program { program, .. } = setup else { return };
    for file in program.unlisted_files() {
        warn(&format!(
            "the runner does not notice changes to {file}: add it to 'files' of [program]"
        ));
    }
}

/// Warns that a command without a race does not continue the race of earlier ones.
pub fn of_earlier_race(plan: &Plan, declared: Option<&Race>) {
    if plan.race.is_none() && declared.is_some() {
        warn("the recorded runs are those of a race; only a command with --race continues it");
    }
}

/// Warns of metrics that the runs of a program lack.
pub fn of_missing_metrics(experiment: &PreparedExperiment, store: &Store) -> Result<()> {
    let PreparedExperiment { spec, setup: Setup::Program { program, .. }, plan } = experiment
    else {
        return Ok(());
    };
    let finished = finished(plan, store.runs(&spec.name)?);
    let last_values = store.last_values(&finished)?;
    let results = finished.iter().flat_map(|run| &run.results).map(|(name, _)| &**name);
    let by_epoch = last_values.values().flatten().map(|(name, _)| &**name);
    let names: BTreeSet<&str> = results.chain(by_epoch).collect();
    let without = finished.iter().filter(|run| measured_nothing(run)).count();
    if without > 0 {
        warn(&missing(without, program));
    }
    let rank = spec.metrics.rank.as_deref().filter(|rank| !names.contains(rank));
    if let (Some(rank), true) = (rank, without < finished.len()) {
        let hint = typed_name::nearest(rank, names.iter().copied());
        let hint = hint.map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
        warn(&format!("no run has the metric '{rank}' that [metrics] ranks by{hint}"));
    }
    Ok(())
}

/// The finished runs of the trials of a plan.
fn finished(plan: &Plan, mut runs: Vec<RecordedRun>) -> Vec<RecordedRun> {
    let trials: BTreeSet<&str> = plan.trials.iter().map(|trial| trial.id.as_str()).collect();
    runs.retain(|run| run.status == Status::Finished && trials.contains(run.trial.as_str()));
    runs
}

fn measured_nothing(run: &RecordedRun) -> bool {
    run.last_epoch == 0 && run.results.iter().all(|(name, _)| &**name == "seconds")
}

fn missing(count: usize, program: &ProgramSection) -> String {
    let runs =
        if count == 1 { "1 finished run has" } else { &format!("{count} finished runs have") };
    let example = r#"print lines such as {"val_accuracy": 0.9}"#;
    match &program.pattern {
        None => format!("{runs} no metric: {example}"),
        Some(_) => format!(
            "{runs} no metric: 'pattern' found no number; correct it and use --rerun, or {example}"
        ),
    }
}
