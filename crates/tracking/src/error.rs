//! Errors of a store.

use std::path::PathBuf;

use thiserror::Error;

/// Why a store cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The results folder has no store, or an empty one.
    #[error("no results in {}: it has no {} with recorded runs", .folder.display(), crate::DATABASE)]
    NoStore {
        /// The results folder.
        folder: PathBuf,
    },
    /// The results folder cannot be created or written.
    #[error("cannot use the results folder {}: {cause}; choose another folder with --results DIR", .folder.display())]
    Folder {
        /// The results folder.
        folder: PathBuf,
        /// Error of the system.
        cause: std::io::Error,
    },
    /// The file belongs to another program, or is not a database.
    #[error("{} is not a store of candle-sweep: {reason}; move the file, or choose another folder with --results DIR", .path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What the file is instead.
        reason: String,
    },
    /// Bytes of the database were changed or lost.
    #[error("{} is damaged: {reason}; restore a backup, or recover the readable rows with `sqlite3 {} .recover`", .path.display(), .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// Error of SQLite.
        reason: String,
    },
    /// The disk is full, or the program lacks the permission to write.
    #[error("cannot write {}: {reason}; committed results are safe: {advice}, then run the same command again", .path.display())]
    Unwritable {
        /// The database.
        path: PathBuf,
        /// Error of SQLite.
        reason: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Other programs keep the database locked.
    #[error("{} is busy: other programs have kept it locked for {} s; run the same command again", .path.display(), .waited.as_secs())]
    Busy {
        /// The database.
        path: PathBuf,
        /// How long this program waited.
        waited: std::time::Duration,
    },
    /// Another program began to write while this one was reading.
    #[error("{} changed while it was being read; run the same command again", .path.display())]
    ChangedDuringRead {
        /// The database.
        path: PathBuf,
    },
    /// Another program deleted or moved the database during recording.
    #[error("{} no longer exists: it was deleted or moved during recording; run the same command again", .path.display())]
    Deleted {
        /// The database.
        path: PathBuf,
    },
    /// A newer version wrote the store.
    #[error("{} was written by a newer version (schema {found}, this program supports up to {known}); update this program", .path.display())]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Schema version of the store.
        found: i64,
        /// Newest schema version that this program supports.
        known: i64,
    },
    /// Any other error of SQLite.
    #[error("{}: {cause}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Error of SQLite.
        cause: rusqlite::Error,
    },
    /// A file beside the database cannot be written.
    #[error("cannot write {}: {cause}", .path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        cause: std::io::Error,
    },
    /// The files of a merged run cannot be copied.
    #[error("cannot copy the files of run {run}: {cause}")]
    RunFiles {
        /// The run.
        run: crate::RunId,
        /// Error of the system, with the file.
        cause: std::io::Error,
    },
    /// The name or the value of a hyperparameter or a metric is invalid.
    #[error("cannot record the {what} '{}': {reason}", crate::printable(.name))]
    Rejected {
        /// `hyperparameter` or `metric`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong, and what was expected.
        reason: &'static str,
    },
    /// An epoch does not follow the logged epochs.
    #[error("cannot log epoch {epoch} (step {step}): {reason}")]
    Epoch {
        /// The epoch.
        epoch: u32,
        /// The step.
        step: u64,
        /// What is wrong, and what was expected.
        reason: &'static str,
    },
    /// Another process runs the trial.
    #[error("trial {trial} of '{experiment}' is being run by process {} of {}: wait for its end{}", .by.pid, crate::printable(&.by.host), take_over_advice(*.remote))]
    Running {
        /// The experiment.
        experiment: String,
        /// The trial.
        trial: crate::TrialId,
        /// The process.
        by: Box<crate::Process>,
        /// Whether the process belongs to another machine or container. This process cannot know
        /// then whether it is still alive.
        remote: bool,
    },
    /// The thread that records live runs has ended.
    #[error("{} receives no more events: the recording thread has ended; open the store again", .path.display())]
    WriterStopped {
        /// The database.
        path: PathBuf,
    },
    /// The name of an experiment is invalid.
    #[error(transparent)]
    InvalidExperimentName(#[from] crate::InvalidExperimentName),
}

fn take_over_advice(remote: bool) -> &'static str {
    if remote { ", or take over the trial if you know that the process has ended" } else { "" }
}

impl StoreError {
    /// A copy of the error if it is transient, so that a retry can succeed: a full disk or a locked
    /// database.
    pub(crate) fn as_transient(&self) -> Option<Self> {
        match self {
            Self::Unwritable { path, reason, advice } => {
                Some(Self::Unwritable { path: path.clone(), reason: reason.clone(), advice })
            }
            Self::Busy { path, waited } => Some(Self::Busy { path: path.clone(), waited: *waited }),
            _ => None,
        }
    }
}

/// Why the prefix of an id does not identify a run.
#[derive(Debug, Error)]
pub enum FindError {
    /// No id starts with the prefix.
    #[error("no run or trial id starts with '{}'", crate::printable(.0))]
    NotFound(String),
    /// Several ids start with the prefix.
    #[error("several ids start with '{}': {}", crate::printable(.prefix), .candidates.join(", "))]
    Ambiguous {
        /// The prefix.
        prefix: String,
        /// Some of the ids that start with it.
        candidates: Vec<String>,
    },
    /// Several experiments have runs of the trial.
    #[error("trial {id} is in several experiments; use one of {}", .experiments.iter().map(|name| format!("{}/{id}", crate::printable(name))).collect::<Vec<_>>().join(", "))]
    SeveralExperiments {
        /// The trial.
        id: String,
        /// The experiments.
        experiments: Vec<String>,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
