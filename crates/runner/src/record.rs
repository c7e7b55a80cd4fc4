//! From what came of a trial to the run in the store.

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use model::{Outcome, Weights};
use tracking::{EpochMetrics, Run, Status, TrialId};

use crate::datasets::Resolved;
use crate::executor::Execution;
use crate::sweep::Done;

/// What all runs of one sweep share.
pub struct Circumstances<'a> {
    pub experiment: &'a str,
    pub resolved: &'a Resolved,
    pub engine: &'a str,
    pub device: &'a str,
}

impl Circumstances<'_> {
    /// The run that `done` leaves in the store.
    pub fn run(&self, done: &Done<'_>) -> Run {
        let (status, error) = status(&done.result);
        let dataset = &self.resolved.dataset;
        let execution = done.result.as_ref().ok();
        Run {
            id: done.run.clone(),
            shared_from: done.shared_from.clone(),
            experiment: self.experiment.to_owned(),
            trial: done.trial.id.clone(),
            status,
            dataset: dataset.name.clone(),
            dataset_sha256: dataset.sha256.clone(),
            dataset_path: dataset.folder.as_ref().map(|folder| folder.display().to_string()),
            fallback_for: self.resolved.fallback_for.clone(),
            validation: done.trial.validation.to_string(),
            engine: self.engine.to_owned(),
            device: self.device.to_owned(),
            started_at: done.started_at,
            ended_at: SystemTime::now(),
            error,
            params: done.trial.params(),
            epochs: execution.map_or_else(Vec::new, epochs),
            results: execution.map_or_else(Vec::new, results),
        }
    }
}

fn status(result: &Result<Execution, String>) -> (Status, Option<String>) {
    match result {
        Err(error) => (Status::Failed, Some(error.clone())),
        Ok(execution) => match execution.outcome {
            Outcome::Finished { .. } => (Status::Finished, None),
            Outcome::Stopped => (Status::Killed, Some("stopped by a signal".to_owned())),
            Outcome::Diverged { epoch, step } => {
                (Status::Diverged, Some(format!("the loss was not finite in epoch {epoch}, at step {step}")))
            }
        },
    }
}

fn epochs(execution: &Execution) -> Vec<EpochMetrics> {
    let metrics = |it: &model::EpochMetrics, seconds: f64| {
        let named = [
            ("loss", it.loss),
            ("accuracy", it.accuracy),
            ("val_loss", it.val_loss),
            ("val_accuracy", it.val_accuracy),
            ("learning_rate", it.learning_rate),
            ("seconds", seconds),
        ];
        let metrics = named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        EpochMetrics { epoch: it.epoch, step: it.step, metrics }
    };
    execution.epochs.iter().map(|(it, elapsed)| metrics(it, elapsed.as_secs_f64())).collect()
}

fn results(execution: &Execution) -> Vec<(String, f64)> {
    let mut results = Vec::new();
    if let Outcome::Finished { train, test } = execution.outcome {
        results.push(("train_loss".to_owned(), train.loss()));
        results.push(("train_accuracy".to_owned(), train.accuracy()));
        results.push(("test_loss".to_owned(), test.loss()));
        results.push(("test_accuracy".to_owned(), test.accuracy()));
    }
    results.push(("seconds".to_owned(), execution.elapsed.as_secs_f64()));
    results
}

/// Where the final weights of a trial lie.
pub fn model_path(results: &Path, experiment: &str, trial: &TrialId) -> std::path::PathBuf {
    results.join(experiment).join("models").join(format!("{trial}.safetensors"))
}

/// Writes the final weights whole or not at all: to a temporary name, then renamed.
pub fn save_weights(path: &Path, weights: &Weights) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".weights-").tempfile_in(folder)?;
        file.write_all(&weights.to_safetensors()?)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("the weights cannot be written to {}", path.display()))
}
