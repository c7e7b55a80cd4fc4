//! The files of programs that an experiment runs, in the results folder.

use std::path::{Path, PathBuf};

use crate::{RunId, TrialId};

/// A stream that a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both streams.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The name of its file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// The folder of an experiment that has one folder per trial whose program has not ended.
#[must_use]
pub fn programs_folder(results: &Path, experiment: &str) -> PathBuf {
    results.join(experiment).join("programs")
}

/// The folder of a trial whose program has not ended. It has a file per stream, and [`RUN_FILE`].
#[must_use]
pub fn trial_folder(results: &Path, experiment: &str, trial: &TrialId) -> PathBuf {
    programs_folder(results, experiment).join(trial.as_str())
}

/// The name of the file in a [`trial_folder`] that has the id of the run.
pub const RUN_FILE: &str = "run";

/// The folder of an experiment that has the logs of its runs.
#[must_use]
pub fn logs_folder(results: &Path, experiment: &str) -> PathBuf {
    results.join(experiment).join("logs")
}

/// What the program of a run wrote to a stream: at most 1 MiB, compressed with gzip.
#[must_use]
pub fn log_path(results: &Path, experiment: &str, run: &RunId, stream: Stream) -> PathBuf {
    logs_folder(results, experiment).join(format!("{run}.{}.gz", stream.file_name()))
}
