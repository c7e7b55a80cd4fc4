//! From what came of a trial to the run in the store.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use model::{Outcome, Weights};
use tracking::{EpochMetrics, Run, SplitSizes, Status, TrialId, atomic_file};

use crate::executor::Execution;
use crate::experiment::datasets::{Resolved, as_text};
use crate::experiment::plan::Trial;
use crate::experiment::spec::Validation;
use crate::sweep::Done;

/// What all runs of one sweep share.
pub struct Circumstances<'a> {
    pub experiment: &'a str,
    pub resolved: &'a Resolved,
    pub engine: &'a str,
    pub device: &'a str,
}

impl Circumstances<'_> {
    /// The run of a trial that begins.
    pub fn begun(&self, trial: &Trial, started_at: SystemTime) -> Run {
        let dataset = &self.resolved.dataset;
        Run {
            trial: trial.id.clone(),
            dataset: dataset.name.clone(),
            dataset_sha256: dataset.sha256.clone(),
            dataset_path: dataset.folder.as_deref().map(as_text),
            fallback_for: self.resolved.fallback_for.clone(),
            validation: trial.validation.to_string(),
            split_sizes: self.split_sizes(trial),
            engine: self.engine.to_owned(),
            device: self.device.to_owned(),
            params: trial.params(),
            ..Run::new(self.experiment, Status::Running, started_at)
        }
    }

    /// The number of training, validation and test examples of a trial.
    fn split_sizes(&self, trial: &Trial) -> SplitSizes {
        let (train, test) = (self.resolved.dataset.train.len(), self.resolved.dataset.test.len());
        let held_out = match trial.validation {
            Validation::Test => None,
            Validation::HeldOut(fraction) => Some(fraction.of(train)),
        };
        let size = |examples: usize| u64::try_from(examples).ok();
        SplitSizes {
            train: size(train - held_out.unwrap_or(0)),
            validation: held_out.and_then(size),
            test: size(test),
        }
    }

    /// The run that `done` leaves in the store.
    pub fn run(&self, done: &Done<'_>) -> Run {
        let (status, error) = status(&done.result.as_ref());
        let execution = done.result.as_ref().ok();
        Run {
            shared_from: done.shared_from.clone(),
            status,
            error,
            epochs: execution
                .map_or_else(Vec::new, |it| it.epochs.iter().map(epoch_metrics).collect()),
            results: execution.map_or_else(Vec::new, results),
            error_analysis: execution.and_then(|it| it.examples.clone()),
            ..self.begun(done.trial, done.started_at)
        }
    }
}

/// How an execution, or the lack of one, is recorded.
pub fn status(result: &Result<&Execution, impl ToString>) -> (Status, Option<String>) {
    match result {
        Err(error) => (Status::Failed, Some(error.to_string())),
        Ok(execution) => match execution.outcome {
            Outcome::Finished { .. } => (Status::Finished, None),
            Outcome::Stopped => (Status::Killed, Some("stopped by a signal".to_owned())),
            Outcome::Diverged { epoch, step } => (
                Status::Diverged,
                Some(format!("the loss was not finite in epoch {epoch}, at step {step}")),
            ),
        },
    }
}

/// An epoch as the store keeps it.
pub fn epoch_metrics((it, elapsed): &(model::EpochScores, Duration)) -> EpochMetrics {
    let named = [
        ("loss", Some(it.loss)),
        ("accuracy", Some(it.accuracy)),
        ("val_loss", Some(it.val_loss)),
        ("val_accuracy", Some(it.val_accuracy)),
        ("test_loss", it.test_loss),
        ("test_accuracy", it.test_accuracy),
        ("learning_rate", Some(it.learning_rate)),
        ("seconds", Some(elapsed.as_secs_f64())),
    ];
    let metrics =
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    EpochMetrics { epoch: it.epoch, step: it.step, metrics }
}

/// The epoch that [`epoch_metrics`] put into the store. What is not there was not finite.
pub fn epoch_from(it: &EpochMetrics) -> (model::EpochScores, Duration) {
    let measured =
        |name: &str| it.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let value = |name: &str| measured(name).unwrap_or(f64::NAN);
    let metrics = model::EpochScores {
        epoch: it.epoch,
        step: it.step,
        loss: value("loss"),
        accuracy: value("accuracy"),
        val_loss: value("val_loss"),
        val_accuracy: value("val_accuracy"),
        test_loss: measured("test_loss"),
        test_accuracy: measured("test_accuracy"),
        learning_rate: value("learning_rate"),
    };
    (metrics, Duration::try_from_secs_f64(value("seconds")).unwrap_or_default())
}

/// Its final metrics.
pub fn results(execution: &Execution) -> Vec<(String, f64)> {
    let mut results = Vec::new();
    if let Outcome::Finished { train, test } = execution.outcome {
        results.push(("train_loss".to_owned(), train.loss()));
        results.push(("train_accuracy".to_owned(), train.accuracy()));
        results.push(("test_loss".to_owned(), test.loss()));
        results.push(("test_accuracy".to_owned(), test.accuracy()));
    }
    if execution.outcome != Outcome::Stopped {
        results.push(("seconds".to_owned(), execution.elapsed.as_secs_f64()));
    }
    results
}

/// Where the final weights of a trial lie.
pub fn model_path(results: &Path, experiment: &str, trial: &TrialId) -> std::path::PathBuf {
    results.join(experiment).join("models").join(format!("{trial}.safetensors"))
}

/// Writes the final weights whole or not at all: to a temporary name, then renamed.
pub fn save_weights(path: &Path, weights: &Weights) -> Result<()> {
    let bytes = weights.to_safetensors()?;
    atomic_file::write(path, TEMPORARY, &bytes).map_err(|error| {
        anyhow::anyhow!(
            "the weights cannot be written to {}: {error}; see to its folder, then --retry-failed has them again",
            path.display()
        )
    })
}

/// How the name of a file begins that is not whole yet.
pub const TEMPORARY: &str = ".weights-";
