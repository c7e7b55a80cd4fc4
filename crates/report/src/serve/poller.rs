//! Polls the store and publishes snapshots to all clients.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::snapshot::Snapshot;

/// Shortest time between two reads of the store. A snapshot of this age is still served.
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait of a request for a read. After it, the request receives the previous snapshot.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// What a request needs to be current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Progress,
    /// The page, which takes longer to make, and the progress.
    Page,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    needs: Needs,
    received_at: Instant,
}

impl Request {
    fn is_answered_by(self, snapshot: &Snapshot) -> bool {
        let read_at = match self.needs {
            Needs::Progress => snapshot.progress_read_at,
            Needs::Page => snapshot.page_read_at,
        };
        read_at.is_some_and(|read_at| read_at + INTERVAL >= self.received_at)
    }
}

/// Handle to the polling thread, which ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Poller {
    requests: Sender<Request>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Poller {
    /// Starts the thread that calls `read`.
    ///
    /// # Errors
    /// If the system refuses another thread.
    pub fn start(read: impl FnMut(Needs) -> Snapshot + Send + 'static) -> std::io::Result<Self> {
        let (requests, received) = mpsc::channel();
        let first = Arc::new(Snapshot::before_first_read());
        let (publisher, snapshots) = watch::channel(first);
        thread::Builder::new()
            .name("poller".into())
            .spawn(move || poll(&received, &publisher, read))?;
        Ok(Self { requests, snapshots })
    }

    /// A snapshot at most [`INTERVAL`] old, or the previous one if the read takes too long.
    pub async fn snapshot(&self, needs: Needs) -> Arc<Snapshot> {
        let request = Request { needs, received_at: Instant::now() };
        let mut snapshots = self.snapshots.clone();
        let is_answered = request.is_answered_by(&snapshots.borrow());
        if !is_answered && self.requests.send(request).is_ok() {
            let answered = snapshots.wait_for(|snapshot| request.is_answered_by(snapshot));
            let _ = tokio::time::timeout(MAX_WAIT, answered).await;
        }
        let snapshot = snapshots.borrow();
        Arc::clone(&snapshot)
    }
}

/// Reads once for all requests that have arrived, until no handle is left.
fn poll(
    requests: &Receiver<Request>,
    publisher: &watch::Sender<Arc<Snapshot>>,
    mut read: impl FnMut(Needs) -> Snapshot,
) {
    let mut last_read: Option<Instant> = None;
    while let Ok(request) = requests.recv() {
        if request.is_answered_by(&publisher.borrow()) {
            continue;
        }
        if let Some(last_read) = last_read {
            thread::sleep(INTERVAL.saturating_sub(last_read.elapsed()));
        }
        let others = requests.try_iter().map(|request| request.needs);
        let needs = others.fold(request.needs, Needs::max);
        last_read = Some(Instant::now());
        publisher.send_replace(Arc::new(read(needs)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A poller whose reads are counted and do nothing else.
    fn counting() -> (Poller, Arc<AtomicU32>) {
        let reads = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&reads);
        let poller = Poller::start(move |needs| {
            counter.fetch_add(1, Ordering::SeqCst);
            let now = Some(Instant::now());
            let page_read_at = now.filter(|_| needs == Needs::Page);
            let before = Snapshot::before_first_read();
            Snapshot { progress_read_at: now, page_read_at, ..before }
        });
        (poller.unwrap(), reads)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn many_clients_cause_at_most_one_read_a_second() {
        let (poller, reads) = counting();
        let begun = Instant::now();
        block_on(async {
            while begun.elapsed() < 2 * INTERVAL + INTERVAL / 2 {
                for _ in 0..100 {
                    assert!(poller.snapshot(Needs::Progress).await.progress_read_at.is_some());
                }
                tokio::task::yield_now().await;
            }
        });
        let (reads, seconds) = (reads.load(Ordering::SeqCst), begun.elapsed().as_secs());
        assert!(reads >= 2 && u64::from(reads) <= seconds + 1, "{reads} reads in {seconds} s");
    }

    #[test]
    fn nothing_is_read_without_a_request() {
        let (poller, reads) = counting();
        assert_eq!(reads.load(Ordering::SeqCst), 0);
        block_on(poller.snapshot(Needs::Page));
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn page_request_waits_for_a_read_of_the_page() {
        let (poller, reads) = counting();
        block_on(async {
            assert_eq!(poller.snapshot(Needs::Progress).await.page_read_at, None);
            assert!(poller.snapshot(Needs::Page).await.page_read_at.is_some());
        });
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }
}
