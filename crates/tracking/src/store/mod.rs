//! The SQLite database of a results folder, which holds all measurements. Every other file in the
//! folder is derived from it or belongs to one of its runs.

pub(crate) mod background_writer;
mod busy_retry;
mod claim;
mod declarations;
mod error_analysis;
mod export;
mod format;
mod insert;
mod integrity;
mod maintenance;
pub(crate) mod merge;
mod migrations;
mod open;
mod progress;
mod queries;
mod reader;
mod restore;
mod sqlite_error;
mod transaction;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::{Experiment, ExperimentName, Invocation, Run, RunId, StoreError, csv_export};
pub use claim::{ClaimOptions, ClaimOutcome, ResumePoint};
pub use format::{DATABASE, InvocationId, timestamp};
pub use integrity::IntegrityIssue;
pub use progress::Progress;
pub use queries::{LastValues, ProgramRuns, Queries, RunIdentity};
pub use reader::Reader;
pub use transaction::WriteTransaction;

use background_writer::BackgroundWriter;
use busy_retry::{MAX_WAIT, pause, retry_when_busy};
use sqlite_error::store_error;

/// Longest wait of a closing store for readers.
const MAX_CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The store of a results folder, open for reading and recording. Threads can share it, and several
/// programs can use the same folder at the same time.
///
/// A store has all methods of [`Queries`].
#[derive(Debug)]
pub struct Store {
    queries: Queries,
    folder: PathBuf,
    journal: Journal,
    /// The thread that writes the events of live runs, started at the first of them.
    writer: Mutex<Option<Arc<BackgroundWriter>>>,
}

impl Deref for Store {
    type Target = Queries;

    fn deref(&self) -> &Queries {
        &self.queries
    }
}

impl Store {
    /// Opens the store of a results folder. Creates the folder and the store if they do not exist,
    /// and migrates a store of an earlier schema.
    ///
    /// # Errors
    /// When the folder cannot be written, or its database was written by another program or by a
    /// newer version. Such a database stays unchanged.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(folder.as_ref(), Journal::WriteAhead)
    }

    /// [`Store::open`] for a folder that no other program writes to, which may be on a network file
    /// system. This store uses a rollback journal. The write-ahead log of [`Store::open`] needs
    /// memory that all its users share, which is impossible between machines.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn open_exclusive(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, Journal::Rollback)
    }

    fn open_with(folder: &Path, journal: Journal) -> Result<Self, StoreError> {
        let unusable = |cause| StoreError::Folder { folder: folder.to_owned(), cause };
        if folder.is_file() {
            return Err(unusable(std::io::Error::other("it is a file")));
        }
        std::fs::create_dir_all(folder).map_err(unusable)?;
        // SQLite's error would be "unable to open"; the error of the system gives the reason.
        tempfile::tempfile_in(folder).map_err(unusable)?;
        let path = folder.join(DATABASE);
        if path.is_dir() {
            return Err(unusable(std::io::Error::other(format!("its {DATABASE} is a folder"))));
        }
        let queries = Queries::new(connect(&path, journal)?, path, None);
        Ok(Self { queries, folder: folder.to_owned(), journal, writer: Mutex::new(None) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The thread that writes the events of live runs. The first call starts it.
    pub(crate) fn background_writer(&self) -> Result<Arc<BackgroundWriter>, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = &*writer {
            return Ok(Arc::clone(writer));
        }
        let connection = connect(self.path(), self.journal)?;
        let started = BackgroundWriter::start(connection, self.path().to_owned())
            .map_err(|cause| StoreError::Folder { folder: self.folder.clone(), cause })?;
        Ok(Arc::clone(writer.insert(Arc::new(started))))
    }

    /// Begins a write transaction.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn transaction(&mut self) -> Result<WriteTransaction<'_>, StoreError> {
        self.queries.begin_transaction()
    }

    /// Records that a program starts to work on `experiment`.
    ///
    /// # Errors
    /// When the name of the experiment is invalid, or the store cannot be written.
    pub fn begin(
        &mut self,
        experiment: &Experiment,
        invocation: &Invocation,
    ) -> Result<InvocationId, StoreError> {
        ExperimentName::new(&experiment.name)?;
        let transaction = self.transaction()?;
        let id = transaction.begin_invocation(experiment, invocation)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Records a complete run in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written. Nothing of the run is recorded then.
    pub fn record(&mut self, invocation: InvocationId, run: &Run) -> Result<RunId, StoreError> {
        let transaction = self.transaction()?;
        let id = transaction.record_run(invocation, run)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Writes `<experiment>/runs.csv` and `<experiment>/epochs.csv`. Both files appear complete or
    /// not at all. Concurrent exports take turns, so that the last one writes the newest data.
    ///
    /// # Errors
    /// When the store cannot be read or a file cannot be written. An old file stays unchanged then.
    pub fn export_csv(&self, experiment: &str) -> Result<(), StoreError> {
        let _turn = csv_export::lock_folder(&self.folder, experiment)?;
        let (runs, epochs) = self.read_checked(|connection| {
            queries::runs::effective_runs_and_epochs(connection, experiment)
        })?;
        csv_export::export(&self.folder, experiment, &runs, &epochs)
    }
}

/// Moves all transactions from the write-ahead log to the database file, unless other programs use
/// the store. A copy of that file is then complete. Failure loses nothing: SQLite reads the log.
impl Drop for Store {
    fn drop(&mut self) {
        // The last user of the writer waits until it has written everything.
        drop(self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let (source, start) = (self.queries.lock(), Instant::now());
        // SQLite would hold the write lock while it waits for readers, and block other writers.
        // Without a busy handler it returns at once, and the loop below waits.
        let _ = source.connection.busy_timeout(Duration::ZERO);
        let checkpoint = || -> rusqlite::Result<bool> {
            let counts = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
            let (in_log, moved): (i64, i64) =
                source.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], counts)?;
            Ok(in_log == moved)
        };
        for attempt in 0.. {
            let is_incomplete = checkpoint().is_ok_and(|is_complete| !is_complete);
            if !is_incomplete || start.elapsed() > MAX_CLOSE_WAIT {
                break;
            }
            std::thread::sleep(pause(attempt));
        }
    }
}

/// How SQLite makes a transaction atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journal {
    /// A write-ahead log: writers and readers do not wait for each other.
    WriteAhead,
    /// A copy of the old pages until the transaction ends.
    Rollback,
}

/// [`try_connect`], repeated while the database is busy. SQLite does not wait when two programs
/// create or close a database at the same time.
fn connect(path: &Path, journal: Journal) -> Result<Connection, StoreError> {
    let (start, mut attempt) = (Instant::now(), 0);
    loop {
        match try_connect(path, journal) {
            Err(StoreError::Busy { .. }) if start.elapsed() < MAX_WAIT => {
                std::thread::sleep(pause(attempt));
            }
            connected => return connected,
        }
        attempt += 1;
    }
}

/// Opens the database; creates or migrates it if necessary.
fn try_connect(path: &Path, journal: Journal) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path).map_err(store_error(path))?;
    retry_when_busy(&mut connection).map_err(store_error(path))?;
    migrations::migrate(&mut connection, path)?;
    let configure = || {
        let (mode, synchronous) = match journal {
            Journal::WriteAhead => ("WAL", "NORMAL"),
            Journal::Rollback => ("TRUNCATE", "FULL"),
        };
        connection.pragma_update(None, "journal_mode", mode)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "cell_size_check", "ON")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    configure().map_err(store_error(path))?;
    Ok(connection)
}
