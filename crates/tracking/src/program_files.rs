//! The files of programs that an experiment runs, in the results folder.

use std::path::{Path, PathBuf};

use crate::RunId;

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
