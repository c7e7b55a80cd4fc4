//! Messages between the worker threads and the thread that records.

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use tracking::{EpochMetrics, RunId};

use crate::executor::{ClaimedGroup, Execution, Outcome, SerializeModel};
use crate::experiment::group::TrialGroup;
use crate::experiment::trial::Trial;

/// A message of a worker.
pub enum Event<'a> {
    /// Asks for permission to run a group.
    Claim { group: TrialGroup<'a>, reply: mpsc::Sender<ClaimReply<'a>> },
    /// Epochs of a run since the last such event, and its model after them.
    Epochs { run: RunId, epochs: Vec<EpochMetrics>, elapsed: Duration, model: SerializeModel },
    /// A trial ended.
    Ended(TrialResult<'a>),
}

/// The answer to [`Event::Claim`].
#[derive(Default)]
pub struct ClaimReply<'a> {
    pub claimed: Option<ClaimedGroup<'a>>,
    /// Trials that another runner is running. The worker claims them again later.
    pub busy: Option<TrialGroup<'a>>,
}

/// The end of a trial.
pub struct TrialResult<'a> {
    pub trial: &'a Trial,
    pub run: RunId,
    /// The run whose training included this trial.
    pub shared_from: Option<RunId>,
    pub started_at: SystemTime,
    /// The execution, or the error that prevented it.
    pub result: Result<Execution, String>,
}

impl TrialResult<'_> {
    /// The outcome, unless an error prevented the execution.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.result.as_ref().ok().map(|execution| &execution.outcome)
    }
}

/// Receives the events of a sweep.
pub trait EventSink<'a> {
    /// Handles `events` until the iterator ends, as one transaction, and replies to the claims.
    ///
    /// # Errors
    /// If the events cannot be recorded. The sweep ends then.
    fn handle(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()>;
}
