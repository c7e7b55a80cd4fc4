//! Trains trials by running a program.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tracking::metric::Rules;
use tracking::program_files::{Stream, log_path};
use tracking::{RunId, TrialId};

use super::code::Code;
use super::log;
use super::output::OutputReader;
use super::process::{Launch, ProgramProcess};
use super::slot::Slot;
use super::training::Training;
use super::trial_folder::{TrialFolder, append};
use crate::executor::{ClaimedGroup, Execution, Executor, GroupObserver, Outcome};
use crate::experiment::command_template::PARAMS;
use crate::experiment::program_section::{CHECKPOINT_DIR, ProgramSection, SLOT, json_value};
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;

/// The name of the engine in the record.
pub const ENGINE: &str = "program";
/// Python writes every line at once if this variable is set, so that no metric is lost when it is
/// killed.
const UNBUFFERED: &str = "PYTHONUNBUFFERED";

/// Runs the program of an experiment, once per trial.
pub struct ProgramExecutor {
    program: Arc<ProgramSection>,
    code: Code,
    rules: Rules,
    experiment: String,
    /// The results folder.
    results: PathBuf,
    /// Results folders of other attempts at the same shard.
    attempts: Vec<PathBuf>,
    /// Whether every trial begins anew, whatever its last run saved.
    anew: bool,
    /// Whether each slot is in use.
    slots: Mutex<Vec<bool>>,
}

impl ProgramExecutor {
    /// Runs the program of `spec`; its files go to the folder `results`. What it saved in a failed
    /// run, or in other `attempts` at the same shard, is used unless every trial begins `anew`.
    ///
    /// # Errors
    /// If the results folder has no absolute path.
    pub fn new(
        spec: &Spec,
        program: &Arc<ProgramSection>,
        code: &Code,
        results: &Path,
        attempts: Vec<PathBuf>,
        anew: bool,
    ) -> Result<Self> {
        let absolute = std::path::absolute(results);
        let results =
            absolute.with_context(|| format!("{} has no absolute path", results.display()))?;
        Ok(Self {
            program: Arc::clone(program),
            code: code.clone(),
            rules: Rules::new(&[], &spec.metrics),
            experiment: spec.name.to_string(),
            results,
            attempts,
            anew,
            slots: Mutex::new(Vec::new()),
        })
    }

    fn folder(&self, trial: &TrialId) -> TrialFolder {
        TrialFolder::new(&self.results, &self.experiment, trial)
    }

    /// The JSON object with all hyperparameters of a trial.
    fn params(&self, trial: &Trial) -> String {
        let json = |(name, value): &(String, tracking::Value)| {
            (name.clone(), json_value(value, self.program.written(name, value)))
        };
        let object: serde_json::Map<_, _> = trial.params.iter().map(json).collect();
        format!("{}\n", serde_json::Value::Object(object))
    }

    /// The command of a trial.
    fn command(&self, trial: &Trial, folder: &TrialFolder) -> Vec<String> {
        self.program.command.fill(&|name| {
            if name == PARAMS {
                return folder.params().to_string_lossy().into_owned();
            }
            let value = |value| match self.program.written(name, value) {
                Some(written) => written.to_owned(),
                None => value.to_string(),
            };
            trial.param(name).map_or_else(String::new, value)
        })
    }

    fn start(&self, trial: &Trial, folder: &TrialFolder, slot: usize) -> Result<ProgramProcess> {
        let mut env = vec![
            (SLOT.to_owned(), slot.to_string()),
            (CHECKPOINT_DIR.to_owned(), folder.checkpoint().to_string_lossy().into_owned()),
        ];
        if std::env::var_os(UNBUFFERED).is_none() {
            env.push((UNBUFFERED.to_owned(), "1".to_owned()));
        }
        env.extend(self.program.env.iter().cloned());
        ProgramProcess::start(Launch {
            command: &self.command(trial, folder),
            directory: &self.program.directory,
            env: &env,
            stdout: append(&folder.stdout())?,
            stderr: append(&folder.stderr())?,
            lock: &folder.lock(),
        })
    }

    /// Compresses what the program printed.
    fn keep_logs(&self, folder: &TrialFolder, run: &RunId) -> io::Result<()> {
        let streams = [(Stream::Stdout, folder.stdout()), (Stream::Stderr, folder.stderr())];
        streams.into_iter().try_for_each(|(stream, path)| {
            log::keep(&path, &log_path(&self.results, &self.experiment, run, stream))
        })
    }
}

impl Executor for ProgramExecutor {
    fn execute(
        &self,
        ClaimedGroup { group, runs, resume }: ClaimedGroup<'_>,
        observer: &mut dyn GroupObserver,
    ) -> Result<()> {
        let (trial, run) = (group.longest(), &runs[runs.len() - 1]);
        let folder = self.folder(&trial.id);
        let Some(lock) = folder.lock_when_free(&|| observer.stop_requested())? else {
            observer.trial_ended(Execution::stopped());
            return Ok(());
        };
        for attempt in self.attempts.iter().filter(|_| !self.anew) {
            let adopted = folder.adopt(&TrialFolder::new(attempt, &self.experiment, &trial.id));
            warn_of(adopted, "cannot resume from another attempt", &trial.id);
        }
        folder.prepare(run, &self.params(trial), self.anew)?;
        let slot = Slot::take(&self.slots);
        let reader = OutputReader::new(self.program.pattern.clone());
        let mut training = Training::new(&folder, reader, self.rules.clone(), resume)?;
        let start = || {
            drop(lock);
            self.start(trial, &folder, slot.number)
        };
        let outcome = training.run(start, self.program.timeout, observer)?;
        drop(slot);
        if outcome != Outcome::Stopped {
            warn_of(self.keep_logs(&folder, run), "cannot keep the output", &trial.id);
        }
        if matches!(outcome, Outcome::Failed(_)) {
            let stored = folder.set_elapsed(training.elapsed());
            warn_of(stored, "cannot store the time", &trial.id);
        }
        observer.trial_ended(training.execution(outcome));
        Ok(())
    }

    fn can_resume(&self, trial: &Trial, run: &RunId, _: &[u8]) -> bool {
        self.folder(&trial.id).can_resume(run)
    }

    fn check(&self) -> Result<()> {
        self.code.check_unchanged()
    }

    fn end_recorded(&self, trial: &Trial, run: &RunId, has_result: bool) {
        let folder = self.folder(&trial.id);
        // The next run resumes from what a failed one saved.
        if has_result || !folder.has_checkpoint() {
            warn_of(folder.remove_if_of(run), "cannot remove the files", &trial.id);
        }
    }
}

/// Warns of a problem that leaves the trial valid.
fn warn_of(done: io::Result<()>, problem: &str, trial: &TrialId) {
    if let Err(error) = done {
        let warning = format!("warning: {problem} of trial {trial}: {error}");
        anstream::eprintln!("{}", tracking::printable(&warning));
    }
}
