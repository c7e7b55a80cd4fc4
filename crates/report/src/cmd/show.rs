//! `report show`: all that is known of a run.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use tracking::{EpochMetrics, Invocation, Reader, RecordedRun, printable};

use crate::sparkline::sparkline;

/// Metrics worth a sparkline.
const DRAWN: [&str; 4] = ["loss", "val_loss", "accuracy", "val_accuracy"];

/// Prints the run.
pub fn show(results: &Path, id: &str) -> Result<()> {
    let reader = Reader::open(results)?;
    let run = reader.find(id)?;
    let invocation = reader.invocation(&run)?;
    let epochs = reader.epochs(&run.id)?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "run {} of trial {} · {} · {}\n", run.id, run.trial, printable(&run.experiment), run.status)?;
    for (name, value) in facts(results, &run).into_iter().chain(provenance(&invocation)) {
        writeln!(out, "  {name:18} {}", printable(&value))?;
    }
    if !epochs.is_empty() {
        writeln!(out, "\n{}", table(&epochs))?;
    }
    for name in DRAWN {
        let values: Vec<f64> = epochs.iter().filter_map(|epoch| metric(epoch, name)).collect();
        if let (Some(first), Some(last)) = (values.first(), values.last()) {
            writeln!(out, "  {name:18} {first:.4} {} {last:.4}", sparkline(&values))?;
        }
    }
    Ok(())
}

/// What the run itself says, by name.
pub fn facts(results: &Path, run: &RecordedRun) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| facts.extend(value.map(|value| (name.to_owned(), value)));
    add("error", run.error.clone());
    add("dataset", Some(run.dataset.clone()));
    add("in place of", run.fallback_for.clone());
    add("dataset folder", run.dataset_path.clone());
    add("dataset SHA-256", Some(run.dataset_sha256.clone()));
    add("validation", Some(run.validation.clone()));
    for (name, value) in &run.params {
        add(name, Some(value.to_string()));
    }
    for (name, value) in &run.results {
        add(name, Some(value.to_string()));
    }
    add("engine", Some(format!("{} on {}", run.engine, run.device)));
    add("started", Some(run.started_at.clone()));
    add("ended", Some(run.ended_at.clone()));
    let model = results.join(&run.experiment).join("models").join(format!("{}.safetensors", run.trial));
    add("weights", model.is_file().then(|| model.display().to_string()));
    facts
}

/// What the run was made by, by name.
pub fn provenance(invocation: &Invocation) -> Vec<(String, String)> {
    let commit = invocation.git_commit.as_ref().map(|commit| match invocation.git_dirty {
        Some(true) => format!("{commit} with uncommitted changes"),
        _ => commit.clone(),
    });
    let facts = [
        ("program", Some(invocation.program_version.clone())),
        ("commit", commit),
        ("candle", invocation.candle_version.clone()),
        ("cpu", Some(invocation.cpu.clone())),
        ("instructions", Some(invocation.instruction_set.clone())),
        ("host", Some(invocation.host.clone())),
        ("os", Some(invocation.os.clone())),
        ("jobs", Some(invocation.jobs.to_string())),
        ("command", Some(invocation.command_line.clone())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The metric `name` of an epoch.
pub fn metric(epoch: &EpochMetrics, name: &str) -> Option<f64> {
    epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}

fn table(epochs: &[EpochMetrics]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in epochs.iter().flat_map(|epoch| &epoch.metrics) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(
        ["epoch", "step"].into_iter().chain(names.iter().copied()).map(|name| printable(name).into_owned()),
    );
    for epoch in epochs {
        let mut row = vec![epoch.epoch.to_string(), epoch.step.to_string()];
        row.extend(
            names.iter().map(|name| metric(epoch, name).map_or_else(String::new, |value| format!("{value:.6}"))),
        );
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
