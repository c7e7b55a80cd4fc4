//! `runner gc`: shows what no result needs and deletes it with `--yes`.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tracking::{
    DATABASE, Reader, RecordedRun, RunId, Status, Store, TrialId, atomic_file, timestamp,
};

use crate::cli::GcArgs;
use crate::cluster::attempt;
use crate::cmd::import;
use crate::cmd::trash::trash;
use crate::output::output;
use crate::sweep::records::TEMPORARY;

/// No program still writes to a temporary file that is older than this.
const ABANDONED: Duration = Duration::from_secs(3600);

/// What can be deleted. Each file and folder comes with a description.
#[derive(Default)]
struct Garbage {
    files: Vec<(PathBuf, u64, &'static str)>,
    checkpoints: Vec<(RunId, u64)>,
    superseded: Vec<RunId>,
    folders: Vec<(PathBuf, &'static str)>,
    trash: Option<u64>,
}

/// Shows what can be deleted, or deletes it.
pub fn gc(args: &GcArgs) -> Result<ExitCode> {
    // A reader fails on a folder without a store; `Store::open` would create one.
    drop(Reader::open(&args.results)?);
    let mut store = Store::open(&args.results)?;
    let garbage = garbage(args, &store)?;
    let mut out = output();
    for (path, bytes, what) in &garbage.files {
        writeln!(
            out,
            "{:>9}  {what} {}",
            size(*bytes),
            tracking::printable(&path.display().to_string())
        )?;
    }
    for (run, bytes) in &garbage.checkpoints {
        writeln!(
            out,
            "{:>9}  checkpoint of stopped run {run}; without it, the trial restarts",
            size(*bytes)
        )?;
    }
    for run in &garbage.superseded {
        writeln!(out, "           superseded run {run}")?;
    }
    for (folder, what) in &garbage.folders {
        let shown = folder.display().to_string();
        writeln!(out, "{:>9}  {what} {}", size(used(folder)), tracking::printable(&shown))?;
    }
    if let Some(bytes) = garbage.trash {
        writeln!(out, "{:>9}  trash", size(bytes))?;
    }
    if garbage.is_empty() {
        writeln!(out, "nothing to delete")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes {
        writeln!(out, "\nnothing was deleted; use --yes to delete all of this")?;
        return Ok(ExitCode::SUCCESS);
    }
    let before = used(&args.results);
    let checkpoints: Vec<RunId> = garbage.checkpoints.iter().map(|(run, _)| run.clone()).collect();
    store.delete_checkpoints(&checkpoints)?;
    store.delete_runs(&garbage.superseded)?;
    for (path, ..) in &garbage.files {
        std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let trash = garbage.trash.map(|_| trash(&args.results));
    for path in garbage.folders.iter().map(|(path, _)| path).chain(&trash) {
        std::fs::remove_dir_all(path)
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    store.compact()?;
    writeln!(out, "\ndeleted; freed {}", size(before.saturating_sub(used(&args.results))))?;
    Ok(ExitCode::SUCCESS)
}

fn garbage(args: &GcArgs, store: &Store) -> Result<Garbage> {
    let mut garbage = Garbage::default();
    let before =
        timestamp(SystemTime::now().checked_sub(args.older_than).unwrap_or(SystemTime::UNIX_EPOCH));
    for experiment in store.experiments()? {
        let all = store.all_runs(&experiment.name)?;
        let effective: HashSet<RunId> =
            store.runs(&experiment.name)?.into_iter().map(|run| run.id).collect();
        // A damaged run stays: its trial and status are not reliable.
        let superseded = all.iter().filter(|run| {
            run.is_intact()
                && !effective.contains(&run.id)
                && run.status != Status::Running
                && run.started_at < before
        });
        garbage.superseded.extend(superseded.map(|run| run.id.clone()));
        let needed: HashSet<String> = all
            .iter()
            .filter(|run| matches!(run.status, Status::Finished | Status::Running))
            .map(|run| format!("{}.safetensors", run.trial))
            .collect();
        let merged = merged_attempts(args, &experiment.name, &all)?;
        garbage.folders.extend(merged.into_iter().map(|folder| (folder, "merged attempt")));
        let folder = args.results.join(&experiment.name);
        for (path, name) in files(&folder.join("models")) {
            if name.ends_with(".safetensors") && !name.starts_with('.') && !needed.contains(&name) {
                garbage.file(path, "weights without a run");
            }
        }
        for (path, name) in files(&folder).into_iter().chain(files(&folder.join("models"))) {
            if (name.starts_with(TEMPORARY) || name.starts_with(atomic_file::CSV_PREFIX))
                && is_older(&path, ABANDONED.min(args.older_than))
            {
                garbage.file(path, "unfinished file");
            }
        }
    }
    for (run, bytes) in store.abandoned_checkpoints()? {
        garbage.checkpoints.push((run.id, bytes));
    }
    for (path, name) in files(&args.results) {
        if name.starts_with(&format!("{DATABASE}.schema-")) && is_older(&path, args.older_than) {
            garbage.file(path, "copy of the store before a migration");
        } else if name.starts_with(import::TEMPORARY)
            && is_older(&path, ABANDONED.min(args.older_than))
        {
            garbage.file(path, "unfinished file");
        }
    }
    for entry in std::fs::read_dir(args.results.join("export")).into_iter().flatten().flatten() {
        let is_unfinished =
            entry.file_name().to_string_lossy().starts_with(atomic_file::EXPORT_PREFIX);
        if is_unfinished && is_older(&entry.path(), ABANDONED.min(args.older_than)) {
            garbage.folders.push((entry.path(), "unfinished export"));
        }
    }
    let trash = trash(&args.results);
    if is_older(&trash.join(DATABASE), args.older_than) {
        garbage.trash = Some(used(&trash));
    }
    Ok(garbage)
}

/// Folders of attempts that are merged: the store has each of their runs, or a result of the trial.
fn merged_attempts(
    args: &GcArgs,
    experiment: &str,
    merged: &[RecordedRun],
) -> Result<Vec<PathBuf>> {
    let runs: HashSet<&RunId> = merged.iter().map(|run| &run.id).collect();
    let done: HashSet<&TrialId> = merged
        .iter()
        .filter(|run| run.is_intact() && run.has_result())
        .map(|run| &run.trial)
        .collect();
    let is_in_store = |run: &RecordedRun| {
        runs.contains(&run.id) || (run.has_result() && done.contains(&run.trial))
    };
    let is_merged = |folder: &PathBuf| {
        let all = Reader::open(folder).and_then(|reader| reader.all_runs(experiment));
        is_older(&folder.join(DATABASE), args.older_than)
            && all.is_ok_and(|all| all.iter().all(is_in_store))
    };
    Ok(attempt::find(&args.results, experiment)?
        .into_iter()
        .map(|attempt| attempt.path)
        .filter(is_merged)
        .collect())
}

impl Garbage {
    fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.checkpoints.is_empty()
            && self.superseded.is_empty()
            && self.folders.is_empty()
            && self.trash.is_none()
    }

    fn file(&mut self, path: PathBuf, what: &'static str) {
        let bytes = path.metadata().map_or(0, |file| file.len());
        self.files.push((path, bytes, what));
    }
}

/// The regular files of a folder and their names, sorted. Empty without a folder.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let plain = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut files: Vec<_> = plain
        .map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned()))
        .collect();
    files.sort();
    files
}

fn is_older(path: &Path, age: Duration) -> bool {
    let changed = path.metadata().and_then(|file| file.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed >= age))
}

/// Total size of all files in a folder, in bytes.
fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => used(&entry.path()),
            _ => entry.metadata().map_or(0, |file| file.len()),
        })
        .sum()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
