//! Opens the store of a results folder.

use std::path::Path;

use anyhow::{Context, Result};
use tracking::{Reader, StoreError, shell};

/// Opens the store of `results`.
///
/// # Errors
/// If there is no store. The error then names the command that makes one.
pub fn open(results: &Path) -> Result<Reader> {
    Reader::open(results).map_err(|error| match error {
        StoreError::NoStore { .. } => anyhow::anyhow!("{error}; {}", run_advice(results)),
        error => error.into(),
    })
}

/// Advice on filling an empty results folder.
pub fn run_advice(results: &Path) -> String {
    let file = if shell::has_verbs() { "EXPERIMENT.toml" } else { "experiments/batch_sweep.toml" };
    let command = shell::next_command("runner", "run", results, &[file]);
    format!("run an experiment first: {command}")
}

/// The run with this id, or the newest run of the trial with this id.
pub fn find(reader: &Reader, results: &Path, id: &str) -> Result<tracking::RecordedRun> {
    if reader.experiments()?.iter().any(|experiment| experiment.name == id) {
        anyhow::bail!(
            "'{id}' is an experiment: expected the id of a run or trial, as in its runs.csv"
        );
    }
    reader.find(id).with_context(|| format!("in {}", results.display()))
}
