//! The files of programs that an experiment ran.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use tracking::program_files::Stream;
use tracking::{RecordedRun, RunId, Status, TrialId};

use super::disk::files;
use crate::executor::program::trial_folder::TrialFolder;

/// The files of programs at one time. List them before the runs are read: then each file of a run
/// that another process starts meanwhile is absent.
pub struct ProgramFiles {
    /// Files in the folder of logs, and their names.
    pub logs: Vec<(PathBuf, String)>,
    trials: Vec<(TrialId, TrialFolder)>,
}

impl ProgramFiles {
    pub fn list(results: &Path, experiment: &str) -> Self {
        let programs = tracking::program_files::programs_folder(results, experiment);
        let entries = fs::read_dir(&programs).into_iter().flatten().flatten();
        let stems = entries
            .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()));
        let trials = stems.collect::<BTreeSet<String>>().into_iter().filter_map(|stem| {
            let trial: TrialId = stem.parse().ok()?;
            Some((trial.clone(), TrialFolder::new(results, experiment, &trial)))
        });
        let logs = files(&tracking::program_files::logs_folder(results, experiment));
        Self { logs, trials: trials.collect() }
    }

    /// The logs of runs that are not among `runs`.
    pub fn logs_without_run(&self, runs: &[RecordedRun]) -> Vec<PathBuf> {
        let known: HashSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let is_stray = |name: &str| {
            let run = Stream::ALL
                .iter()
                .find_map(|stream| name.strip_suffix(&format!(".{}.gz", stream.file_name())));
            run.is_some_and(|run| !name.starts_with('.') && !known.contains(run))
        };
        let stray = self.logs.iter().filter(|(_, name)| is_stray(name));
        stray.map(|(path, _)| path.clone()).collect()
    }

    /// The folders that no process uses, each with the killed or failed run that can resume from it.
    /// A folder without such a run is useless.
    pub fn idle_folders(self, runs: &[RecordedRun]) -> Vec<(Option<RunId>, TrialFolder)> {
        let running: HashSet<&TrialId> =
            runs.iter().filter(|run| run.status == Status::Running).map(|run| &run.trial).collect();
        let killed = |folder: &TrialFolder| {
            let can_resume =
                |run: &RecordedRun| matches!(run.status, Status::Killed | Status::Failed);
            let is_of = |run: &&RecordedRun| can_resume(run) && folder.is_of(&run.id);
            runs.iter().find(is_of).map(|run| run.id.clone())
        };
        self.trials
            .into_iter()
            .filter(|(trial, folder)| !running.contains(trial) && !folder.is_in_use())
            .map(|(_, folder)| (killed(&folder), folder))
            .collect()
    }
}
