//! `runner import PATH -r DIR`: reads the CSV or JSON of `report export` into a results folder.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, Result, bail};
use tracking::atomic_file::AtomicFile;
use tracking::{DATABASE, Digest, Reader, RecordError, Sink, Store, read_csv, read_json, shell};

use crate::cli::ImportArgs;
use crate::cmd::merge::{INCOMPLETE, lacks_weights, merge_all};
use crate::output::output;

/// Reads the record into a new store and checks its digest. The new store becomes the store of the
/// results folder, or its runs are merged into an existing store.
pub fn import(args: &ImportArgs) -> Result<ExitCode> {
    let (path, results) = (&args.path, &args.results);
    if path.join("runs.parquet").is_file() {
        bail!(
            "{} is a Parquet export, which import cannot read: export csv or json instead",
            path.display()
        );
    }
    let building = tempfile::tempdir().context("cannot create a temporary folder")?;
    if path.join(DATABASE).is_file() {
        bail!(
            "{} is a results folder: merge it with {}",
            path.display(),
            shell::next_command("runner", "merge", &args.results, &[&path.to_string_lossy()])
        );
    }
    let name = name(path);
    let restored = Store::restore(building.path(), |sink| read(path, sink));
    let digest = restored.map_err(|error| match error {
        // It names the file and the line.
        RecordError::Input { .. } => Error::from(error),
        error => Error::from(error).context(format!("cannot import {name}")),
    })?;
    anstream::eprintln!(
        "{}",
        tracking::printable(&format!("{name}: digest {digest} matches the export"))
    );
    if place_store(&building.path().join(DATABASE), results)
        .with_context(|| format!("cannot write to {}", results.display()))?
    {
        print_imported(&name, results)
    } else {
        merge_all(&[(name, building.path().to_owned())], results)
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path, sink: &mut dyn Sink) -> Result<Digest, RecordError> {
    if path.is_dir() {
        return read_csv(path, sink);
    }
    if is_standard_input(path) {
        return read_json(io::stdin().lock(), &name(path), sink);
    }
    let unreadable =
        |error: io::Error| RecordError::Input { place: name(path), reason: error.to_string() };
    read_json(BufReader::new(File::open(path).map_err(unreadable)?), &name(path), sink)
}

/// Prefix of the file name of an unfinished store.
pub const TEMPORARY: &str = "tracking.db.import-";

/// Makes `database` the store of `results` in one atomic step. Returns false if a store exists.
fn place_store(database: &Path, results: &Path) -> io::Result<bool> {
    let target = results.join(DATABASE);
    if target.exists() {
        return Ok(false);
    }
    std::fs::create_dir_all(results)?;
    let mut file = AtomicFile::create(results, TEMPORARY)?;
    io::copy(&mut File::open(database)?, &mut file)?;
    file.sync()?;
    file.persist_new(&target)
}

/// Reports the imported runs and the weights that an export does not contain.
fn print_imported(name: &str, results: &Path) -> Result<ExitCode> {
    let store = Store::open(results)?;
    let (mut runs, mut without_weights) = (0, 0);
    for experiment in store.experiments()? {
        store.export_csv(&experiment.name)?;
        for run in store.all_runs(&experiment.name)? {
            runs += 1;
            without_weights += usize::from(lacks_weights(&run, results));
        }
    }
    writeln!(output(), "{}", tracking::printable(&format!("{name}: {runs} added")))?;
    let warn = |warning: String| {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {warning}")))
    };
    if without_weights > 0 {
        warn(format!(
            "runs without weights: {without_weights}; exports contain none: copy EXPERIMENT/models \
             from the original results folder, or use --rerun to recreate them"
        ));
    }
    // Checks all runs, including those that a rerun has replaced.
    let reader = Reader::open(results)?;
    reader.verify(None)?;
    let issues = reader.integrity_issues();
    issues.iter().for_each(|issue| warn(issue.to_string()));
    Ok(if issues.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}
