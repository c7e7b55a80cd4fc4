//! The rules of a sweep, tested with a fake executor.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use anyhow::{Result, bail};
use tracking::{EpochMetrics, RunId, Value};

use super::progress::Progress;
use super::protocol::{ClaimReply, Event, EventSink};
use super::scheduler::sweep;
use super::stop::Stop;
use super::worker::WorkerContext;
use crate::executor::{ClaimedGroup, Execution, Executor, GroupObserver, Outcome};
use crate::experiment::fixtures::trial;
use crate::experiment::group::{TrialGroup, groups};
use crate::experiment::trial::Trial;

fn seed(trial: &Trial) -> i64 {
    match trial.param("seed") {
        Some(Value::Integer(seed)) => *seed,
        other => panic!("no seed: {other:?}"),
    }
}

/// Fails on seed 1, panics on seed 2, diverges on seed 3, finishes otherwise.
struct Fake {
    stop_at: Option<i64>,
    stop: Stop,
}

impl Executor for Fake {
    fn execute(
        &self,
        ClaimedGroup { group, .. }: ClaimedGroup<'_>,
        observer: &mut dyn GroupObserver,
    ) -> Result<()> {
        let seed = seed(group.longest());
        if self.stop_at == Some(seed) {
            self.stop.request();
        }
        let metrics = EpochMetrics { epoch: 1, step: 1, metrics: vec![("loss".to_owned(), 1.0)] };
        let model = Box::new(|| Ok(Vec::new()));
        let outcome = match seed {
            _ if observer.epoch(metrics, Duration::ZERO, model).is_break() => Outcome::Stopped,
            1 => bail!("out of memory"),
            2 => panic!("index out of bounds"),
            3 => Outcome::Diverged("at step 7".to_owned()),
            _ => Outcome::Finished,
        };
        observer.trial_ended(Execution {
            outcome,
            epochs: Vec::new(),
            results: Vec::new(),
            elapsed: Duration::ZERO,
            model: None,
            error_analysis: None,
        });
        Ok(())
    }

    fn can_resume(&self, _: &Trial, _: &RunId, _: &[u8]) -> bool {
        true
    }
}

/// Grants every claim, except the first `busy`.
#[derive(Default)]
struct Sink {
    /// Seed and outcome of each trial that ended.
    ended: Vec<(i64, Result<Outcome, String>)>,
    shared: Vec<(RunId, Option<RunId>)>,
    flushes: usize,
    busy: usize,
    disk_full: bool,
}

impl<'a> EventSink<'a> for Sink {
    fn handle(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        for event in events {
            match event {
                Event::Claim { group, reply } if self.busy > 0 => {
                    self.busy -= 1;
                    let _ = reply.send(ClaimReply { claimed: None, busy: Some(group) });
                }
                Event::Claim { group, reply } => {
                    let runs = group.trials.iter().map(|_| RunId::random().unwrap()).collect();
                    let claimed = Some(ClaimedGroup { group, runs, resume: None });
                    let _ = reply.send(ClaimReply { claimed, busy: None });
                }
                Event::Epochs { .. } => self.flushes += 1,
                Event::Ended(_) if self.disk_full => bail!("disk full"),
                Event::Ended(end) => {
                    self.shared.push((end.run, end.shared_from));
                    let outcome = end.result.map(|execution| execution.outcome);
                    self.ended.push((seed(end.trial), outcome));
                }
            }
        }
        Ok(())
    }
}

fn run_groups(
    groups: Vec<TrialGroup<'_>>,
    jobs: usize,
    stop_at: Option<i64>,
    sink: &mut Sink,
) -> (Result<()>, Stop) {
    let stop = Stop::default();
    let fake = Fake { stop_at, stop: stop.clone() };
    let progress = Progress::silent();
    let save_model = |_: &Trial, _: &[u8]| Ok(());
    let workers = WorkerContext {
        executor: &fake,
        save_model: &save_model,
        progress: &progress,
        stop: &stop,
    };
    (sweep(groups, jobs, workers, Duration::ZERO, sink), stop)
}

/// Runs trials with the seeds from 0, each in a group of its own.
fn run(count: i64, jobs: usize, stop_at: Option<i64>, mut sink: Sink) -> (Result<()>, Sink, Stop) {
    let trials: Vec<Trial> = (0..count).map(|seed| trial((32, 5, seed))).collect();
    let (swept, stop) = run_groups(groups(&trials), jobs, stop_at, &mut sink);
    (swept, sink, stop)
}

#[test]
fn failed_trial_does_not_stop_the_others() {
    for jobs in [1, 2, 7] {
        let (swept, mut sink, _) = run(6, jobs, None, Sink::default());
        swept.unwrap();
        sink.ended.sort_by_key(|(seed, _)| *seed);
        assert_eq!(sink.ended.len(), 6);
        assert_eq!(sink.ended[1].1, Err("out of memory".to_owned()));
        let panic = sink.ended[2].1.clone().unwrap_err();
        assert!(panic.contains("the program panicked: index out of bounds"), "{panic}");
        assert_eq!(sink.ended[3].1, Ok(Outcome::Diverged("at step 7".to_owned())));
    }
}

#[test]
fn failure_is_recorded_for_each_trial_of_the_group() {
    let trials = [trial((32, 5, 1)), trial((32, 9, 1))];
    let mut sink = Sink::default();
    run_groups(groups(&trials), 1, None, &mut sink).0.unwrap();
    assert!(sink.ended.iter().all(|(_, result)| result.is_err()));
    let [(_, shared_from), (longest, None)] = &sink.shared[..] else { panic!("{:?}", sink.shared) };
    assert_eq!(shared_from.as_ref(), Some(longest));
}

#[test]
fn one_job_keeps_the_order_of_groups() {
    let (_, sink, _) = run(6, 1, None, Sink::default());
    assert!(sink.ended.is_sorted_by_key(|(seed, _)| *seed));
}

#[test]
fn busy_groups_are_claimed_again() {
    let (_, sink, _) = run(6, 2, None, Sink { busy: 9, ..Sink::default() });
    assert_eq!(sink.ended.len(), 6);
}

#[test]
fn stop_flushes_epochs_and_starts_no_trial() {
    let (_, sink, _) = run(10, 1, Some(4), Sink::default());
    assert_eq!((sink.ended.len(), sink.flushes), (5, 1));
    assert_eq!(sink.ended[4].1, Ok(Outcome::Stopped));
}

#[test]
fn sink_error_ends_the_sweep() {
    let (swept, _, stop) = run(50, 2, None, Sink { disk_full: true, ..Sink::default() });
    assert_eq!(swept.unwrap_err().to_string(), "disk full");
    assert!(stop.requested());
}
