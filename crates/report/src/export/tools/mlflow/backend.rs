//! Interface to the two places where MLflow keeps runs: its database and its server.

use std::collections::HashMap;

use anyhow::Result;
use tracking::Experiment;

use super::mlflow_run::{LoggedMetric, MlflowRun};

/// A run that an earlier export added to MLflow.
pub struct ExistingRun {
    /// MLflow's id of the run.
    pub id: String,
    /// MLflow's status of the run.
    pub status: String,
    /// The value of [`DIGEST_TAG`](super::tags::DIGEST_TAG).
    pub digest: Option<String>,
    /// Whether a user deleted the run in MLflow.
    pub deleted: bool,
}

/// An experiment in MLflow.
pub enum OpenedExperiment {
    /// The runs that earlier exports added, by their ids in the store.
    Runs(HashMap<String, ExistingRun>),
    /// MLflow's id of an experiment that a user deleted. No run can be added to it.
    Deleted(String),
}

/// A place where MLflow keeps runs.
pub trait Backend {
    /// Opens an experiment by its tag or name, and creates it if it does not exist.
    fn open_experiment(&mut self, experiment: &Experiment) -> Result<OpenedExperiment>;
    /// Creates an empty run with the status `RUNNING` in the open experiment. Returns MLflow's id
    /// of it.
    fn create_run(&mut self, run: &MlflowRun) -> Result<String>;
    /// The values of the metrics `names` that a run has. The result can contain other metrics too.
    fn logged_metrics(&mut self, id: &str, names: &[&str]) -> Result<Vec<LoggedMetric>>;
    /// Stores an artifact of a run.
    fn put_artifact(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()>;
    /// Adds the `missing` metrics, all hyperparameters and all tags to a run, and then its digest.
    fn log(&mut self, id: &str, run: &MlflowRun, missing: &[LoggedMetric]) -> Result<()>;
    /// Names of the tags of a run that the export owns.
    fn owned_tags(&mut self, id: &str) -> Result<Vec<String>>;
    /// Deletes a tag of a run.
    fn delete_tag(&mut self, id: &str, tag: &str) -> Result<()>;
    /// Sets the final status and the end time of a run.
    fn end_run(&mut self, id: &str, run: &MlflowRun) -> Result<()>;
    /// Deletes duplicates of runs, which two exports at the same time can create.
    fn deduplicate(&mut self) -> Result<()>;
    /// Commits the export. Returns a note for the user if artifacts were skipped.
    fn finish(&mut self) -> Result<Option<String>>;
}
