//! One thread records what the live runs of a process log: together what comes together.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::InvocationId;
use super::live::WriteTransaction;
use crate::{EpochMetrics, Experiment, Invocation, Liveness, Run, RunId, StoreError};

/// How long epochs wait for others that are recorded with them.
const TOGETHER: Duration = Duration::from_millis(100);
/// What is recorded together at most, beside what could not be before.
const MOST: usize = 1_000;
/// What may wait to be recorded before who logs more has to wait.
const QUEUE: usize = 1_000;

/// What became of something that was recorded.
type Outcome = Result<(), StoreError>;
/// Why something of a run that nobody waited for could not be recorded, until somebody asks.
pub(crate) type Trouble = Arc<Mutex<Option<StoreError>>>;

/// Something to record.
#[derive(Debug)]
enum Event {
    Declare(Experiment, Box<Invocation>),
    Start { id: RunId, run: Box<Run>, take_over: bool },
    Epoch { id: RunId, epoch: EpochMetrics, trouble: Trouble },
    End { id: RunId, run: Box<Run> },
}

/// Something to record, and who waits for it.
#[derive(Debug)]
struct Message {
    event: Event,
    reply: Option<Sender<Outcome>>,
}

/// The thread; it ends, when all was recorded, with the last who may have something to record.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub(super) fn begin(connection: Connection, path: PathBuf) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let writer = Writer { connection, path: path.clone(), begun: HashMap::new() };
        let thread = std::thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(move || writer.work(&receiver))?;
        Ok(Self { path, sender: Some(sender), thread: Some(thread) })
    }

    /// What the runs of `experiment` that follow are made by, and what the experiment is about.
    pub(crate) fn declare(&self, experiment: Experiment, invocation: Invocation) -> Outcome {
        self.waiting(Event::Declare(experiment, Box::new(invocation)))
    }

    /// Takes the trial of `run`, and begins the run.
    pub(crate) fn start(&self, id: RunId, run: Run, take_over: bool) -> Outcome {
        self.waiting(Event::Start { id, run: Box::new(run), take_over })
    }

    /// Does not wait until the epoch is recorded.
    pub(crate) fn epoch(&self, id: RunId, epoch: EpochMetrics, trouble: Trouble) -> Outcome {
        self.send(Message { event: Event::Epoch { id, epoch, trouble }, reply: None })
    }

    pub(crate) fn end(&self, id: RunId, run: Box<Run>) -> Outcome {
        self.waiting(Event::End { id, run })
    }

    /// [`Recorder::end`] without waiting until it is recorded.
    pub(crate) fn abandon(&self, id: RunId, run: Box<Run>) {
        // Where nobody records any more, the run is killed when its process is gone.
        let _ = self.send(Message { event: Event::End { id, run }, reply: None });
    }

    fn waiting(&self, event: Event) -> Outcome {
        let (reply, answer) = channel();
        self.send(Message { event, reply: Some(reply) })?;
        answer.recv().map_err(|_| self.closed())?
    }

    fn send(&self, message: Message) -> Outcome {
        let sent = self.sender.as_ref().map(|sender| sender.send(message));
        if let Some(Ok(())) = sent { Ok(()) } else { Err(self.closed()) }
    }

    fn closed(&self) -> StoreError {
        StoreError::WriterStopped { path: self.path.clone() }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, whoever waited was told that it is gone.
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Writer {
    connection: Connection,
    path: PathBuf,
    /// The start of this program for each experiment, as it is in the store.
    begun: HashMap<String, InvocationId>,
}

impl Writer {
    fn work(mut self, receiver: &Receiver<Message>) {
        let (mut open, mut batch) = (true, Vec::new());
        while open {
            open = gather(receiver, &mut batch);
            if !batch.is_empty() {
                batch = self.record(batch);
            }
        }
    }

    /// Records all of it together; one by one if something in it cannot be, so that the others are. What may be recorded later is
    /// given back.
    fn record(&mut self, mut batch: Vec<Message>) -> Vec<Message> {
        match self.together(&batch) {
            Ok(outcomes) => {
                batch.iter_mut().zip(outcomes).for_each(|(message, outcome)| message.tell(outcome));
                Vec::new()
            }
            Err(error) if error.as_transient().is_some() => {
                batch
                    .iter_mut()
                    .for_each(|message| message.tell(error.as_transient().map_or(Ok(()), Err)));
                batch.retain(Message::is_tried_again);
                batch
            }
            Err(error) => match &mut batch[..] {
                // Somebody may have deleted the experiment: then it begins once more.
                [Message { event: Event::Start { run, .. }, .. }]
                    if self.begun.remove(&run.experiment).is_some() =>
                {
                    self.record(batch)
                }
                [alone] => {
                    alone.tell(Err(error));
                    Vec::new()
                }
                _ => batch.into_iter().flat_map(|message| self.record(vec![message])).collect(),
            },
        }
    }

    /// One transaction: what came of each, or nothing at all.
    fn together(&mut self, batch: &[Message]) -> Result<Vec<Outcome>, StoreError> {
        let transaction = WriteTransaction::begin(&mut self.connection, self.path.clone())?;
        let mut begun = self.begun.clone();
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut unsealed: Vec<&RunId> = Vec::new();
        for Message { event, .. } in batch {
            outcomes.push(apply(&transaction, &mut begun, event)?);
            match event {
                Event::Epoch { id, .. } if !unsealed.contains(&id) => unsealed.push(id),
                // Its end seals it.
                Event::End { id, .. } => unsealed.retain(|it| it != &id),
                _ => {}
            }
        }
        unsealed.into_iter().try_for_each(|id| transaction.seal(id))?;
        transaction.commit()?;
        self.begun = begun;
        Ok(outcomes)
    }
}

/// Records one event. What cannot be because of others is its outcome; what the database refuses is an error.
fn apply(
    transaction: &WriteTransaction<'_>,
    begun: &mut HashMap<String, InvocationId>,
    event: &Event,
) -> Result<Outcome, StoreError> {
    match event {
        Event::Declare(experiment, invocation) => {
            begun.insert(
                experiment.name.clone(),
                transaction.begin_invocation(experiment, invocation)?,
            );
        }
        Event::Start { id, run, take_over } => {
            let invocation = match begun.get(&run.experiment) {
                Some(invocation) => *invocation,
                None => transaction.begin_invocation(
                    &transaction.experiment(&run.experiment)?,
                    &Invocation::current(),
                )?,
            };
            begun.insert(run.experiment.clone(), invocation);
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
    /// Tells who waits, or who asks later, what came of it.
    fn tell(&mut self, outcome: Outcome) {
        match (self.reply.take(), &self.event) {
            // Who does not wait any more is gone.
            (Some(reply), _) => drop(reply.send(outcome)),
            (None, Event::Epoch { trouble, .. }) => {
                let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Err(error) => *trouble = Some(error),
                    // It was only late.
                    Ok(()) => {
                        *trouble = trouble.take().filter(|error| error.as_transient().is_none())
                    }
                }
            }
            (None, _) => {}
        }
    }

    /// What was measured is tried again, and how a run ended; a run that could not begin is not.
    fn is_tried_again(&self) -> bool {
        matches!(self.event, Event::Epoch { .. } | Event::End { .. })
    }
}

/// Waits for something to record, and a little longer for what can be recorded with it, unless somebody waits for it. Whether more
/// can come.
fn gather(receiver: &Receiver<Message>, batch: &mut Vec<Message>) -> bool {
    if batch.is_empty() {
        match receiver.recv() {
            Ok(message) => batch.push(message),
            Err(_) => return false,
        }
    }
    let mut until = Instant::now() + TOGETHER;
    for _ in 0..MOST {
        if batch.last().is_some_and(|message| message.reply.is_some()) {
            until = Instant::now();
        }
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
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

    /// A writer, whose database is as full as the test says.
    fn writer(folder: &std::path::Path) -> Writer {
        drop(Store::open(folder).unwrap());
        let path = folder.join(super::super::DATABASE);
        let connection = super::super::connect(&path, super::super::Journal::Log).unwrap();
        Writer { connection, path, begun: HashMap::new() }
    }

    #[test]
    fn what_finds_no_room_is_told_kept_and_recorded_when_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        let (id, trouble) = (RunId::random().unwrap(), Trouble::default());
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
                trouble: Arc::clone(&trouble),
            }),
            Message { event: Event::End { id: id.clone(), run: end.clone() }, reply: Some(reply) },
            message(Event::Start { id: RunId::random().unwrap(), run: end, take_over: false }),
        ];
        let kept = writer.record(batch);
        assert_eq!(kept.len(), 2, "what was measured, but no new run");
        assert!(matches!(answer.recv().unwrap(), Err(StoreError::Unwritable { .. })));
        assert!(matches!(&*trouble.lock().unwrap(), Some(StoreError::Unwritable { .. })));

        limit(&writer, 1 << 20);
        assert!(writer.record(kept).is_empty());
        assert!(trouble.lock().unwrap().is_none(), "it was only late");
        let reader = Reader::open(folder.path()).unwrap();
        let runs = reader.runs("wine").unwrap();
        assert_eq!((runs.len(), runs[0].status), (1, Status::Finished));
        assert_eq!(reader.epochs(&runs[0]).unwrap()[0].metrics.len(), 1_000);
        assert!(reader.integrity_issues().is_empty());
    }
}
