//! Maps executions to the runs of the store.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, anyhow};
use tracking::{Run, RunHeader, Status, TrialId, atomic_file};

use crate::executor::{Execution, Outcome};
use crate::experiment::trial::Trial;
use crate::sweep::protocol::TrialResult;

/// What all runs of one sweep share.
pub struct RunMetadata {
    pub header: RunHeader,
}

impl RunMetadata {
    /// The run of a trial that starts.
    pub fn started(&self, trial: &Trial, started_at: SystemTime) -> Run {
        let header = RunHeader { trial: trial.id.clone(), ..self.header.clone() };
        Run { params: trial.params.clone(), ..Run::new(header, started_at) }
    }

    /// The run of a trial that ended.
    pub fn ended(&self, ended: &TrialResult<'_>) -> Run {
        let (status, error) = status(ended.result.as_ref());
        let run = self.started(ended.trial, ended.started_at).with(|run| {
            run.shared_from = ended.shared_from.clone();
            run.status = status;
            run.error = error;
        });
        match &ended.result {
            Err(_) => run,
            Ok(execution) => Run {
                epochs: execution.epochs.clone(),
                results: results(execution),
                error_analysis: execution.error_analysis.clone(),
                ..run
            },
        }
    }
}

/// How an execution, or the error that prevented it, is recorded.
pub fn status(result: Result<&Execution, &String>) -> (Status, Option<String>) {
    match result {
        Err(error) => (Status::Failed, Some(error.clone())),
        Ok(execution) => match &execution.outcome {
            Outcome::Finished => (Status::Finished, None),
            Outcome::Stopped => (Status::Killed, Some("the sweep was stopped".to_owned())),
            Outcome::Diverged(reason) => (Status::Diverged, Some(reason.clone())),
            Outcome::Failed(reason) => (Status::Failed, Some(reason.clone())),
        },
    }
}

/// The final metrics of an execution, with its time unless it was stopped or measured it itself.
pub fn results(execution: &Execution) -> Vec<(String, f64)> {
    let mut results = execution.results.clone();
    let has_time = results.iter().any(|(name, _)| name == "seconds");
    if execution.outcome != Outcome::Stopped && !has_time {
        results.push(("seconds".to_owned(), execution.elapsed.as_secs_f64()));
    }
    results
}

/// The file of a trial's final model.
pub fn model_path(results: &Path, experiment: &str, trial: &TrialId) -> PathBuf {
    results.join(experiment).join("models").join(format!("{trial}.safetensors"))
}

/// Writes a final model completely or not at all.
pub fn save_model(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic_file::write(path, TEMPORARY, bytes).map_err(|error| {
        anyhow!(
            "cannot write the weights to {}: {error}; check the folder, then rerun the trial with \
             --retry-failed",
            path.display()
        )
    })
}

/// Prefix of the names of unfinished files, by which `runner gc` recognises them.
pub const TEMPORARY: &str = ".weights-";
