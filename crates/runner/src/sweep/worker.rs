//! One worker thread: claims a group, trains it, and reports its progress as events.

use std::fmt::Display;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use tracking::{EpochMetrics, RunId};

use crate::executor::{Execution, Executor, GroupObserver, Outcome, SerializeModel};
use crate::experiment::group::TrialGroup;
use crate::experiment::trial::Trial;
use crate::sweep::panics;
use crate::sweep::progress::{GroupProgress, Progress};
use crate::sweep::protocol::{ClaimReply, Event, TrialResult};
use crate::sweep::queue::Queue;
use crate::sweep::stop::Stop;

/// The time between two [`Event::Epochs`] of a run. A shorter interval would cost more time than
/// it could save after a kill.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// How long a trial may continue to the end of its epoch after a stop is requested.
const STOP_GRACE_PERIOD: Duration = Duration::from_millis(1_500);

/// What all workers of a sweep share.
#[derive(Clone, Copy)]
pub struct WorkerContext<'s> {
    pub executor: &'s dyn Executor,
    /// Saves the final model of a trial. Called before the end of the trial is reported, so that
    /// every finished run has its model.
    pub save_model: &'s (dyn Fn(&Trial, &[u8]) -> Result<()> + Sync),
    pub progress: &'s Progress,
    pub stop: &'s Stop,
}

/// Claims and runs a group. Every claimed trial ends with one [`Event::Ended`]; an error or a panic
/// ends all remaining trials of the group.
pub fn run_group<'a>(
    group: TrialGroup<'a>,
    context: WorkerContext<'_>,
    events: &mpsc::Sender<Event<'a>>,
    queue: &Queue<'a>,
) {
    let (reply, answer) = mpsc::channel();
    // Sending and receiving fail only after the sink has failed. Then no event can be recorded.
    let _ = events.send(Event::Claim { group, reply });
    let Ok(ClaimReply { claimed, busy }) = answer.recv() else { return };
    if let Some(group) = busy {
        queue.retry_later(group);
    }
    let Some(claimed) = claimed else { return };

    let group = claimed.group.clone();
    let resumed_after = claimed.resume.as_ref().and_then(|state| state.epochs.last());
    let resumed_after = resumed_after.map(|last| last.epoch);
    let mut observer = GroupWorker {
        progress: context.progress.group_started(&group, resumed_after),
        group: &group,
        runs: claimed.runs.clone(),
        started_at: SystemTime::now(),
        events,
        ended: 0,
        context,
        stop_seen: None,
        pending: Vec::new(),
        flushed: Instant::now(),
        latest: None,
    };
    let executed =
        catch_unwind(AssertUnwindSafe(|| context.executor.execute(claimed, &mut observer)));
    let error = match executed {
        Ok(Ok(())) => "the engine ended without a result".to_owned(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => panics::describe(&*panic),
    };
    while observer.ended < group.trials.len() {
        observer.send_result(Err(error.clone()));
    }
}

/// Observes the training of one group and sends its events.
struct GroupWorker<'a, 'w> {
    group: &'w TrialGroup<'a>,
    /// The run of each trial.
    runs: Vec<RunId>,
    started_at: SystemTime,
    events: &'w mpsc::Sender<Event<'a>>,
    /// Number of trials that have ended.
    ended: usize,
    context: WorkerContext<'w>,
    /// When the worker first noticed the request to stop.
    stop_seen: Option<Instant>,
    /// Epochs that are not sent yet.
    pending: Vec<EpochMetrics>,
    /// When epochs were last sent.
    flushed: Instant,
    /// Time and model after the last epoch, if they are not sent yet.
    latest: Option<(Duration, SerializeModel)>,
    progress: GroupProgress,
}

impl GroupWorker<'_, '_> {
    fn send_result(&mut self, result: Result<Execution, String>) {
        let trial = self.group.trials[self.ended];
        let run = self.runs[self.ended].clone();
        self.ended += 1;
        self.progress.count(trial.workload.steps);
        let longest = self.longest_run();
        let shared_from = (run != *longest).then(|| longest.clone());
        let started_at = self.started_at;
        let _ = self.events.send(Event::Ended(TrialResult {
            trial,
            run,
            shared_from,
            started_at,
            result,
        }));
    }

    fn longest_run(&self) -> &RunId {
        &self.runs[self.runs.len() - 1]
    }

    /// Sends the pending epochs of the longest trial.
    fn flush(&mut self) {
        self.flushed = Instant::now();
        if let Some((elapsed, model)) = self.latest.take() {
            let (run, epochs) = (self.longest_run().clone(), std::mem::take(&mut self.pending));
            let _ = self.events.send(Event::Epochs { run, epochs, elapsed, model });
        }
    }
}

impl GroupObserver for GroupWorker<'_, '_> {
    fn step(&mut self, epoch: u32, step: u64, metrics: &dyn Display) -> ControlFlow<()> {
        self.progress.step(epoch, step, metrics);
        if !self.context.stop.requested() {
            return ControlFlow::Continue(());
        }
        let seen = *self.stop_seen.get_or_insert_with(Instant::now);
        if seen.elapsed() > STOP_GRACE_PERIOD {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn epoch(
        &mut self,
        metrics: EpochMetrics,
        elapsed: Duration,
        model: SerializeModel,
    ) -> ControlFlow<()> {
        // The end of the longest trial records its last epochs.
        let planned = self.group.longest().workload.epochs;
        let is_last = planned.is_some_and(|planned| metrics.epoch >= planned);
        self.pending.push(metrics);
        self.latest = Some((elapsed, model));
        if self.flushed.elapsed() >= FLUSH_INTERVAL && !is_last {
            self.flush();
        }
        if self.context.stop.requested() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn progress(&mut self, epoch: u32, metrics: &dyn Display) {
        self.progress.show(epoch, metrics);
    }

    fn stop_requested(&self) -> bool {
        self.context.stop.requested()
    }

    fn trial_ended(&mut self, execution: Execution) {
        if execution.outcome == Outcome::Stopped {
            self.flush();
        }
        let trial = self.group.trials[self.ended];
        let saved = match &execution.model {
            Some(model) => (self.context.save_model)(trial, model),
            None => Ok(()),
        };
        self.send_result(saved.map(|()| execution).map_err(|error| error.to_string()));
    }
}
