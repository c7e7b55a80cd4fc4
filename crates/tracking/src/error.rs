//! What can be wrong with a store.

use std::path::PathBuf;

use thiserror::Error;

/// Why the record cannot be kept or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing was recorded here yet.
    #[error("no results in {}: nothing was recorded in its {} yet", .folder.display(), crate::DATABASE)]
    NoStore {
        /// The results folder.
        folder: PathBuf,
    },
    /// The results folder cannot be made or written.
    #[error("the results folder {} cannot be used: {cause}; name another with --results DIR", .folder.display())]
    Folder {
        /// The results folder.
        folder: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file of another program, or a damaged one.
    #[error("{} is not a store of candle-sweep: {reason}; move it away, or name another folder with --results DIR", .path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// Bytes of the store were changed or lost.
    #[error("{} is damaged: {reason}; put a copy of it in its place, or save what `sqlite3 {} .recover` still finds", .path.display(), .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// No room to write, or no right to.
    #[error("{} cannot be written: {reason}; what was committed is kept: {advice}, then run the same command again", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
        /// What may help.
        advice: &'static str,
    },
    /// Others write all the time.
    #[error("{} is busy: other programs have been writing to it for {} s on end; run the same command again", .path.display(), .waited.as_secs())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long this one waited.
        waited: std::time::Duration,
    },
    /// Somebody wrote while it was read.
    #[error("{} was written to while it was read; run the same command again", .path.display())]
    ChangedDuringRead {
        /// The file.
        path: PathBuf,
    },
    /// Somebody deleted or moved it while it was recorded into.
    #[error("{} is not there any more: it was deleted or moved while it was recorded into; run the same command again", .path.display())]
    Deleted {
        /// The file.
        path: PathBuf,
    },
    /// A store of a later version.
    #[error("{} was written by a newer version (schema {found}, this program knows up to {known}); update the program", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// The database refuses.
    #[error("{}: {cause}", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
    /// A file beside the store cannot be written.
    #[error("{} cannot be written: {cause}", .path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What belongs to a run and is no part of the store cannot be brought along with it.
    #[error("what belongs to run {run} cannot be brought along: {cause}")]
    RunFiles {
        /// The run.
        run: crate::RunId,
        /// What happened, where.
        cause: std::io::Error,
    },
    /// A hyperparameter or a metric that cannot be recorded.
    #[error("the {what} '{}' cannot be recorded: {reason}", crate::printable(.name))]
    Rejected {
        /// `hyperparameter` or `metric`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An epoch that does not follow what was logged before.
    #[error("epoch {epoch} (step {step}) cannot be logged: {reason}")]
    Epoch {
        /// The epoch.
        epoch: u32,
        /// The step.
        step: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The trial is being run.
    #[error("trial {trial} of '{experiment}' is being run by process {} of {}: wait for its end{}", .by.pid, crate::printable(&.by.host), take_over(*.remote))]
    Running {
        /// The experiment.
        experiment: String,
        /// The trial.
        trial: crate::TrialId,
        /// Who is said to run it.
        by: Box<crate::Process>,
        /// Whether that is of another machine or container, so that nobody here can know whether it still is.
        remote: bool,
    },
    /// Nobody is there who could record.
    #[error("{} is not written to any more: the thread that records has ended; open the store again", .path.display())]
    WriterStopped {
        /// The file.
        path: PathBuf,
    },
    /// The name of an experiment is invalid.
    #[error(transparent)]
    InvalidExperimentName(#[from] crate::InvalidExperimentName),
}

fn take_over(remote: bool) -> &'static str {
    if remote { ", or take it over if you know that it is gone" } else { "" }
}

impl StoreError {
    /// Itself once more, if what failed may succeed when it is tried again: the disk is full, others write.
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

/// Why an id leads to no run.
#[derive(Debug, Error)]
pub enum FindError {
    /// No run and no trial begins so.
    #[error("no run and no trial begins with '{}'", crate::printable(.0))]
    NotFound(String),
    /// Several do.
    #[error("'{}' is the beginning of several ids: {}", crate::printable(.prefix), .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// Some of the ids it could mean.
        candidates: Vec<String>,
    },
    /// One trial is in several experiments.
    #[error("trial {id} is in several experiments: name one of {}", .experiments.iter().map(|it| format!("{}/{id}", crate::printable(it))).collect::<Vec<_>>().join(", "))]
    SeveralExperiments {
        /// The trial.
        id: String,
        /// The experiments that have runs of it.
        experiments: Vec<String>,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
