//! Opens the store of a results folder.

use std::path::Path;

use anyhow::{Context, Result};
use tracking::{Reader, StoreError};

/// Opens the store of `results`; where there is none, the error says what to run.
pub fn open(results: &Path) -> Result<Reader> {
    Reader::open(results).map_err(|error| match error {
        StoreError::NoStore { .. } => anyhow::anyhow!("{error}; {}", run_advice(results)),
        error => error.into(),
    })
}

/// The command that fills a results folder.
pub fn run_advice(results: &Path) -> String {
    let option = if results == Path::new("results") {
        String::new()
    } else {
        format!(" -r {}", results.display())
    };
    format!("run an experiment first: cargo run -p runner --{option} experiments/batch_sweep.toml")
}

/// The run that an id means.
pub fn find(reader: &Reader, results: &Path, id: &str) -> Result<tracking::RecordedRun> {
    if reader.experiments()?.iter().any(|experiment| experiment.name == id) {
        anyhow::bail!(
            "'{id}' is an experiment: expected the id of a run or a trial, as in its runs.csv"
        );
    }
    reader.find(id).with_context(|| format!("cannot find a run in {}", results.display()))
}
