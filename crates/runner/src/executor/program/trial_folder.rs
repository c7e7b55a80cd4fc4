//! The folder of a trial that a program trains. It survives the death of the runner, so that the
//! next one loses neither output nor checkpoint.
//!
//! It has the files `stdout` and `stderr`, which the program writes to; `params.json`; `checkpoint/`,
//! which belongs to the program; `run`, the id of the run; `attempts`, the length of `stdout` at the
//! start of each process; and `seconds`, the time that a failed run took. The supervisor locks the
//! file `TRIAL.lock` beside it until the program has ended, and the runner locks it while it changes
//! the folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tracking::program_files::{RUN_FILE, trial_folder};
use tracking::{RecordedRun, RunId, TrialId};

/// File with the time that a failed run took.
const SECONDS_FILE: &str = "seconds";
/// The time between two attempts to lock a trial.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// The folder of a trial.
pub struct TrialFolder {
    path: PathBuf,
}

impl TrialFolder {
    /// The folder of a trial in a results folder. It may not exist yet.
    pub fn new(results: &Path, experiment: &str, trial: &TrialId) -> Self {
        Self { path: trial_folder(results, experiment, trial) }
    }

    /// The folder of the trial of a recorded run.
    pub fn of(results: &Path, run: &RecordedRun) -> Self {
        Self::new(results, &run.experiment, &run.trial)
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
        File::open(self.lock()).is_ok_and(|lock| is_locked(&lock))
    }

    /// Whether the run can resume: it saved something in its checkpoint folder.
    pub fn can_resume(&self, run: &RunId) -> bool {
        self.is_of(run) && self.has_checkpoint()
    }

    /// Waits until no process of the trial lives: the supervisor of a killed runner ends them. `None`
    /// if the sweep must stop before. As long as the file is open, no process of the trial starts.
    pub fn lock_when_free(&self, stop_requested: &dyn Fn() -> bool) -> Result<Option<File>> {
        let parent = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the folder {}", parent.display()))?;
        let lock = File::create(self.lock())
            .with_context(|| format!("cannot create {}", self.lock().display()))?;
        while is_locked(&lock) {
            if stop_requested() {
                return Ok(None);
            }
            std::thread::sleep(LOCK_INTERVAL);
        }
        Ok(Some(lock))
    }

    /// Takes over what another attempt at the same shard saved for the trial. A rename is atomic, so
    /// at most one attempt succeeds.
    ///
    /// # Errors
    /// If the files cannot be renamed. Then this attempt begins anew.
    pub fn adopt(&self, other: &Self) -> io::Result<()> {
        if self.path.exists() || !other.has_checkpoint() || other.is_in_use() {
            return Ok(());
        }
        fs::rename(&other.path, &self.path)?;
        // A program of the other attempt that is still alive must not write to this file.
        let copy = self.path.join("stdout.copy");
        fs::copy(self.stdout(), &copy)?;
        fs::rename(copy, self.stdout())
    }

    /// Whether the program saved something in its checkpoint folder.
    pub fn has_checkpoint(&self) -> bool {
        fs::read_dir(self.checkpoint()).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Prepares the folder for a process of `run`. A resumed run keeps its files, and so does the run
    /// after one without a result, unless it must begin `anew`. Any other starts with an empty
    /// folder.
    pub fn prepare(&self, run: &RunId, params: &str, anew: bool) -> Result<()> {
        let prepare = || {
            if !self.has_checkpoint() || (anew && !self.is_of(run)) {
                self.remove_folder()?;
                fs::create_dir_all(self.checkpoint())?;
            }
            if !self.is_of(run) {
                // Without the id the checkpoint would be lost, so the file is never half-written.
                let unfinished = self.path.join("run.new");
                fs::write(&unfinished, run.as_str())?;
                fs::rename(unfinished, self.path.join(RUN_FILE))?;
            }
            fs::write(self.params(), params)?;
            let start = self.stdout().metadata().map_or(0, |file| file.len());
            append(&self.path.join("attempts"))?.write_all(format!("{start}\n").as_bytes())
        };
        prepare().with_context(|| format!("cannot prepare the folder {}", self.path.display()))
    }

    /// The lengths of `stdout` at which the processes of the run began.
    pub fn attempts(&self) -> io::Result<Vec<u64>> {
        let text = fs::read_to_string(self.path.join("attempts"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// The time that the processes of a failed run took.
    pub fn elapsed(&self) -> Duration {
        let seconds = fs::read_to_string(self.path.join(SECONDS_FILE)).ok();
        let seconds = seconds.and_then(|text| text.parse().ok());
        seconds.and_then(|text| Duration::try_from_secs_f64(text).ok()).unwrap_or_default()
    }

    /// Stores the time of all processes, for the run that follows a failed one.
    pub fn set_elapsed(&self, elapsed: Duration) -> io::Result<()> {
        fs::write(self.path.join(SECONDS_FILE), elapsed.as_secs_f64().to_string())
    }

    /// Removes the folder and the lock, unless the folder belongs to another run by now or a process
    /// uses it.
    pub fn remove_if_of(&self, run: &RunId) -> io::Result<()> {
        let Ok(lock) = File::open(self.lock()) else { return Ok(()) };
        if is_locked(&lock) {
            return Ok(());
        }
        // A kill may have interrupted an earlier removal after it deleted the id.
        let belongs_to_none = !self.path.join(RUN_FILE).exists();
        if self.is_of(run) || belongs_to_none { self.remove() } else { Ok(()) }
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

/// Locks the file, unless another process has locked it. A file system without locks must not
/// prevent a run.
fn is_locked(lock: &File) -> bool {
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

fn ignore_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Opens a file to which every write appends.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
