//! Runs trial groups on worker threads.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::experiment::group::TrialGroup;
use crate::sweep::panics;
use crate::sweep::progress::Progress;
use crate::sweep::protocol::{Event, EventSink};
use crate::sweep::stop::Stop;
use crate::sweep::worker::{WorkerContext, run_group};

/// The time between two claims of groups that other runners are running.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `groups` on `jobs` threads, started in order, and passes their events to `sink` on this
/// thread. Events that arrive within `batch_time` of the first are handled together.
///
/// A trial that fails or panics does not end the sweep. An error of `sink` does.
///
/// # Errors
/// If `sink` fails or a thread cannot start.
pub fn sweep<'a>(
    groups: Vec<TrialGroup<'a>>,
    jobs: usize,
    context: WorkerContext<'_>,
    batch_time: Duration,
    sink: &mut dyn EventSink<'a>,
) -> Result<()> {
    let WorkerContext { progress, stop, .. } = context;
    let threads = jobs.min(groups.len());
    let queue = Queue::new(groups);
    std::thread::scope(|scope| {
        // Created inside the scope: if the sink fails, the receiver is dropped before the scope
        // joins the workers, so that no worker waits for a reply.
        let (sender, receiver) = mpsc::channel();
        for number in 0..threads {
            let (events, queue) = (sender.clone(), &queue);
            let work = move || {
                while !stop.requested()
                    && let Some(group) = queue.next(progress, stop)
                {
                    run_group(group, context, &events, queue);
                }
            };
            std::thread::Builder::new()
                .name(panics::worker_name(number))
                .spawn_scoped(scope, work)
                .context("cannot start a thread for trials; try fewer --jobs")?;
        }
        drop(sender);
        receive(&receiver, batch_time, sink).inspect_err(|_| stop.request())
    })
}

/// Passes events to `sink` until all workers have ended.
fn receive<'a>(
    receiver: &mpsc::Receiver<Event<'a>>,
    batch_time: Duration,
    sink: &mut dyn EventSink<'a>,
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let until = Instant::now() + batch_time;
        let left = || until.saturating_duration_since(Instant::now());
        let more = std::iter::from_fn(|| receiver.recv_timeout(left()).ok());
        sink.handle(&mut std::iter::once(first).chain(more))?;
    }
    Ok(())
}

/// The groups that remain.
pub struct Queue<'a> {
    groups: Mutex<Groups<'a>>,
}

struct Groups<'a> {
    /// Not claimed yet.
    ready: VecDeque<TrialGroup<'a>>,
    /// Another runner was running them at the last claim.
    busy: VecDeque<TrialGroup<'a>>,
}

impl<'a> Queue<'a> {
    fn new(groups: Vec<TrialGroup<'a>>) -> Self {
        Self { groups: Mutex::new(Groups { ready: groups.into(), busy: VecDeque::new() }) }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Groups<'a>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group. Waits before it returns a group that was busy.
    fn next(&self, progress: &Progress, stop: &Stop) -> Option<TrialGroup<'a>> {
        let ready = self.locked().ready.pop_front();
        if ready.is_some() {
            return ready;
        }
        let busy = self.locked().busy.pop_front()?;
        progress.waiting();
        let begun = Instant::now();
        while begun.elapsed() < RETRY_INTERVAL && !stop.requested() {
            std::thread::sleep(RETRY_INTERVAL / 10);
        }
        Some(busy)
    }

    /// Puts a group back that another runner is running.
    pub fn retry_later(&self, group: TrialGroup<'a>) {
        self.locked().busy.push_back(group);
    }
}
