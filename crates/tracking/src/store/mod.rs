//! The SQLite database of a results folder: the only truth.

mod migrations;
pub(crate) mod read;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Experiment, FindError, Invocation, RecordedRun, Run, RunId, StoreError, TrialId, Value, csv_export};

/// Name of the database in a results folder.
pub const DATABASE: &str = "tracking.db";

/// How long one writer waits for another.
const PATIENCE: Duration = Duration::from_secs(60);

/// One start of a program, as begun in this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvocationId(i64);

/// The store, open for recording.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    folder: PathBuf,
}

impl Store {
    /// Opens the store of a results folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds another program's or a newer version's database. Nothing is changed then.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let unusable = |source| StoreError::Folder { folder: folder.to_owned(), source };
        if folder.is_file() {
            return Err(unusable(std::io::Error::other("it is a file")));
        }
        std::fs::create_dir_all(folder).map_err(unusable)?;
        // SQLite says only "unable to open"; the system says why.
        tempfile::tempfile_in(folder).map_err(unusable)?;
        let path = folder.join(DATABASE);
        let mut connection = Connection::open(&path).map_err(database(&path))?;
        connection.busy_timeout(PATIENCE).map_err(database(&path))?;
        migrations::migrate(&mut connection, &path)?;
        let configure = || {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "foreign_keys", "ON")?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(())
        };
        configure().map_err(database(&path))?;
        Ok(Self { connection, folder: folder.to_owned() })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        database(&self.folder.join(DATABASE))
    }

    /// Records that a program starts to work on `experiment`.
    ///
    /// # Errors
    /// When the name cannot be a folder's, or the database refuses.
    pub fn begin(&mut self, experiment: &Experiment, invocation: &Invocation) -> Result<InvocationId, StoreError> {
        csv_export::check_name(&experiment.name)?;
        let failed = self.failed();
        let mut begin = || {
            let transaction = self.connection.transaction()?;
            transaction.execute(
                "INSERT INTO experiments (name, description) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET description = excluded.description",
                params![experiment.name, experiment.description],
            )?;
            transaction.execute(
                "INSERT INTO invocations (experiment, started_at, program_version, git_commit, git_dirty, candle_version,
                   cpu, instruction_set, host, os, jobs, command_line, experiment_file, pid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                params![
                    experiment.name,
                    timestamp(SystemTime::now()),
                    invocation.program_version,
                    invocation.git_commit,
                    invocation.git_dirty,
                    invocation.candle_version,
                    invocation.cpu,
                    invocation.instruction_set,
                    invocation.host,
                    invocation.os,
                    invocation.jobs,
                    invocation.command_line,
                    invocation.experiment_file,
                    invocation.pid,
                ],
            )?;
            let id = transaction.last_insert_rowid();
            transaction.commit()?;
            Ok(InvocationId(id))
        };
        begin().map_err(failed)
    }

    /// Records a run, whole, in one transaction.
    ///
    /// # Errors
    /// When the database refuses: then nothing of the run is recorded.
    pub fn record(&mut self, invocation: InvocationId, run: &Run) -> Result<RunId, StoreError> {
        let failed = self.failed();
        let random = || {
            RunId::random().map_err(|error| StoreError::Folder {
                folder: self.folder.clone(),
                source: std::io::Error::other(error.to_string()),
            })
        };
        let id = run.id.clone().map_or_else(random, Ok)?;
        let mut record = || {
            let transaction = self.connection.transaction()?;
            insert_run(&transaction, &id, invocation, run)?;
            insert_measurements(&transaction, &id, run)?;
            transaction.commit()
        };
        record().map_err(failed)?;
        Ok(id)
    }

    /// Trials of `experiment` that have their result: finished or diverged.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn done_trials(&self, experiment: &str) -> Result<HashSet<TrialId>, StoreError> {
        read::done_trials(&self.connection, experiment).map_err(self.failed())
    }

    /// Newest run of every trial of `experiment`: see [`crate::Reader::runs`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        read::runs(&self.connection, experiment).map_err(self.failed())
    }

    /// Run or newest run of the trial whose id begins with `prefix`.
    ///
    /// # Errors
    /// When none or several do.
    pub fn find(&self, prefix: &str) -> Result<RecordedRun, FindError> {
        read::find(&self.connection, prefix, &self.failed())
    }

    /// Writes `<experiment>/runs.csv` and `<experiment>/epochs.csv`, each to a temporary name first.
    ///
    /// # Errors
    /// When the store cannot be read or a file not be written; the old files are whole then.
    pub fn export_csv(&self, experiment: &str) -> Result<(), StoreError> {
        let runs = self.runs(experiment)?;
        let epochs = read::epochs_of_experiment(&self.connection, experiment).map_err(self.failed())?;
        csv_export::export(&self.folder, experiment, &runs, &epochs)
    }
}

fn insert_run(connection: &Connection, id: &RunId, invocation: InvocationId, run: &Run) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO runs (id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for,
               validation, engine, device, started_at, ended_at, error, invocation, shared_from)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            id.as_str(),
            run.experiment,
            run.trial.as_str(),
            run.status.as_str(),
            run.dataset,
            run.dataset_sha256,
            run.dataset_path,
            run.fallback_for,
            run.validation,
            run.engine,
            run.device,
            timestamp(run.started_at),
            timestamp(run.ended_at),
            run.error,
            invocation.0,
            run.shared_from.as_ref().map(RunId::as_str),
        ])?;
    Ok(())
}

fn insert_measurements(connection: &Connection, id: &RunId, run: &Run) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO params (run_id, name, value, position) VALUES (?1, ?2, ?3, ?4)")?;
    for (position, (name, value)) in (0i64..).zip(&run.params) {
        insert.execute(params![id.as_str(), name, value, position])?;
    }
    let mut insert = connection
        .prepare_cached("INSERT INTO metrics (run_id, epoch, step, name, value) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for epoch in &run.epochs {
        for (name, value) in epoch.metrics.iter().filter(|(_, value)| value.is_finite()) {
            insert.execute(params![id.as_str(), epoch.epoch, epoch.step.cast_signed(), name, value])?;
        }
    }
    let mut insert = connection.prepare_cached("INSERT INTO results (run_id, name, value) VALUES (?1, ?2, ?3)")?;
    for (name, value) in run.results.iter().filter(|(_, value)| value.is_finite()) {
        insert.execute(params![id.as_str(), name, value])?;
    }
    Ok(())
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

/// RFC 3339 in UTC, to the millisecond.
fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Names the file in an error of the database, and says what a foreign file is.
fn database(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Foreign { path: path.clone(), reason: source.to_string() }
        }
        _ => StoreError::Database { path: path.clone(), source },
    }
}

/// The one row that `sql` finds, if any.
fn optional<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> rusqlite::Result<Option<T>> {
    connection.query_row(sql, [], |row| row.get(0)).optional()
}
