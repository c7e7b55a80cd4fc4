//! The SQLite database of a results folder: the only truth.

mod damage;
mod declarations;
mod error_analysis;
mod house;
pub(crate) mod live;
pub(crate) mod merge;
mod migrations;
mod patience;
pub(crate) mod progress;
mod query;
pub(crate) mod read;
mod record;
pub(crate) mod recorder;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode};

use crate::{
    ErrorAnalysis, Experiment, ExperimentName, FindError, Invocation, RecordedRun, Run, RunId,
    StoreError, TrialId, Value, csv_export,
};
pub use damage::IntegrityIssue;
pub use query::LastValues;

use damage::Met;
use live::WriteTransaction;
use patience::{PATIENCE, be_patient, pause};
use recorder::Recorder;

/// Name of the database in a results folder.
pub const DATABASE: &str = "tracking.db";

/// How long the end of a program waits for readers.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(1);

/// One start of a program, as begun in this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvocationId(i64);

/// The store, open for recording. Threads may share it.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    folder: PathBuf,
    journal: Journal,
    damage: Met,
    /// Who records what live runs log, once there is one.
    recorder: Mutex<Option<Arc<Recorder>>>,
}

impl Store {
    /// Opens the store of a results folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds another program's or a newer version's database. Nothing is changed then.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(folder.as_ref(), Journal::Log)
    }

    /// [`Store::open`] of a folder that may be on a network's disk, and that nobody else writes to: a log beside the database needs
    /// memory that its users share, which two machines do not.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_exclusive(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, Journal::Rollback)
    }

    fn open_with(folder: &Path, journal: Journal) -> Result<Self, StoreError> {
        let unusable = |cause| StoreError::Folder { folder: folder.to_owned(), cause };
        if folder.is_file() {
            return Err(unusable(std::io::Error::other("it is a file")));
        }
        std::fs::create_dir_all(folder).map_err(unusable)?;
        // SQLite says only "unable to open"; the system says why.
        tempfile::tempfile_in(folder).map_err(unusable)?;
        let path = folder.join(DATABASE);
        if path.is_dir() {
            return Err(unusable(std::io::Error::other(format!("its {DATABASE} is a folder"))));
        }
        let connection = Mutex::new(connect_patiently(&path, journal)?);
        let recorder = Mutex::new(None);
        Ok(Self {
            connection,
            folder: folder.to_owned(),
            journal,
            damage: Met::default(),
            recorder,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The thread that records what live runs log, begun when it is asked for first.
    pub(crate) fn recorder(&self) -> Result<Arc<Recorder>, StoreError> {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recorder) = &*recorder {
            return Ok(Arc::clone(recorder));
        }
        let path = self.folder.join(DATABASE);
        let connection = connect_patiently(&path, self.journal)?;
        let begun = Recorder::begin(connection, path)
            .map_err(|cause| StoreError::Folder { folder: self.folder.clone(), cause })?;
        Ok(Arc::clone(recorder.insert(Arc::new(begun))))
    }

    /// Begins to record: what is recorded is committed as a whole, or not at all.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn transaction(&mut self) -> Result<WriteTransaction<'_>, StoreError> {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        WriteTransaction::begin(connection, self.folder.join(DATABASE))
    }

    /// What is found by asking, all of it at one moment; what was met that is damaged is kept for [`Store::integrity_issues`].
    fn still<T>(
        &self,
        ask: impl FnOnce(&Connection, &mut Vec<IntegrityIssue>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut damage = Vec::new();
        let connection = self.connection();
        let read = || {
            let moment = connection.unchecked_transaction()?;
            ask(&moment, &mut damage)
        };
        let found = read().map_err(self.failed())?;
        self.damage.add(damage);
        Ok(found)
    }

    /// The last value of each per-epoch metric, for each of `runs`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn last_values(&self, runs: &[RecordedRun]) -> Result<LastValues, StoreError> {
        self.still(|connection, damage| query::last_values(connection, runs, damage))
    }

    /// What was found to be damaged in what was read until now, and was left out.
    #[must_use]
    pub fn integrity_issues(&self) -> Vec<IntegrityIssue> {
        self.damage.all()
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        database(&self.folder.join(DATABASE))
    }

    /// Records that a program starts to work on `experiment`.
    ///
    /// # Errors
    /// When the name cannot be a folder's, or the database refuses.
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

    /// Records a run, whole, in one transaction.
    ///
    /// # Errors
    /// When the database refuses: then nothing of the run is recorded.
    pub fn record(&mut self, invocation: InvocationId, run: &Run) -> Result<RunId, StoreError> {
        let transaction = self.transaction()?;
        let id = transaction.record_run(invocation, run)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Trials of `experiment` that have their result: finished or diverged.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn completed_trials(&self, experiment: &str) -> Result<HashSet<TrialId>, StoreError> {
        self.still(|connection, _| query::completed_trials(connection, experiment))
    }

    /// The run that counts of every trial of `experiment`: see [`crate::Reader::runs`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.still(|connection, damage| query::counting_runs(connection, experiment, damage))
    }

    /// Run or newest run of the trial whose id begins with `prefix`.
    ///
    /// # Errors
    /// When none or several do.
    pub fn find(&self, prefix: &str) -> Result<RecordedRun, FindError> {
        query::find(&self.connection(), prefix, &self.failed())
    }

    /// Every run of `experiment`: see [`crate::Reader::all_runs`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn all_runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.still(|connection, _| query::unchecked_runs(connection, experiment))
    }

    /// What the final weights of a run make of the test set: see [`crate::Reader::error_analysis`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn error_analysis(&self, run: &RecordedRun) -> Result<Option<ErrorAnalysis>, StoreError> {
        Ok(self.still(|connection, damage| error_analysis::of_run(connection, run, damage))?.0)
    }

    /// Every experiment, by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn experiments(&self) -> Result<Vec<Experiment>, StoreError> {
        self.still(query::experiments)
    }

    /// Every start of a program for `experiment`, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn invocations(&self, experiment: &str) -> Result<Vec<Invocation>, StoreError> {
        query::invocations(&self.connection(), experiment).map_err(self.failed())
    }

    /// Writes `<experiment>/runs.csv` and `<experiment>/epochs.csv`, each to a temporary name first. Of several programs that
    /// do so at once, each waits for the other, so that the last one writes what there is then.
    ///
    /// # Errors
    /// When the store cannot be read or a file not be written; the old files are whole then.
    pub fn export_csv(&self, experiment: &str) -> Result<(), StoreError> {
        let _turn = csv_export::lock_folder(&self.folder, experiment)?;
        let (runs, epochs) = self.still(|connection, damage| {
            query::counting_runs_and_epochs(connection, experiment, damage)
        })?;
        csv_export::export(&self.folder, experiment, &runs, &epochs)
    }
}

/// Who copies the database file alone afterwards has all of it, unless others still read or write.
impl Drop for Store {
    fn drop(&mut self) {
        // What was logged is recorded before, unless runs outlive the store: then the last of them sees to it.
        drop(self.recorder.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        // A kindness: what is in the log only is read from there. SQLite would wait with the writer's lock in its hand, so that nobody
        // else gets on: it is waited here.
        let (connection, begun) = (self.connection(), Instant::now());
        let _ = connection.busy_timeout(Duration::ZERO);
        let all = || -> rusqlite::Result<bool> {
            let counts = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
            let (logged, moved): (i64, i64) =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], counts)?;
            Ok(logged == moved)
        };
        for tries in 0.. {
            if begun.elapsed() > PATIENCE_AT_THE_END || !all().is_ok_and(|all| !all) {
                break;
            }
            std::thread::sleep(pause(tries));
        }
    }
}

/// What makes a transaction whole or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journal {
    /// A log beside the database: writers and readers do not wait for each other.
    Log,
    /// What was there before, until it is over.
    Rollback,
}

/// Where two programs make or leave a store at the same moment, SQLite gives up without waiting: so it is waited here.
fn connect_patiently(path: &Path, journal: Journal) -> Result<Connection, StoreError> {
    let (begun, mut tries) = (Instant::now(), 0);
    loop {
        match connect(path, journal) {
            Err(StoreError::Busy { .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(pause(tries))
            }
            connected => return connected,
        }
        tries += 1;
    }
}

/// Opens the database, makes or migrates it.
fn connect(path: &Path, journal: Journal) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path).map_err(database(path))?;
    be_patient(&mut connection).map_err(database(path))?;
    migrations::migrate(&mut connection, path)?;
    let configure = || {
        let (mode, synchronous) = match journal {
            Journal::Log => ("WAL", "NORMAL"),
            Journal::Rollback => ("TRUNCATE", "FULL"),
        };
        connection.pragma_update(None, "journal_mode", mode)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "cell_size_check", "ON")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    configure().map_err(database(path))?;
    Ok(connection)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

/// RFC 3339 in UTC, to the millisecond: as the store has times.
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Names the file in an error of the database, and says what it means and what to do.
fn database(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| {
        let (path, reason) = (path.clone(), source.to_string());
        let unwritable =
            |advice| StoreError::Unwritable { path: path.clone(), reason: reason.clone(), advice };
        match (source.sqlite_error_code(), &source) {
            (Some(ErrorCode::NotADatabase), _) => StoreError::NotAStore { path, reason },
            (Some(ErrorCode::DatabaseCorrupt), _)
            | (
                None,
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..),
            ) => StoreError::Damaged { path, reason },
            (Some(ErrorCode::DiskFull), _) => unwritable("make room on the disk"),
            (Some(ErrorCode::SystemIoFailure), _) => {
                unwritable("see to the disk, or to its limits for files")
            }
            (Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied), _) => {
                unwritable("see to the rights of the folder")
            }
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
                StoreError::Busy { path, waited: PATIENCE }
            }
            _ => StoreError::Database { path, cause: source },
        }
    }
}
