//! Training of trial groups.
//!
//! The scheduler knows only the trait [`Executor`]. Metrics are names and values, and models are
//! bytes, so executors can differ in both.

pub mod built_in;
pub mod description;
pub mod program;
pub mod setup;

use std::fmt::Display;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Result;
use tracking::{EpochMetrics, ErrorAnalysis, RunId};

use crate::experiment::group::TrialGroup;
use crate::experiment::trial::Trial;

/// How the training of a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The training ended by itself.
    Finished,
    /// A loss or the ranking metric was not finite; the text says which and where.
    Diverged(String),
    /// The observer stopped the training.
    Stopped,
    /// The trial has no result; the text is the reason.
    Failed(String),
}

/// What the training of a trial produced.
#[derive(Debug)]
pub struct Execution {
    pub outcome: Outcome,
    pub epochs: Vec<EpochMetrics>,
    /// Final metrics of a finished trial.
    pub results: Vec<(String, f64)>,
    /// Time of the whole trial, evaluations included, as if it had trained alone.
    pub elapsed: Duration,
    /// The final model of a finished trial, as the bytes of its file.
    pub model: Option<Vec<u8>>,
    pub error_analysis: Option<ErrorAnalysis>,
}

impl Execution {
    /// A training that was stopped before it began.
    pub fn stopped() -> Self {
        Self {
            outcome: Outcome::Stopped,
            epochs: Vec::new(),
            results: Vec::new(),
            elapsed: Duration::ZERO,
            model: None,
            error_analysis: None,
        }
    }
}

/// State of a group's training after an epoch: all that is needed to resume it.
#[derive(Debug, Clone)]
pub struct ResumeState {
    /// All epochs so far.
    pub epochs: Vec<EpochMetrics>,
    /// Time of these epochs.
    pub elapsed: Duration,
    /// The model after the last of them.
    pub model: Vec<u8>,
}

/// A group that a worker must train.
#[derive(Debug, Clone)]
pub struct ClaimedGroup<'a> {
    pub group: TrialGroup<'a>,
    /// The run of each trial.
    pub runs: Vec<RunId>,
    /// Where to resume the training of the longest trial.
    pub resume: Option<ResumeState>,
}

/// Serializes a model. Called only for a model that is recorded, which not every epoch's is.
pub type SerializeModel = Box<dyn FnOnce() -> Result<Vec<u8>> + Send>;

/// Callbacks for the progress of a group. The executor stops on [`ControlFlow::Break`].
pub trait GroupObserver {
    /// Called after each step. `step` counts from 1 over the whole training; `metrics` displays the
    /// running metrics of the epoch.
    fn step(&mut self, epoch: u32, step: u64, metrics: &dyn Display) -> ControlFlow<()>;

    /// Called after each epoch. `elapsed` is the time of all epochs so far.
    fn epoch(
        &mut self,
        metrics: EpochMetrics,
        elapsed: Duration,
        model: SerializeModel,
    ) -> ControlFlow<()>;

    /// Called when metrics arrive before the epoch ends.
    fn progress(&mut self, epoch: u32, metrics: &dyn Display);

    /// Whether the sweep must stop.
    fn stop_requested(&self) -> bool;

    /// Called after each trial of the group, in the group's order.
    fn trial_ended(&mut self, execution: Execution);
}

/// Trains trial groups. Several threads share one executor.
pub trait Executor: Sync {
    /// Trains a group, from the start or from where it was interrupted.
    ///
    /// # Errors
    /// If the computation fails. The trials that did not end before have no result.
    fn execute(&self, claimed: ClaimedGroup<'_>, observer: &mut dyn GroupObserver) -> Result<()>;

    /// Whether an interrupted run of `trial` can be resumed from `model`, the bytes of its
    /// checkpoint.
    fn can_resume(&self, trial: &Trial, run: &RunId, model: &[u8]) -> bool;

    /// Called after the end of a run is recorded, unless it was stopped.
    fn end_recorded(&self, _: &Trial, _: &RunId, _has_result: bool) {}

    /// Checks before each group that the code or the data has not changed.
    ///
    /// # Errors
    /// If it has changed. No further group starts.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}
