//! `runner gc`: shows what no result needs and deletes it with `--yes`.

mod disk;
mod programs;

use std::collections::{BTreeMap, HashSet};
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
use crate::cmd::run_files;
use crate::cmd::trash::trash;
use crate::executor::program::log;
use crate::executor::program::trial_folder::TrialFolder;
use crate::output::output;
use crate::sweep::records::TEMPORARY;
use disk::{files, size, used};
use programs::ProgramFiles;

/// No program writes to a temporary file that is older than this.
const ABANDONED: Duration = Duration::from_secs(3600);

/// What can be deleted. Each file and folder comes with a description.
#[derive(Default)]
struct Garbage {
    files: Vec<(PathBuf, u64, &'static str)>,
    /// Checkpoints of killed runs in the store or in folders of programs, and their sizes.
    checkpoints: BTreeMap<RunId, u64>,
    superseded: Vec<RecordedRun>,
    folders: Vec<(PathBuf, &'static str)>,
    /// Folders of programs, each with the killed run that can resume from it.
    programs: Vec<(Option<RunId>, TrialFolder)>,
    trash: Option<u64>,
}

/// Shows what can be deleted, or deletes it.
pub fn gc(args: &GcArgs) -> Result<ExitCode> {
    // A reader fails on a folder without a store; `Store::open` would create one.
    drop(Reader::open(&args.results)?);
    let mut store = Store::open(&args.results)?;
    let garbage = Garbage::find(args, &store)?;
    let mut out = output();
    if garbage.is_empty() {
        writeln!(out, "nothing to delete")?;
        return Ok(ExitCode::SUCCESS);
    }
    garbage.print(&mut out)?;
    if !args.yes {
        writeln!(out, "\nnothing was deleted; use --yes to delete all of this")?;
        return Ok(ExitCode::SUCCESS);
    }
    let before = used(&args.results);
    garbage.delete(&args.results, &mut store)?;
    writeln!(out, "\ndeleted; freed {}", size(before.saturating_sub(used(&args.results))))?;
    Ok(ExitCode::SUCCESS)
}

impl Garbage {
    fn find(args: &GcArgs, store: &Store) -> Result<Self> {
        let mut garbage = Self::default();
        for experiment in store.experiments()? {
            garbage.add_experiment(args, store, &experiment.name)?;
        }
        for (run, bytes) in store.abandoned_checkpoints()? {
            *garbage.checkpoints.entry(run.id).or_default() += bytes;
        }
        for (path, name) in files(&args.results) {
            if name.starts_with(&format!("{DATABASE}.schema-")) && is_older(&path, args.older_than)
            {
                garbage.add_file(path, "copy of the store before a migration");
            } else if name.starts_with(import::TEMPORARY) && is_abandoned(&path, args) {
                garbage.add_file(path, "unfinished file");
            }
        }
        let exports = std::fs::read_dir(args.results.join("export")).into_iter().flatten();
        for entry in exports.flatten() {
            let is_unfinished =
                entry.file_name().to_string_lossy().starts_with(atomic_file::EXPORT_PREFIX);
            if is_unfinished && is_abandoned(&entry.path(), args) {
                garbage.folders.push((entry.path(), "unfinished export"));
            }
        }
        let trash = trash(&args.results);
        if is_older(&trash.join(DATABASE), args.older_than) {
            garbage.trash = Some(used(&trash));
        }
        Ok(garbage)
    }

    fn add_experiment(&mut self, args: &GcArgs, store: &Store, experiment: &str) -> Result<()> {
        let age_limit = SystemTime::now().checked_sub(args.older_than);
        let before = timestamp(age_limit.unwrap_or(SystemTime::UNIX_EPOCH));
        let programs = ProgramFiles::list(&args.results, experiment);
        let all = store.all_runs(experiment)?;
        let effective: HashSet<RunId> =
            store.runs(experiment)?.into_iter().map(|run| run.id).collect();
        // A damaged run stays: its trial and status are not reliable.
        let superseded = all.iter().filter(|run| {
            run.is_intact()
                && !effective.contains(&run.id)
                && run.status != Status::Running
                && run.started_at < before
        });
        self.superseded.extend(superseded.cloned());
        self.add_programs(args, programs, &all);
        let needed: HashSet<String> = all
            .iter()
            .filter(|run| matches!(run.status, Status::Finished | Status::Running))
            .map(|run| format!("{}.safetensors", run.trial))
            .collect();
        let merged = merged_attempts(args, experiment, &all)?;
        self.folders.extend(merged.into_iter().map(|folder| (folder, "merged attempt")));
        let folder = args.results.join(experiment);
        let models = files(&folder.join("models"));
        for (path, name) in &models {
            if name.ends_with(".safetensors") && !name.starts_with('.') && !needed.contains(name) {
                self.add_file(path.clone(), "weights without a run");
            }
        }
        for (path, name) in files(&folder).into_iter().chain(models) {
            if (name.starts_with(TEMPORARY) || name.starts_with(atomic_file::CSV_PREFIX))
                && is_abandoned(&path, args)
            {
                self.add_file(path, "unfinished file");
            }
        }
        Ok(())
    }

    fn add_programs(&mut self, args: &GcArgs, programs: ProgramFiles, runs: &[RecordedRun]) {
        for path in programs.logs_without_run(runs) {
            self.add_file(path, "log without a run");
        }
        for (path, name) in &programs.logs {
            if name.starts_with(log::TEMPORARY) && is_abandoned(path, args) {
                self.add_file(path.clone(), "unfinished file");
            }
        }
        for (killed, folder) in programs.idle_folders(runs) {
            if let Some(run) = &killed {
                *self.checkpoints.entry(run.clone()).or_default() += used(folder.path());
            }
            self.programs.push((killed, folder));
        }
    }

    fn add_file(&mut self, path: PathBuf, what: &'static str) {
        let bytes = path.metadata().map_or(0, |file| file.len());
        self.files.push((path, bytes, what));
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.checkpoints.is_empty()
            && self.superseded.is_empty()
            && self.folders.is_empty()
            && self.programs.is_empty()
            && self.trash.is_none()
    }

    fn print(&self, out: &mut impl Write) -> Result<()> {
        for (path, bytes, what) in &self.files {
            let path = path.display().to_string();
            writeln!(out, "{:>9}  {what} {}", size(*bytes), tracking::printable(&path))?;
        }
        for (run, bytes) in &self.checkpoints {
            writeln!(
                out,
                "{:>9}  checkpoint of unfinished run {run}; without it, the trial restarts",
                size(*bytes)
            )?;
        }
        for run in &self.superseded {
            writeln!(out, "           superseded run {}", run.id)?;
        }
        let ended = self.programs.iter().filter(|(killed, _)| killed.is_none());
        let ended = ended.map(|(_, folder)| {
            let path = folder.path();
            let path = if path.exists() { path.to_owned() } else { folder.lock() };
            (path, "files of an ended program")
        });
        let folders = self.folders.iter().cloned();
        for (folder, what) in ended.chain(folders) {
            let path = folder.display().to_string();
            writeln!(out, "{:>9}  {what} {}", size(used(&folder)), tracking::printable(&path))?;
        }
        if let Some(bytes) = self.trash {
            writeln!(out, "{:>9}  trash", size(bytes))?;
        }
        Ok(())
    }

    fn delete(&self, results: &Path, store: &mut Store) -> Result<()> {
        let checkpoints: Vec<RunId> = self.checkpoints.keys().cloned().collect();
        store.delete_checkpoints(&checkpoints)?;
        let superseded: Vec<RunId> = self.superseded.iter().map(|run| run.id.clone()).collect();
        store.delete_runs(&superseded)?;
        for path in self.superseded.iter().flat_map(|run| run_files::logs(results, run)) {
            run_files::remove(&path)?;
        }
        for (run, folder) in &self.programs {
            let removed = match run {
                Some(run) => folder.remove_if_of(run),
                None if folder.is_in_use() => Ok(()),
                None => folder.remove(),
            };
            removed.with_context(|| format!("cannot remove {}", folder.path().display()))?;
        }
        for (path, ..) in &self.files {
            std::fs::remove_file(path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let trash = self.trash.map(|_| trash(results));
        for path in self.folders.iter().map(|(path, _)| path).chain(&trash) {
            std::fs::remove_dir_all(path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
        store.compact()?;
        Ok(())
    }
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

fn is_older(path: &Path, age: Duration) -> bool {
    let changed = path.metadata().and_then(|file| file.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed >= age))
}

/// Whether no program writes to the temporary file or folder any more.
fn is_abandoned(path: &Path, args: &GcArgs) -> bool {
    is_older(path, ABANDONED.min(args.older_than))
}
