//! Runs trial groups on worker threads.

use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::experiment::group::TrialGroup;
use crate::sweep::panics;
use crate::sweep::protocol::{Event, EventSink};
use crate::sweep::queue::Queue;
use crate::sweep::worker::{WorkerContext, run_group};

/// Runs `groups` on `jobs` threads, started in order, and passes their events to `sink` on this
/// thread. Events that arrive within `batch_time` of the first are handled together.
///
/// A trial that fails or panics does not end the sweep. An error of `sink` does.
///
/// # Errors
/// If `sink` fails, a thread cannot start, or what the trials train has changed.
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
    let changed = Mutex::new(None);
    std::thread::scope(|scope| {
        // Created inside the scope: if the sink fails, the receiver is dropped before the scope
        // joins the workers, so that no worker waits for a reply.
        let (sender, receiver) = mpsc::channel();
        for number in 0..threads {
            let (events, queue, changed) = (sender.clone(), &queue, &changed);
            let work = move || {
                while !stop.requested()
                    && let Some(group) = queue.next(progress, stop)
                {
                    if let Err(error) = context.executor.check() {
                        *changed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
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
    })?;
    changed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
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
