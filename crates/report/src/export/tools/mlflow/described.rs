//! A run in MLflow's words.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tracking::Status;

use super::RUN;
use super::names::{LONGEST_PARAM, LONGEST_TAG, accepted, shortened};
use crate::export::tools::{Point, Whole};
use crate::runs::distinct;

/// MLflow's word for a run that goes on.
pub const RUNNING: &str = "RUNNING";
/// Longest name of a run.
const LONGEST: usize = 250;

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name, one that MLflow takes.
    pub key: String,
    /// The value.
    pub value: f64,
    /// When it was measured, in milliseconds since 1970.
    pub timestamp: i64,
    /// The epoch.
    pub step: i64,
}

impl Metric {
    /// What is not to be there twice.
    pub fn identity(&self) -> (String, i64, u64) {
        (self.key.clone(), self.step, self.value.to_bits())
    }
}

/// A run as MLflow is told of it.
#[derive(Debug)]
pub struct Described {
    /// Its id in the store.
    pub id: String,
    /// For people.
    pub name: String,
    /// MLflow's word.
    pub status: &'static str,
    /// In milliseconds since 1970.
    pub started: i64,
    /// The same; absent where it goes on, or where nobody saw it end.
    pub ended: Option<i64>,
    /// Hyperparameters, exactly as recorded.
    pub params: Vec<(String, String)>,
    /// Where it comes from.
    pub tags: Vec<(String, String)>,
    /// What it measured.
    pub metrics: Vec<Metric>,
    /// Paths and bytes of its files.
    pub files: Vec<(String, Vec<u8>)>,
    /// Of all that, but for the name, which people may change.
    pub digest: String,
    /// What could not be said as it is.
    pub notes: Vec<String>,
}

impl Described {
    /// Describes a run. `varying`: the hyperparameters that name it.
    pub fn of(whole: &Whole, varying: &[String]) -> Result<Self> {
        let points = whole.points();
        let metric_names = accepted(distinct(points.iter().map(|point| point.name.as_str())));
        let param_names = accepted(whole.run.params.iter().map(|(name, _)| &**name));
        let params = param_names
            .iter()
            .zip(&whole.run.params)
            .map(|((_, name), (_, value))| (name, value.to_string()));
        let params: Vec<(&String, String)> = params.collect();
        let mut notes: Vec<String> =
            metric_names.iter().chain(&param_names).filter_map(renamed).collect();
        notes.extend(params.iter().filter_map(|(name, value)| cut(name, value)));
        let mut described = Self {
            id: whole.run.id.to_string(),
            name: shortened(&whole.label(varying), LONGEST),
            status: status(whole.run.status),
            started: milliseconds(whole.began()),
            ended: whole.ended().map(milliseconds),
            params: params
                .iter()
                .map(|(name, value)| ((*name).clone(), shortened(value, LONGEST_PARAM)))
                .collect(),
            tags: tags(whole),
            metrics: metrics(&points, &metric_names),
            files: files(whole)?,
            digest: String::new(),
            notes,
        };
        described.digest = described.digest();
        Ok(described)
    }

    /// Names of its metrics.
    pub fn metric_names(&self) -> Vec<&str> {
        distinct(self.metrics.iter().map(|it| it.key.as_str()))
    }

    fn digest(&self) -> String {
        let mut sha256 = Sha256::new();
        sha256.update(format!(
            "{:?}",
            (self.status, self.started, self.ended, &self.params, &self.tags, &self.metrics)
        ));
        for (path, bytes) in &self.files {
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

/// What diverged has failed to MLflow, which has no word for it.
fn status(status: Status) -> &'static str {
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

fn metrics(points: &[Point], names: &[(&str, String)]) -> Vec<Metric> {
    let metric = |point: &Point| {
        let (_, key) = names.iter().find(|(name, _)| *name == point.name)?;
        Some(Metric {
            key: key.clone(),
            value: point.value,
            timestamp: milliseconds(point.at),
            step: point.epoch.into(),
        })
    };
    points.iter().filter_map(metric).collect()
}

fn renamed((name, accepted): &(&str, String)) -> Option<String> {
    (name != accepted)
        .then(|| format!("MLflow takes no name like '{name}': there it is '{accepted}'"))
}

fn cut(name: &str, value: &str) -> Option<String> {
    let long = value.chars().count() > LONGEST_PARAM;
    long.then(|| {
        format!(
            "MLflow takes {LONGEST_PARAM} characters of a hyperparameter: there '{name}' ends in …"
        )
    })
}

fn tags(whole: &Whole) -> Vec<(String, String)> {
    let (run, made) = (&whole.run, &whole.invocation);
    let own = [
        ("trial", Some(run.trial.to_string())),
        ("experiment", Some(run.experiment.clone())),
        ("status", Some(run.status.to_string())),
        ("error", run.error.clone()),
        ("dataset", Some(run.dataset.clone())),
        ("dataset_sha256", Some(run.dataset_sha256.clone())),
        ("dataset_path", run.dataset_path.clone()),
        ("fallback_for", run.fallback_for.clone()),
        ("validation", Some(run.validation.clone())),
        ("engine", Some(run.engine.clone())),
        ("device", Some(run.device.clone())),
        ("shared_from", run.shared_from.as_ref().map(ToString::to_string)),
        ("program_version", Some(made.program_version.clone())),
        ("candle_version", made.candle_version.clone()),
        ("git_dirty", made.git_dirty.map(|dirty| dirty.to_string())),
        ("cpu", Some(made.cpu.clone())),
        ("instruction_set", Some(made.instruction_set.clone())),
        ("host", Some(made.process.host.clone())),
        ("os", Some(made.os.clone())),
        ("command_line", Some(made.command_line.clone())),
    ];
    let mlflows = [
        ("mlflow.source.type", Some("LOCAL".to_owned())),
        ("mlflow.source.name", made.command_line.split_whitespace().next().map(file_name)),
        ("mlflow.source.git.commit", made.git_commit.clone()),
    ];
    let own = own.into_iter().map(|(name, value)| (format!("candle_sweep.{name}"), value));
    let all = own.chain(mlflows.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let present = all.filter_map(|(name, value)| Some((name, shortened(&value?, LONGEST_TAG))));
    let present = present.filter(|(_, value)| !value.is_empty());
    [(RUN.to_owned(), run.id.to_string())].into_iter().chain(present).collect()
}

fn file_name(program: &str) -> String {
    Path::new(program)
        .file_name()
        .map_or_else(|| program.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn files(whole: &Whole) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if let Some(text) = &whole.invocation.experiment_file {
        files.push(("experiment.toml".to_owned(), text.clone().into_bytes()));
    }
    if let Some(file) = &whole.weights {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        files.push((format!("models/{}.safetensors", whole.run.trial), bytes));
    }
    Ok(files)
}
