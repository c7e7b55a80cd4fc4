//! The folder of a trial that a program trains. It survives the death of the runner, so that the
//! next one loses neither output nor checkpoint.
//!
//! It has the files `stdout` and `stderr`, which the program writes to; `params.json`; `checkpoint/`,
//! which belongs to the program; `run`, the id of the run; `attempts`, the length of `stdout` at the
//! start of each process; and `failed`, if the run has failed, so that the next run of the trial may
//! go on. The file `TRIAL.lock` beside it is locked as long as a process of the trial lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tracking::{RUN_FILE, RecordedRun, RunId, TrialId};

/// File that marks the folder of a failed run.
const FAILED_FILE: &str = "failed";
/// The time between two attempts to lock a trial.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// The folder of a trial.
pub struct TrialFolder {
    path: PathBuf,
}

impl TrialFolder {
    /// The folder of a trial in the folder of programs. It may not exist yet.
    pub fn new(programs: &Path, trial: &TrialId) -> Self {
        Self { path: programs.join(trial.as_str()) }
    }

    /// The folder of the trial of a recorded run.
    pub fn of(results: &Path, run: &RecordedRun) -> Self {
        Self { path: tracking::trial_folder(results, &run.experiment, &run.trial) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run used the folder last.
    pub fn is_of(&self, run: &RunId) -> bool {
        fs::read_to_string(self.path.join(RUN_FILE)).is_ok_and(|id| id == run.as_str())
    }

    /// Whether a process of the trial lives.
    pub fn is_in_use(&self) -> bool {
        let lock = File::open(self.lock());
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Whether the run can go on: it saved something in its checkpoint folder.
    pub fn can_resume(&self, run: &RunId) -> bool {
        self.is_of(run) && self.has_checkpoint()
    }

    /// Waits until no process of the trial lives: the supervisor of a killed runner ends them.
    pub fn wait_until_free(&self, stop_requested: &dyn Fn() -> bool) -> Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the folder {}", parent.display()))?;
        let lock = File::create(self.lock())
            .with_context(|| format!("cannot create {}", self.lock().display()))?;
        while let Err(TryLockError::WouldBlock) = lock.try_lock() {
            if stop_requested() {
                break;
            }
            std::thread::sleep(LOCK_INTERVAL);
        }
        Ok(())
    }

    /// Takes over what another attempt at the same shard saved for the trial, for `run`. A rename is
    /// atomic, so at most one attempt succeeds.
    pub fn adopt(&self, other: &Self, run: &RunId) -> Result<()> {
        if self.path.exists() || !other.has_checkpoint() {
            return Ok(());
        }
        let adopt = || {
            fs::rename(&other.path, &self.path)?;
            // A program that still runs there, against all rules, must not write to this file.
            let copy = self.path.join("stdout.copy");
            fs::copy(self.stdout(), &copy)?;
            fs::rename(copy, self.stdout())?;
            fs::write(self.path.join(RUN_FILE), run.as_str())
        };
        adopt().with_context(|| format!("cannot take over {}", other.path.display()))
    }

    /// Whether the program saved something in its checkpoint folder.
    fn has_checkpoint(&self) -> bool {
        fs::read_dir(self.checkpoint()).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Prepares the folder for a process of `run`: a run that goes on keeps what it has, and so does
    /// one after a failed run, unless it must begin `anew`. Any other starts with an empty folder.
    pub fn prepare(&self, run: &RunId, params: &str, anew: bool) -> Result<()> {
        let failed = self.path.join(FAILED_FILE);
        let prepare = || {
            let follows_failure = !anew && failed.exists() && self.has_checkpoint();
            if !follows_failure && !self.can_resume(run) {
                self.remove_folder()?;
                fs::create_dir_all(self.checkpoint())?;
            }
            fs::write(self.path.join(RUN_FILE), run.as_str())?;
            fs::write(self.params(), params)?;
            ignore_missing(fs::remove_file(&failed))?;
            let start = self.stdout().metadata().map_or(0, |file| file.len());
            let mut attempts = append(&self.path.join("attempts"))?;
            writeln!(attempts, "{start}")
        };
        prepare().with_context(|| format!("cannot prepare the folder {}", self.path.display()))
    }

    /// The lengths of `stdout` at which the processes of the run began.
    pub fn attempts(&self) -> io::Result<Vec<u64>> {
        let text = fs::read_to_string(self.path.join("attempts"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Keeps what a failed run saved for the next run of the trial.
    pub fn keep_after_failure(&self) -> io::Result<()> {
        if self.has_checkpoint() {
            return fs::write(self.path.join(FAILED_FILE), "");
        }
        self.remove()
    }

    /// Removes the folder and the lock.
    pub fn remove(&self) -> io::Result<()> {
        self.remove_folder()?;
        ignore_missing(fs::remove_file(self.lock()))
    }

    fn remove_folder(&self) -> io::Result<()> {
        ignore_missing(fs::remove_dir_all(&self.path))
    }

    pub fn stdout(&self) -> PathBuf {
        self.path.join("stdout")
    }

    pub fn stderr(&self) -> PathBuf {
        self.path.join("stderr")
    }

    pub fn params(&self) -> PathBuf {
        self.path.join("params.json")
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint")
    }

    pub fn lock(&self) -> PathBuf {
        self.path.with_extension("lock")
    }
}

fn ignore_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Removes the folders of runs that have a result: their runner was killed before it could.
///
/// # Errors
/// If the record cannot be read. A folder that cannot be removed stays for `gc`.
pub fn remove_ended(
    programs: &Path,
    with_result: &dyn Fn(&[RunId]) -> Result<Vec<RunId>>,
) -> Result<()> {
    let run_of = |folder: &Path| fs::read_to_string(folder.join(RUN_FILE)).ok()?.parse().ok();
    let entries = fs::read_dir(programs).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders: Vec<(PathBuf, RunId)> =
        entries.filter_map(|path| run_of(&path).map(|run| (path, run))).collect();
    if folders.is_empty() {
        return Ok(());
    }
    let runs: Vec<RunId> = folders.iter().map(|(_, run)| run.clone()).collect();
    let ended = with_result(&runs)?;
    for (path, _) in folders.into_iter().filter(|(_, run)| ended.contains(run)) {
        let _ = TrialFolder { path }.remove();
    }
    Ok(())
}

/// Opens a file to which every write appends.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
