//! What a run says at its end: the best trials, where the results are, what to type next.

use std::collections::HashMap;
use std::io::Write;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use tracking::{RecordedRun, Status, Store};

use crate::cli::RunArgs;
use crate::output::output;
use crate::plan::Plan;
use crate::spec::{Spec, Validation};

/// Trials in the table.
const SHOWN: usize = 5;

/// Prints the best of `runs` that belong to `plan`.
pub fn print(args: &RunArgs, spec: &Spec, plan: &Plan, store: &Store) -> Result<()> {
    let runs = store.runs(&spec.name)?;
    let place: HashMap<_, usize> = plan.trials.iter().map(|trial| &trial.id).zip(0..).collect();
    let mut runs: Vec<&RecordedRun> = runs.iter().filter(|run| place.contains_key(&run.trial)).collect();
    runs.sort_by_key(|run| place[&run.trial]);
    // What was held out ranks, where something was: the test set is to be looked at once.
    let held_out = match spec.validation {
        Validation::Test => None,
        Validation::HeldOut(_) => {
            let finished: Vec<RecordedRun> =
                runs.iter().filter(|run| run.status == Status::Finished).map(|run| (*run).clone()).collect();
            Some(store.last_epoch(&finished, "val_accuracy")?)
        }
    };
    let score = |run: &RecordedRun| match &held_out {
        Some(accuracies) => accuracies.get(&run.id).copied(),
        None => run.result("test_accuracy"),
    };
    let mut best: Vec<(f64, &RecordedRun)> =
        runs.iter().filter_map(|run| score(run).map(|accuracy| (accuracy, *run))).collect();
    // Stable: of equally good ones, the first of the plan, never the one that ended first.
    best.sort_by(|a, b| b.0.total_cmp(&a.0));

    let mut out = output();
    if !best.is_empty() {
        let shown = &best[..best.len().min(SHOWN)];
        let by = if held_out.is_some() { "validation" } else { "test" };
        writeln!(out, "\nBest {} of {} trials by {by} accuracy\n", shown.len(), runs.len())?;
        writeln!(out, "{}", table(plan, by, shown))?;
    }
    for (status, what) in [(Status::Diverged, "diverged"), (Status::Failed, "failed"), (Status::Killed, "were stopped")]
    {
        let count = runs.iter().filter(|run| run.status == status).count();
        if count > 0 {
            writeln!(out, "{count} {what}")?;
        }
    }
    let results = &args.places.results;
    let folder = results.join(&spec.name);
    writeln!(
        out,
        "\nResults: {} and runs.csv, epochs.csv, models/ in {}",
        results.join(tracking::DATABASE).display(),
        folder.display()
    )?;
    let quoted = crate::coverage::quoted(&results.to_string_lossy());
    let option = if results.as_os_str() == "results" { String::new() } else { format!(" -r {quoted}") };
    writeln!(out, "Compare: cargo run -p report --{option} -e {}", spec.name)?;
    Ok(())
}

fn table(plan: &Plan, by: &str, best: &[(f64, &RecordedRun)]) -> Table {
    let ranked = format!("{by} accuracy");
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = plan.varying.iter().map(|parameter| parameter.name());
    table.set_header(["trial"].into_iter().chain(names).chain([&ranked, "test loss", "time"]));
    for (accuracy, run) in best {
        let mut row = vec![run.trial.to_string()];
        let value = |name| run.param(name).map_or_else(String::new, ToString::to_string);
        row.extend(plan.varying.iter().map(|parameter| value(parameter.name())));
        row.push(format!("{:.2} %", 100.0 * accuracy));
        row.push(run.result("test_loss").map_or_else(String::new, |loss| format!("{loss:.4}")));
        row.push(run.result("seconds").map_or_else(String::new, tracking::seconds));
        table.add_row(row);
    }
    for index in 1..plan.varying.len() + 4 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
