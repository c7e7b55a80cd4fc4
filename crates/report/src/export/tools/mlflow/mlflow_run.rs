//! A run in the form in which MLflow stores it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use analysis::runs::distinct;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tracking::Status;

use super::names::{MAX_PARAM, MAX_TAG, accepted_names, truncate_chars};
use super::tags::{RUN_TAG, TAG_PREFIX};
use crate::export::tools::exported_run::{ExportedRun, MetricPoint};

/// MLflow's status of a running run.
pub const RUNNING: &str = "RUNNING";
/// Longest name of a run, in characters.
const MAX_RUN_NAME: usize = 250;

/// A value of a metric in MLflow.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedMetric {
    /// Name of the metric, as MLflow accepts it.
    pub key: String,
    /// The value.
    pub value: f64,
    /// Time of the measurement, in milliseconds since 1970.
    pub timestamp: i64,
    /// The epoch.
    pub step: i64,
}

impl LoggedMetric {
    /// Name, epoch and value. Two metrics with the same identity are duplicates.
    pub fn identity(&self) -> (String, i64, u64) {
        (self.key.clone(), self.step, self.value.to_bits())
    }
}

/// A run as MLflow stores it.
#[derive(Debug)]
pub struct MlflowRun {
    /// Id of the run in the store.
    pub id: String,
    /// Name for users, who may change it in MLflow.
    pub name: String,
    /// MLflow's status.
    pub status: &'static str,
    /// Start, in milliseconds since 1970.
    pub started: i64,
    /// End, in milliseconds since 1970. `None` if the run is running or its end was not observed.
    pub ended: Option<i64>,
    /// Names and values of hyperparameters, exactly as recorded.
    pub params: Vec<(String, String)>,
    /// Names and values of tags, which describe the origin of the run.
    pub tags: Vec<(String, String)>,
    /// All values of metrics.
    pub metrics: Vec<LoggedMetric>,
    /// Paths and contents of files.
    pub artifacts: Vec<(String, Vec<u8>)>,
    /// Digest of everything but the name.
    pub digest: String,
    /// Notes about data that MLflow cannot store unchanged.
    pub notes: BTreeSet<String>,
}

impl MlflowRun {
    /// Converts a run to the form of MLflow. Its name shows the `varying` hyperparameters.
    pub fn new(exported: &ExportedRun, varying: &[String]) -> Result<Self> {
        let points = exported.points();
        let metric_names = accepted_names(distinct(points.iter().map(|point| point.name.as_str())));
        let param_names = accepted_names(exported.run.params.iter().map(|(name, _)| &**name));
        let params: Vec<(&str, String)> = param_names
            .iter()
            .zip(&exported.run.params)
            .map(|((_, name), (_, value))| (name.as_str(), value.to_string()))
            .collect();
        let renamed = metric_names.iter().chain(&param_names).filter_map(note_renamed);
        let truncated_params =
            params.iter().filter_map(|(name, value)| note_truncated(name, value));
        let mut run = Self {
            id: exported.run.id.to_string(),
            name: truncate_chars(&exported.label(varying), MAX_RUN_NAME),
            status: mlflow_status(exported.run.status),
            started: milliseconds(exported.started()),
            ended: exported.ended().map(milliseconds),
            notes: renamed.chain(truncated_params).collect(),
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), truncate_chars(value, MAX_PARAM)))
                .collect(),
            tags: tags(exported),
            metrics: metrics(&points, &metric_names),
            artifacts: artifacts(exported)?,
            digest: String::new(),
        };
        run.digest = run.digest();
        Ok(run)
    }

    /// Names of the metrics.
    pub fn metric_names(&self) -> Vec<&str> {
        distinct(self.metrics.iter().map(|metric| metric.key.as_str()))
    }

    /// The digest of everything but the name. The hashed text must never change its form, because a
    /// run with another digest is exported again.
    fn digest(&self) -> String {
        let metric = |LoggedMetric { key, value, timestamp, step }: &LoggedMetric| {
            format!(
                "Metric {{ key: {key:?}, value: {value:?}, timestamp: {timestamp}, step: {step} }}"
            )
        };
        let metrics: Vec<String> = self.metrics.iter().map(metric).collect();
        let mut sha256 = Sha256::new();
        sha256.update(format!(
            "({:?}, {:?}, {:?}, {:?}, {:?}, [{}])",
            self.status,
            self.started,
            self.ended,
            self.params,
            self.tags,
            metrics.join(", ")
        ));
        for (path, bytes) in &self.artifacts {
            sha256.update(format!("{path:?} {}", bytes.len()));
            sha256.update(bytes);
        }
        sha256.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// MLflow's status. MLflow has no status for diverged runs; they are failed.
fn mlflow_status(status: Status) -> &'static str {
    match status {
        Status::Running => RUNNING,
        Status::Finished => "FINISHED",
        Status::Diverged | Status::Failed => "FAILED",
        Status::Killed => "KILLED",
    }
}

fn milliseconds(since_1970: Duration) -> i64 {
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

fn metrics(points: &[MetricPoint], names: &[(&str, String)]) -> Vec<LoggedMetric> {
    let metric = |point: &MetricPoint| {
        let (_, key) = names.iter().find(|(name, _)| *name == point.name)?;
        Some(LoggedMetric {
            key: key.clone(),
            value: point.value,
            timestamp: milliseconds(point.time),
            step: point.epoch.into(),
        })
    };
    points.iter().filter_map(metric).collect()
}

fn note_renamed((name, accepted): &(&str, String)) -> Option<String> {
    (name != accepted)
        .then(|| format!("MLflow rejects the name '{name}': it is '{accepted}' there"))
}

fn note_truncated(name: &str, value: &str) -> Option<String> {
    let is_long = value.chars().count() > MAX_PARAM;
    is_long.then(|| {
        format!(
            "MLflow limits the value of a hyperparameter to {MAX_PARAM} characters: '{name}' is \
             truncated there"
        )
    })
}

/// The origin of a run as tags. An absent or empty value has no tag.
fn tags(exported: &ExportedRun) -> Vec<(String, String)> {
    let (run, invocation) = (&exported.run, &exported.invocation);
    let own_tags = [
        ("trial", Some(run.trial.to_string())),
        ("experiment", Some(run.experiment.clone())),
        ("status", Some(run.status.to_string())),
        ("error", run.error.clone()),
        ("dataset", Some(run.dataset.clone())),
        ("dataset_sha256", Some(run.dataset_sha256.clone())),
        ("dataset_path", run.dataset_path.clone()),
        ("fallback_for", run.fallback_for.clone()),
        ("validation", Some(run.validation.to_string())),
        ("engine", Some(run.engine.clone())),
        ("device", Some(run.device.clone())),
        ("program_sha256", run.program_sha256.clone()),
        ("shared_from", run.shared_from.as_ref().map(ToString::to_string)),
        ("program_version", Some(invocation.program_version.clone())),
        ("candle_version", invocation.candle_version.clone()),
        ("git_dirty", invocation.git_dirty.map(|dirty| dirty.to_string())),
        ("cpu", Some(invocation.cpu.clone())),
        ("instruction_set", Some(invocation.instruction_set.clone())),
        ("host", Some(invocation.process.host.clone())),
        ("os", Some(invocation.os.clone())),
        ("command_line", Some(invocation.command_line.clone())),
    ];
    let program = invocation.command_line.split_whitespace().next();
    let mlflow_tags = [
        ("mlflow.source.type", Some("LOCAL".to_owned())),
        ("mlflow.source.name", program.map(file_name)),
        ("mlflow.source.git.commit", invocation.git_commit.clone()),
    ];
    let own_tags = own_tags.into_iter().map(|(name, value)| (format!("{TAG_PREFIX}{name}"), value));
    let mlflow_tags = mlflow_tags.into_iter().map(|(name, value)| (name.to_owned(), value));
    let present = own_tags
        .chain(mlflow_tags)
        .filter_map(|(name, value)| Some((name, truncate_chars(&value?, MAX_TAG))))
        .filter(|(_, value)| !value.is_empty());
    std::iter::once((RUN_TAG.to_owned(), run.id.to_string())).chain(present).collect()
}

fn file_name(program: &str) -> String {
    Path::new(program)
        .file_name()
        .map_or_else(|| program.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Paths and contents of the experiment file and the weights.
fn artifacts(exported: &ExportedRun) -> Result<Vec<(String, Vec<u8>)>> {
    let mut artifacts = Vec::new();
    if let Some(text) = &exported.invocation.experiment_file {
        artifacts.push(("experiment.toml".to_owned(), text.clone().into_bytes()));
    }
    if let Some(file) = &exported.weights {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        artifacts.push((format!("models/{}.safetensors", exported.run.trial), bytes));
    }
    Ok(artifacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_equals_that_of_earlier_versions() {
        let metric = |value, number| LoggedMetric {
            key: "loss".into(),
            value,
            timestamp: number,
            step: number,
        };
        let run = MlflowRun {
            id: "a".into(),
            name: "any".into(),
            status: "FINISHED",
            started: 1,
            ended: Some(2),
            params: vec![("seed".into(), "0".into())],
            tags: vec![(RUN_TAG.into(), "a".into())],
            metrics: vec![metric(0.5, 1), metric(1.0, 2)],
            artifacts: vec![("experiment.toml".into(), b"hi".to_vec())],
            digest: String::new(),
            notes: BTreeSet::new(),
        };
        // Computed with hashlib from the Debug text of version 0.1.
        assert_eq!(run.digest(), "186e922217ed79d3199d6acc064bd6bf");
    }
}
