//! One file a command; what they share of opening a store.

pub mod compare;
pub mod diff;
mod diff_sets;
pub mod export;
mod export_to;
pub mod html;
pub mod serve;
pub mod show;
mod side;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tracking::{Reader, StoreError};

use crate::format::text::USUAL_WIDTH;

/// Something of the store is not as it was recorded.
const DAMAGED: u8 = 1;

/// Opens the store of `results`; where there is none, the error says what to run.
pub fn open(results: &Path) -> Result<Reader> {
    Reader::open(results).map_err(|error| match error {
        StoreError::NoStore { .. } => anyhow::anyhow!("{error}; {}", what_to_run(results)),
        error => error.into(),
    })
}

/// The command that fills a results folder.
fn what_to_run(results: &Path) -> String {
    let option = if results == Path::new("results") {
        String::new()
    } else {
        format!(" -r {}", results.display())
    };
    format!("run an experiment first: cargo run -p runner --{option} experiments/batch_sweep.toml")
}

/// The run that an id means.
fn find(reader: &Reader, results: &Path, id: &str) -> Result<tracking::RecordedRun> {
    if reader.experiments()?.iter().any(|experiment| experiment.name == id) {
        anyhow::bail!(
            "'{id}' is an experiment: expected the id of a run or a trial, as in its runs.csv"
        );
    }
    reader.find(id).with_context(|| format!("cannot find a run in {}", results.display()))
}

/// Says what of the store is damaged, and left out of what was printed.
fn damage(reader: &Reader, results: &Path) -> ExitCode {
    let damage = reader.damage();
    for it in &damage {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {it}")));
    }
    if damage.is_empty() {
        return ExitCode::SUCCESS;
    }
    let option = if results == Path::new("results") {
        String::new()
    } else {
        format!(" -r {}", results.display())
    };
    let advice = format!(
        "what was changed is left out of tables; what differs: cargo run -p runner -- verify --all{option}; the runner's \
         usual command has again what is missing"
    );
    anstream::eprintln!("{}", tracking::printable(&advice));
    ExitCode::from(DAMAGED)
}

/// Columns of the terminal, or as many as a page usually has.
fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    terminal.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0))
}
