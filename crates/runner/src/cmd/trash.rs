//! `runner delete` and `runner restore`: move runs to the trash and back. The trash is a results
//! folder inside the results folder.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tracking::{FindError, IdPrefix, Reader, RecordedRun, RunId, Status, Store, shell};

use crate::cli::MoveArgs;
use crate::cmd::run_files;
use crate::output::output;
use crate::sweep::records::model_path;

/// Path of the trash of a results folder.
pub fn trash(results: &Path) -> PathBuf {
    results.join(".trash")
}

/// Moves runs to the trash.
pub fn delete(args: &MoveArgs) -> Result<ExitCode> {
    let moved = move_runs(&args.what, &args.results, &trash(&args.results))?;
    let mut out = output();
    let what: Vec<&str> = args.what.iter().map(String::as_str).collect();
    let line = format!(
        "moved {} to {}; undo with: {}",
        run_count(moved),
        trash(&args.results).display(),
        shell::next_command("runner", "restore", &args.results, &what)
    );
    writeln!(out, "{}", tracking::printable(&line))?;
    Ok(ExitCode::SUCCESS)
}

/// Moves runs back from the trash.
pub fn restore(args: &MoveArgs) -> Result<ExitCode> {
    let trash = trash(&args.results);
    if !trash.join(tracking::DATABASE).is_file() {
        bail!("{} has no trash: nothing can be restored", args.results.display());
    }
    let moved = move_runs(&args.what, &trash, &args.results)?;
    if Reader::open(&trash)?.experiments()?.is_empty() {
        std::fs::remove_dir_all(&trash)
            .with_context(|| format!("cannot remove {}", trash.display()))?;
    }
    writeln!(output(), "restored {} to {}", run_count(moved), args.results.display())?;
    Ok(ExitCode::SUCCESS)
}

fn run_count(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

/// Copies the runs and then deletes them. After an interruption between the two steps, both folders
/// have the runs, and the same command completes the move.
fn move_runs(what: &[String], from: &Path, to: &Path) -> Result<usize> {
    let source = Reader::open(from)?;
    let mut runs: Vec<RecordedRun> = Vec::new();
    for argument in what {
        runs.extend(
            selected_runs(&source, argument).with_context(|| format!("in {}", from.display()))?,
        );
    }
    if let Some(run) = runs.iter().find(|run| run.status == Status::Running) {
        bail!(
            "run {} of '{}' is still running: stop it first",
            run.id,
            tracking::printable(&run.experiment)
        );
    }
    let ids: HashSet<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    let report =
        Store::open(to)?.merge(&source, &|run| ids.contains(&run.id), true, &mut |run| {
            run_files::copy(from, to, run)
        })?;
    if let Some(conflict) = report.conflicts.first() {
        bail!("{conflict}; nothing was deleted");
    }
    drop(source);
    for run in &runs {
        run_files::move_trial_folder(from, to, run)?;
    }
    let mut store = Store::open(from)?;
    let ids: Vec<RunId> = ids.into_iter().collect();
    store.delete_runs(&ids)?;
    let experiments: HashSet<&str> = runs.iter().map(|run| run.experiment.as_str()).collect();
    for experiment in experiments {
        update_files(&store, from, experiment, &runs)?;
        Store::open(to)?.export_csv(experiment)?;
    }
    Ok(ids.len())
}

/// The runs that a command line argument selects: all of an experiment, all of a trial, or one.
fn selected_runs(reader: &Reader, what: &str) -> Result<Vec<RecordedRun>> {
    if reader.experiments()?.iter().any(|experiment| experiment.name == what) {
        return Ok(reader.all_runs(what)?);
    }
    let found = match reader.find(what) {
        Err(FindError::NotFound(_)) => {
            bail!("no experiment has the name '{what}', and no run or trial id starts with it")
        }
        found => found?,
    };
    let whole_trial = !found.id.as_str().starts_with(&IdPrefix::parse(what).digits);
    let mut runs = reader.all_runs(&found.experiment)?;
    runs.retain(|run| run.id == found.id || (whole_trial && run.trial == found.trial));
    Ok(runs)
}

/// Updates the files after runs were deleted: removes their logs and the weights of trials without a
/// finished run, and rewrites the CSV files.
fn update_files(
    store: &Store,
    results: &Path,
    experiment: &str,
    deleted: &[RecordedRun],
) -> Result<()> {
    let remaining = store.all_runs(experiment)?;
    let finished: HashSet<_> = remaining
        .iter()
        .filter(|run| run.status == Status::Finished)
        .map(|run| &run.trial)
        .collect();
    let deleted = || deleted.iter().filter(|run| run.experiment == experiment);
    let mut files: Vec<PathBuf> = deleted().flat_map(|run| run_files::logs(results, run)).collect();
    let gone = deleted().filter(|run| !finished.contains(&run.trial));
    files.extend(gone.map(|run| model_path(results, experiment, &run.trial)));
    let folder = results.join(experiment);
    if remaining.is_empty() {
        files.extend(["runs.csv", "epochs.csv"].map(|name| folder.join(name)));
    } else {
        store.export_csv(experiment)?;
    }
    for file in files {
        run_files::remove(&file)?;
    }
    if remaining.is_empty() {
        let logs = tracking::program_files::logs_folder(results, experiment);
        let programs = tracking::program_files::programs_folder(results, experiment);
        for folder in [folder.join("models"), logs, programs, folder] {
            // Fails on folders with other files, which must stay.
            let _ = std::fs::remove_dir(folder);
        }
    }
    Ok(())
}
