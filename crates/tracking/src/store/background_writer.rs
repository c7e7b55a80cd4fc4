//! A thread that writes the events of all live runs of a process. Events that arrive close together
//! share one transaction.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::format::InvocationId;
use super::transaction::WriteTransaction;
use crate::{EpochMetrics, Experiment, Invocation, Liveness, Run, RunId, StoreError};

/// How long epochs wait for others that share their transaction.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// Largest number of new events in one transaction.
const MAX_BATCH: usize = 1_000;
/// Number of events that can wait for the thread. Logging blocks while the queue is full.
const QUEUE_LENGTH: usize = 1_000;

/// The result of an event.
type Outcome = Result<(), StoreError>;

/// An error of an event that no caller waited for. The next call for the run returns it.
pub(crate) type DeferredError = Arc<Mutex<Option<StoreError>>>;

/// An event to record.
#[derive(Debug)]
enum Event {
    Declare(Experiment, Box<Invocation>),
    Start { id: RunId, run: Box<Run>, take_over: bool },
    Epoch { id: RunId, epoch: EpochMetrics, error: DeferredError },
    End { id: RunId, run: Box<Run> },
}

/// An event, and the channel to the caller if it waits for the outcome.
#[derive(Debug)]
struct Message {
    event: Event,
    reply: Option<Sender<Outcome>>,
}

/// The handle of the thread. Dropping it waits until the thread has written all events.
#[derive(Debug)]
pub(crate) struct BackgroundWriter {
    path: PathBuf,
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundWriter {
    pub(super) fn start(connection: Connection, path: PathBuf) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE_LENGTH);
        let writer = Writer { connection, path: path.clone(), invocations: HashMap::new() };
        let thread = std::thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self { path, sender: Some(sender), thread: Some(thread) })
    }

    /// Declares the invocation of the following runs of `experiment`, and its description.
    pub(crate) fn declare(&self, experiment: Experiment, invocation: Invocation) -> Outcome {
        self.send_and_wait(Event::Declare(experiment, Box::new(invocation)))
    }

    /// Claims the trial of `run` and starts the run.
    pub(crate) fn start_run(&self, id: RunId, run: Run, take_over: bool) -> Outcome {
        self.send_and_wait(Event::Start { id, run: Box::new(run), take_over })
    }

    /// Records an epoch later. If that fails, `error` receives the error.
    pub(crate) fn log_epoch(
        &self,
        id: RunId,
        epoch: EpochMetrics,
        error: DeferredError,
    ) -> Outcome {
        self.send(Message { event: Event::Epoch { id, epoch, error }, reply: None })
    }

    /// Records the end of a run.
    pub(crate) fn end_run(&self, id: RunId, run: Box<Run>) -> Outcome {
        self.send_and_wait(Event::End { id, run })
    }

    /// Records the end of a run later. If the thread has ended, the run counts as killed when its
    /// process ends.
    pub(crate) fn abandon_run(&self, id: RunId, run: Box<Run>) {
        let _ = self.send(Message { event: Event::End { id, run }, reply: None });
    }

    fn send_and_wait(&self, event: Event) -> Outcome {
        let (reply, answer) = channel();
        self.send(Message { event, reply: Some(reply) })?;
        answer.recv().map_err(|_| self.stopped())?
    }

    fn send(&self, message: Message) -> Outcome {
        let sent = self.sender.as_ref().map(|sender| sender.send(message));
        if let Some(Ok(())) = sent { Ok(()) } else { Err(self.stopped()) }
    }

    fn stopped(&self) -> StoreError {
        StoreError::WriterStopped { path: self.path.clone() }
    }
}

impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, each waiting caller has received an error.
            let _ = thread.join();
        }
    }
}

/// The state of the thread.
struct Writer {
    connection: Connection,
    path: PathBuf,
    /// The invocation of this process for each experiment.
    invocations: HashMap<String, InvocationId>,
}

impl Writer {
    /// Runs until all senders are dropped and all events are written.
    fn run(mut self, receiver: &Receiver<Message>) {
        let (mut is_open, mut batch) = (true, Vec::new());
        while is_open {
            is_open = gather(receiver, &mut batch);
            if !batch.is_empty() {
                batch = self.record(batch);
            }
        }
    }

    /// Records a batch in one transaction. If that fails, records each event by itself, so that one
    /// invalid event does not affect the others. After a transient error, returns the events to
    /// retry.
    fn record(&mut self, mut batch: Vec<Message>) -> Vec<Message> {
        match self.record_together(&batch) {
            Ok(outcomes) => {
                for (message, outcome) in batch.iter_mut().zip(outcomes) {
                    message.reply(outcome);
                }
                Vec::new()
            }
            Err(error) if error.as_transient().is_some() => {
                for message in &mut batch {
                    message.reply(error.as_transient().map_or(Ok(()), Err));
                }
                batch.retain(Message::is_retried);
                batch
            }
            Err(error) => match &mut batch[..] {
                // Another program may have deleted the experiment. Create it again.
                [Message { event: Event::Start { run, .. }, .. }]
                    if self.invocations.remove(&run.experiment).is_some() =>
                {
                    self.record(batch)
                }
                [message] => {
                    message.reply(Err(error));
                    Vec::new()
                }
                _ => batch.into_iter().flat_map(|message| self.record(vec![message])).collect(),
            },
        }
    }

    /// Records a batch in one transaction. Returns the outcome of each event.
    fn record_together(&mut self, batch: &[Message]) -> Result<Vec<Outcome>, StoreError> {
        let transaction = WriteTransaction::begin(&mut self.connection, &self.path)?;
        let mut invocations = self.invocations.clone();
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut without_checksum: Vec<&RunId> = Vec::new();
        for Message { event, .. } in batch {
            outcomes.push(apply(&transaction, &mut invocations, event)?);
            match event {
                Event::Epoch { id, .. } if !without_checksum.contains(&id) => {
                    without_checksum.push(id);
                }
                // The end of a run updates its checksum.
                Event::End { id, .. } => without_checksum.retain(|pending| pending != &id),
                _ => {}
            }
        }
        without_checksum.into_iter().try_for_each(|id| transaction.update_checksum(id))?;
        transaction.commit()?;
        self.invocations = invocations;
        Ok(outcomes)
    }
}

/// Records one event. The outcome is an error if another process runs the trial. An error of the
/// database is the error of the whole transaction.
fn apply(
    transaction: &WriteTransaction<'_>,
    invocations: &mut HashMap<String, InvocationId>,
    event: &Event,
) -> Result<Outcome, StoreError> {
    match event {
        Event::Declare(experiment, invocation) => {
            let id = transaction.begin_invocation(experiment, invocation)?;
            invocations.insert(experiment.name.clone(), id);
        }
        Event::Start { id, run, take_over } => {
            let invocation = match invocations.get(&run.experiment) {
                Some(invocation) => *invocation,
                None => {
                    let experiment = transaction.experiment(&run.experiment)?;
                    transaction.begin_invocation(&experiment, &Invocation::current())?
                }
            };
            invocations.insert(run.experiment.clone(), invocation);
            if let Some((by, liveness)) = transaction.start_run(invocation, id, run, *take_over)? {
                let (experiment, trial) = (run.experiment.clone(), run.trial.clone());
                let (by, remote) = (Box::new(by), liveness == Liveness::Remote);
                return Ok(Err(StoreError::Running { experiment, trial, by, remote }));
            }
        }
        Event::Epoch { id, epoch, .. } => transaction.record_epoch(id, epoch)?,
        Event::End { id, run } => transaction.end_run(id, run)?,
    }
    Ok(Ok(()))
}

impl Message {
    /// Passes the outcome to the waiting caller, or keeps an error for the next call.
    fn reply(&mut self, outcome: Outcome) {
        match (self.reply.take(), &self.event) {
            // Sending fails if the caller has stopped waiting.
            (Some(reply), _) => drop(reply.send(outcome)),
            (None, Event::Epoch { error: deferred, .. }) => {
                let mut deferred = deferred.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Err(error) => *deferred = Some(error),
                    // The retry succeeded after a transient error.
                    Ok(()) => {
                        *deferred = deferred.take().filter(|error| error.as_transient().is_none());
                    }
                }
            }
            (None, _) => {}
        }
    }

    /// Whether the event is retried after a transient error: measurements and ends of runs, but not
    /// starts, because their callers receive the error.
    fn is_retried(&self) -> bool {
        matches!(self.event, Event::Epoch { .. } | Event::End { .. })
    }
}

/// Adds events to `batch`: waits for the first one, and then up to [`FLUSH_INTERVAL`] for others.
/// An event that a caller waits for ends the wait. Returns whether more events can follow.
fn gather(receiver: &Receiver<Message>, batch: &mut Vec<Message>) -> bool {
    if batch.is_empty() {
        match receiver.recv() {
            Ok(message) => batch.push(message),
            Err(_) => return false,
        }
    }
    let mut deadline = Instant::now() + FLUSH_INTERVAL;
    for _ in 0..MAX_BATCH {
        if batch.last().is_some_and(|message| message.reply.is_some()) {
            deadline = Instant::now();
        }
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => batch.push(message),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Reader, RunHeader, Status, Store, StoreError};
    use std::time::SystemTime;

    /// A writer with a new store.
    fn writer(folder: &std::path::Path) -> Writer {
        drop(Store::open(folder).unwrap());
        let path = folder.join(super::super::DATABASE);
        let connection = super::super::connect(&path, super::super::Journal::WriteAhead).unwrap();
        Writer { connection, path, invocations: HashMap::new() }
    }

    #[test]
    fn full_disk_defers_epochs_and_ends_until_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        let (id, error) = (RunId::random().unwrap(), DeferredError::default());
        let run = Box::new(Run::new(RunHeader::new("wine", Status::Running), SystemTime::now()));
        let message = |event| Message { event, reply: None };
        let start = Event::Start { id: id.clone(), run: run.clone(), take_over: false };
        assert!(writer.record(vec![message(start)]).is_empty());

        let limit = |writer: &Writer, pages: u32| {
            writer
                .connection
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                .unwrap();
        };
        limit(&writer, 1);
        let metrics: Vec<_> = (0..1_000).map(|number| (format!("metric {number}"), 0.5)).collect();
        let epoch = EpochMetrics { epoch: 1, step: 1, metrics };
        let (reply, answer) = channel();
        let end = Box::new(run.with(|run| run.status = Status::Finished));
        let batch = vec![
            message(Event::Epoch {
                id: id.clone(),
                epoch: epoch.clone(),
                error: Arc::clone(&error),
            }),
            Message { event: Event::End { id: id.clone(), run: end.clone() }, reply: Some(reply) },
            message(Event::Start { id: RunId::random().unwrap(), run: end, take_over: false }),
        ];
        let retried = writer.record(batch);
        assert_eq!(retried.len(), 2, "the epoch and the end of the run, but not the new run");
        assert!(matches!(answer.recv().unwrap(), Err(StoreError::Unwritable { .. })));
        assert!(matches!(&*error.lock().unwrap(), Some(StoreError::Unwritable { .. })));

        limit(&writer, 1 << 20);
        assert!(writer.record(retried).is_empty());
        assert!(error.lock().unwrap().is_none(), "the error was transient");
        let reader = Reader::open(folder.path()).unwrap();
        let runs = reader.runs("wine").unwrap();
        assert_eq!((runs.len(), runs[0].status), (1, Status::Finished));
        assert_eq!(reader.epochs(&runs[0]).unwrap()[0].metrics.len(), 1_000);
        assert!(reader.integrity_issues().is_empty());
    }
}
