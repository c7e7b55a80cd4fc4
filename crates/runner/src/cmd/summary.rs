//! What a run says at its end: the best trials, where the results are, what to type next.

use std::collections::HashMap;
use std::io::Write;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use tracking::{Direction, RecordedRun, Status, Store};

use crate::cli::RunArgs;
use crate::experiment::plan::Plan;
use crate::experiment::spec::{Spec, Validation};
use crate::output::output;

/// Trials in the table.
const SHOWN: usize = 5;

/// Prints the best of `runs` that belong to `plan`.
pub fn print(args: &RunArgs, spec: &Spec, plan: &Plan, store: &Store) -> Result<()> {
    let runs = store.runs(&spec.name)?;
    let place: HashMap<_, usize> = plan.trials.iter().map(|trial| &trial.id).zip(0..).collect();
    let mut runs: Vec<&RecordedRun> =
        runs.iter().filter(|run| place.contains_key(&run.trial)).collect();
    runs.sort_by_key(|run| place[&run.trial]);
    // What was held out ranks, where something was: the test set is to be looked at once.
    let ranking = spec.metrics.rank.as_deref().unwrap_or(match spec.validation {
        Validation::Test => "test_accuracy",
        Validation::HeldOut(_) => "val_accuracy",
    });
    let finished: Vec<RecordedRun> = runs
        .iter()
        .filter(|run| run.status == Status::Finished)
        .map(|run| (*run).clone())
        .collect();
    let last = store.last_values(&finished)?;
    let score = |run: &RecordedRun| {
        let of_last_epoch = || {
            last.get(&run.id)?.iter().find(|(name, _)| &**name == ranking).map(|(_, value)| *value)
        };
        run.result(ranking).or_else(of_last_epoch)
    };
    let mut best: Vec<(f64, &RecordedRun)> =
        runs.iter().filter_map(|run| score(run).map(|score| (score, *run))).collect();
    // Stable: of equally good ones, the first of the plan, never the one that ended first.
    let sign = if is_minimized(ranking, &spec.metrics.directions) { -1.0 } else { 1.0 };
    best.sort_by(|a, b| (sign * b.0).total_cmp(&(sign * a.0)));

    let mut out = output();
    if !best.is_empty() {
        let shown = &best[..best.len().min(SHOWN)];
        writeln!(out, "\nBest {} of {} trials by {}\n", shown.len(), runs.len(), title(ranking))?;
        writeln!(out, "{}", table(plan, ranking, shown))?;
    }
    for (status, what) in [
        (Status::Diverged, "diverged"),
        (Status::Failed, "failed"),
        (Status::Killed, "were stopped"),
    ] {
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
    let quoted = crate::cluster::plan_status::quoted(&results.to_string_lossy());
    let option =
        if results.as_os_str() == "results" { String::new() } else { format!(" -r {quoted}") };
    writeln!(out, "Compare: cargo run -p report --{option} -e {}", spec.name)?;
    Ok(())
}

/// Whether less of a metric is better: as declared, or of losses and times.
fn is_minimized(metric: &str, declared: &[(String, Direction)]) -> bool {
    match declared.iter().find(|(name, _)| name == metric) {
        Some((_, direction)) => *direction == Direction::Minimize,
        None => metric.ends_with("loss") || metric == "seconds",
    }
}

fn title(metric: &str) -> String {
    match (metric, metric.strip_prefix("val_")) {
        ("seconds", _) => "time".to_owned(),
        (_, Some(rest)) => format!("validation {rest}"),
        (_, None) => metric.replace('_', " "),
    }
}

fn number(metric: &str, value: f64) -> String {
    match metric {
        "seconds" => tracking::seconds(value),
        metric if metric.ends_with("accuracy") => format!("{:.2} %", 100.0 * value),
        _ => format!("{value:.4}"),
    }
}

fn table(plan: &Plan, ranking: &str, best: &[(f64, &RecordedRun)]) -> Table {
    let others: Vec<&str> =
        ["test_loss", "seconds"].into_iter().filter(|name| *name != ranking).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = plan.varying.iter().map(|parameter| parameter.name().to_owned());
    let metrics = std::iter::once(ranking).chain(others.iter().copied()).map(title);
    table.set_header(["trial".to_owned()].into_iter().chain(names).chain(metrics));
    for (score, run) in best {
        let mut row = vec![run.trial.to_string()];
        let value = |name| run.param(name).map_or_else(String::new, ToString::to_string);
        row.extend(plan.varying.iter().map(|parameter| value(parameter.name())));
        row.push(number(ranking, *score));
        row.extend(
            others
                .iter()
                .map(|name| run.result(name).map_or_else(String::new, |it| number(name, it))),
        );
        table.add_row(row);
    }
    for index in 1..plan.varying.len() + 2 + others.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
