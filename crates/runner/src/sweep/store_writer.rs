//! Writes worker events to the store, on the thread that called the scheduler.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use tracking::{
    Checkpoint, ClaimOptions, ClaimOutcome, InvocationId, ResumePoint, RunId, Store,
    WriteTransaction,
};

use crate::executor::{ClaimedGroup, Executor, Outcome, ResumeState};
use crate::experiment::group::TrialGroup;
use crate::experiment::trial::Trial;
use crate::sweep::progress::Progress;
use crate::sweep::protocol::{ClaimReply, Event, EventSink};
use crate::sweep::records::RunMetadata;
use crate::sweep::stop::Stop;

/// The time between two updates of the CSV files during a sweep.
const EXPORT_INTERVAL: Duration = Duration::from_secs(10);

/// What the exit code of a sweep depends on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SweepSummary {
    pub failed: usize,
    /// Other machines that are recorded as running trials of this sweep.
    pub remote_hosts: HashSet<String>,
}

/// Claims trials in the store.
pub struct Claimer<'a> {
    pub invocation: InvocationId,
    pub metadata: RunMetadata,
    pub options: ClaimOptions,
    pub executor: &'a dyn Executor,
}

/// Writes the events of a sweep to the store.
pub struct StoreWriter<'a> {
    pub store: &'a mut Store,
    /// Whether no other process writes to the store.
    pub exclusive: bool,
    pub claimer: Claimer<'a>,
    pub fail_fast: bool,
    pub progress: &'a Progress,
    pub stop: &'a Stop,
    pub summary: SweepSummary,
    pub exported: Instant,
}

impl<'a> EventSink<'a> for StoreWriter<'_> {
    fn handle(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        let (mut replies, mut ended, mut done) = (Vec::new(), Vec::new(), DoneElsewhere::default());
        let transaction = self.store.transaction()?;
        for event in events {
            match event {
                Event::Claim { group, reply } => {
                    let (answer, remote_host) =
                        self.claimer.claim(&transaction, &group, &mut done)?;
                    self.summary.remote_hosts.extend(remote_host);
                    replies.push((reply, answer));
                }
                Event::Epochs { run, epochs, elapsed, model } => {
                    let epoch = epochs.last().map_or(0, |last| last.epoch);
                    let (seconds, model) = (elapsed.as_secs_f64(), model()?);
                    transaction.record_epochs(
                        &run,
                        &epochs,
                        &Checkpoint { epoch, seconds, model },
                    )?;
                }
                Event::Ended(result) => {
                    transaction.end_run(&result.run, &self.claimer.metadata.ended(&result))?;
                    ended.push(result);
                }
            }
            // Without other writers, a claim is valid before it is committed.
            if self.exclusive {
                send(&mut replies);
            }
        }
        transaction.commit()?;

        send(&mut replies);
        if done.trials > 0 {
            self.progress.done_elsewhere(done.trials, done.steps);
        }
        for end in ended {
            let has_failed = matches!(end.outcome(), None | Some(Outcome::Failed(_)));
            if end.outcome() != Some(&Outcome::Stopped) {
                self.claimer.executor.end_recorded(end.trial, &end.run, !has_failed);
            }
            if has_failed {
                self.summary.failed += 1;
                if self.fail_fast {
                    self.stop.request();
                }
            }
            self.progress.trial_ended(end.trial, &end.result);
        }
        if self.exported.elapsed() >= EXPORT_INTERVAL {
            self.store.export_csv(&self.claimer.metadata.header.experiment)?;
            self.exported = Instant::now();
        }
        Ok(())
    }
}

/// Trials whose results other runners recorded, and the steps that this sweep need not compute.
#[derive(Default)]
struct DoneElsewhere {
    trials: usize,
    steps: u64,
}

/// Sends replies to claims. A worker that has ended needs no reply.
fn send<'a>(replies: &mut Vec<(mpsc::Sender<ClaimReply<'a>>, ClaimReply<'a>)>) {
    for (worker, reply) in replies.drain(..) {
        let _ = worker.send(reply);
    }
}

impl Claimer<'_> {
    /// Claims every trial of a group, and adds those with a result to `done`. Also returns the host
    /// that is recorded as running one of them.
    fn claim<'a>(
        &self,
        transaction: &WriteTransaction<'_>,
        group: &TrialGroup<'a>,
        done: &mut DoneElsewhere,
    ) -> Result<(ClaimReply<'a>, Option<String>)> {
        let (mut trials, mut runs) = (Vec::new(), Vec::new());
        let (mut busy, mut remote_host) = (Vec::new(), None);
        let mut open_steps = 0;
        for trial in &group.trials {
            let run = self.metadata.started(trial, SystemTime::now());
            match transaction.claim(self.invocation, &run, self.options)? {
                ClaimOutcome::Claimed(run, resumption) => {
                    trials.push(*trial);
                    runs.push((run, resumption));
                }
                ClaimOutcome::Busy => busy.push(*trial),
                ClaimOutcome::Remote(host) => remote_host = Some(host),
                ClaimOutcome::Done => {
                    done.trials += 1;
                    continue;
                }
            }
            // One training computes the group, so the last trial without a result counts.
            open_steps = trial.workload.steps;
        }
        done.steps += group.longest().workload.steps.saturating_sub(open_steps);
        let claimed = if trials.is_empty() {
            None
        } else {
            let group = TrialGroup { trials };
            let resume = self.resume(transaction, &group, &mut runs)?;
            let runs = runs.into_iter().map(|(run, _)| run).collect();
            Some(ClaimedGroup { group, runs, resume })
        };
        let busy = (!busy.is_empty()).then_some(TrialGroup { trials: busy });
        Ok((ClaimReply { claimed, busy }, remote_host))
    }

    /// The state from which the training of a claimed group resumes, if the longest trial has one.
    /// All other runs restart.
    fn resume(
        &self,
        transaction: &WriteTransaction<'_>,
        group: &TrialGroup<'_>,
        runs: &mut [(RunId, Option<ResumePoint>)],
    ) -> Result<Option<ResumeState>> {
        let Some(((longest, resumption), shorter)) = runs.split_last_mut() else { return Ok(None) };
        // A state after the end of the shortest trial would skip that trial's result.
        let shortest = group.trials[0].workload.epochs;
        let fits = |state: &ResumeState| {
            shortest.is_none_or(|shortest| state.epochs.len() <= shortest as usize)
        };
        let resumption = resumption.take();
        let is_resumed = resumption.is_some();
        let state = resumption.and_then(|point| self.resume_state(group.longest(), longest, point));
        let state = state.filter(fits);
        if is_resumed && state.is_none() {
            transaction.restart_run(longest)?;
        }
        for (run, resumption) in shorter {
            if resumption.take().is_some() {
                transaction.restart_run(run)?;
            }
        }
        Ok(state)
    }

    /// The state after the last checkpoint, if the executor can read it.
    fn resume_state(
        &self,
        trial: &Trial,
        run: &RunId,
        ResumePoint { epochs, checkpoint, .. }: ResumePoint,
    ) -> Option<ResumeState> {
        let elapsed = Duration::try_from_secs_f64(checkpoint.seconds).ok()?;
        let can_resume = self.executor.can_resume(trial, run, &checkpoint.model);
        can_resume.then_some(ResumeState { epochs, elapsed, model: checkpoint.model })
    }
}
