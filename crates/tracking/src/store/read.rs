//! Reading the store: never creates, never migrates, never writes.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::{DATABASE, PATIENCE, database, migrations};
use crate::{EpochMetrics, Experiment, FindError, Invocation, RecordedRun, RunId, StoreError, TrialId, Value};

/// The store of a results folder, open for reading.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the store of a results folder.
    ///
    /// # Errors
    /// [`StoreError::NoStore`] when there is none; others when it is no store of ours or a newer one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        if !path.is_file() {
            return Err(StoreError::NoStore { folder: folder.to_owned() });
        }
        let (connection, version) = match opened(&path, OpenFlags::empty(), &path) {
            Err(StoreError::Database { source, .. }) if cannot_share(&source, &path) => {
                opened(&immutable(&path), OpenFlags::SQLITE_OPEN_URI, &path)?
            }
            opened => opened?,
        };
        if version == 0 {
            return Err(StoreError::NoStore { folder: folder.to_owned() });
        }
        Ok(Self { connection, path })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        database(&self.path)
    }

    /// Every experiment, by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn experiments(&self) -> Result<Vec<Experiment>, StoreError> {
        let read = || {
            self.connection
                .prepare("SELECT name, description FROM experiments ORDER BY name")?
                .query_map([], |row| Ok(Experiment { name: row.get(0)?, description: row.get(1)? }))?
                .collect::<Result<Vec<_>, _>>()
        };
        read().map_err(self.failed())
    }

    /// The newest run of every trial of `experiment`, by trial: never by who finished first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        runs(&self.connection, experiment).map_err(self.failed())
    }

    /// Trials of `experiment` that have their result: finished or diverged.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn done_trials(&self, experiment: &str) -> Result<HashSet<TrialId>, StoreError> {
        done_trials(&self.connection, experiment).map_err(self.failed())
    }

    /// The epochs of a run, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn epochs(&self, run: &RunId) -> Result<Vec<EpochMetrics>, StoreError> {
        let sql = "SELECT run_id, epoch, step, name, value FROM metrics WHERE run_id = ?1 ORDER BY epoch";
        let mut epochs = epochs(&self.connection, sql, run.as_str()).map_err(self.failed())?;
        Ok(epochs.remove(run).unwrap_or_default())
    }

    /// The metric `name` at the last epoch that has it, of every run of `experiment`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn last_epoch(&self, experiment: &str, name: &str) -> Result<HashMap<RunId, f64>, StoreError> {
        // From the last row of each run backwards: how many epochs there are costs nothing.
        let sql =
            "SELECT id, (SELECT value FROM metrics WHERE run_id = runs.id AND name = ?2 ORDER BY epoch DESC LIMIT 1)
                   FROM runs WHERE experiment = ?1 ORDER BY id";
        let read = || {
            let mut last = HashMap::new();
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![experiment, name])?;
            while let Some(row) = rows.next()? {
                if let Some(value) = row.get(1)? {
                    last.insert(RunId::from_store(row.get(0)?), value);
                }
            }
            Ok(last)
        };
        read().map_err(self.failed())
    }

    /// The run whose id, or the newest run of the trial whose id, begins with `prefix`; of a trial's runs, one that has
    /// its result goes before one that was stopped.
    ///
    /// # Errors
    /// When none or several do.
    pub fn find(&self, prefix: &str) -> Result<RecordedRun, FindError> {
        find(&self.connection, prefix, &self.failed())
    }

    /// The start of the program that made a run.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn invocation(&self, run: &RecordedRun) -> Result<Invocation, StoreError> {
        let sql = "SELECT program_version, git_commit, git_dirty, candle_version, cpu, instruction_set, host, os, jobs,
                   command_line, experiment_file, pid FROM invocations WHERE id = ?1";
        let read = |row: &Row<'_>| {
            Ok(Invocation {
                program_version: row.get(0)?,
                git_commit: row.get(1)?,
                git_dirty: row.get(2)?,
                candle_version: row.get(3)?,
                cpu: row.get(4)?,
                instruction_set: row.get(5)?,
                host: row.get(6)?,
                os: row.get(7)?,
                jobs: row.get(8)?,
                command_line: row.get(9)?,
                experiment_file: row.get(10)?,
                pid: row.get(11)?,
            })
        };
        self.connection.query_row(sql, [run.invocation], read).map_err(self.failed())
    }
}

/// Opens `name`, which leads to the file `path`, for reading, and looks at what it is.
fn opened(name: &Path, how: OpenFlags, path: &Path) -> Result<(Connection, i64), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | how;
    let connection = Connection::open_with_flags(name, flags).map_err(database(path))?;
    connection.busy_timeout(PATIENCE).map_err(database(path))?;
    let version = migrations::check(&connection, path)?;
    Ok((connection, version))
}

/// Whether SQLite refused only because it may not put its shared memory beside the store, as in a folder that may only
/// be read. Without a log that somebody writes, the file alone is the whole store then.
fn cannot_share(error: &rusqlite::Error, path: &Path) -> bool {
    let refused = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied)
    );
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    refused && std::fs::metadata(log).map_or(true, |log| log.len() == 0)
}

/// The name under which SQLite reads a file that nobody changes.
fn immutable(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let escaped = absolute.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    PathBuf::from(format!("file:{escaped}?immutable=1"))
}

/// The newest run a trial: the one recorded last.
const NEWEST: &str = "SELECT max(sequence) FROM runs WHERE experiment = ?1 GROUP BY trial_id";

const RUN_COLUMNS: &str = "id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for, \
                           validation, engine, device, started_at, ended_at, error, invocation";

/// [`RUN_COLUMNS`] and what later schemas added to them, as far as this store has it.
fn run_columns(connection: &Connection) -> rusqlite::Result<String> {
    let has_shared_from = connection.column_exists(None, "runs", "shared_from")?;
    Ok(format!("{RUN_COLUMNS}, {}", if has_shared_from { "shared_from" } else { "NULL" }))
}

fn run_from(row: &Row<'_>) -> rusqlite::Result<RecordedRun> {
    let status: String = row.get(3)?;
    let status = status.parse().map_err(|error: String| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(RecordedRun {
        id: RunId::from_store(row.get(0)?),
        experiment: row.get(1)?,
        trial: TrialId::from_store(row.get(2)?),
        status,
        dataset: row.get(4)?,
        dataset_sha256: row.get(5)?,
        dataset_path: row.get(6)?,
        fallback_for: row.get(7)?,
        validation: row.get(8)?,
        engine: row.get(9)?,
        device: row.get(10)?,
        started_at: row.get(11)?,
        ended_at: row.get::<_, Option<String>>(12)?.unwrap_or_default(),
        error: row.get(13)?,
        params: Vec::new(),
        results: Vec::new(),
        invocation: row.get(14)?,
        shared_from: row.get::<_, Option<String>>(15)?.map(RunId::from_store),
    })
}

pub(super) fn runs(connection: &Connection, experiment: &str) -> rusqlite::Result<Vec<RecordedRun>> {
    let sql = format!("SELECT {} FROM runs WHERE sequence IN ({NEWEST}) ORDER BY trial_id", run_columns(connection)?);
    let mut runs: Vec<RecordedRun> =
        connection.prepare(&sql)?.query_map([experiment], run_from)?.collect::<Result<_, _>>()?;
    fill(connection, &mut runs, "IN (SELECT id FROM runs WHERE experiment = ?1)", experiment)?;
    Ok(runs)
}

/// Names that many runs share, each kept once.
#[derive(Default)]
struct Names(Vec<Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        match self.0.iter().find(|known| &***known == name) {
            Some(known) => Arc::clone(known),
            None => {
                let name: Arc<str> = name.into();
                self.0.push(Arc::clone(&name));
                name
            }
        }
    }
}

/// Adds hyperparameters and results, in two queries however many runs there are.
fn fill(connection: &Connection, runs: &mut [RecordedRun], which: &str, key: &str) -> rusqlite::Result<()> {
    let mut names = Names::default();
    let index: HashMap<String, usize> =
        runs.iter().enumerate().map(|(index, run)| (run.id.as_str().to_owned(), index)).collect();
    let sql = format!("SELECT run_id, name, value FROM params WHERE run_id {which} ORDER BY run_id, position");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = index.get(row.get_ref(0)?.as_str()?) {
            runs[*run].params.push((names.of(row.get_ref(1)?.as_str()?), value_from(row.get_ref(2)?)));
        }
    }
    let sql = format!("SELECT run_id, name, value FROM results WHERE run_id {which}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = index.get(row.get_ref(0)?.as_str()?) {
            runs[*run].results.push((names.of(row.get_ref(1)?.as_str()?), row.get(2)?));
        }
    }
    Ok(())
}

fn value_from(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Null => Value::Text(String::new()),
    }
}

pub(super) fn done_trials(connection: &Connection, experiment: &str) -> rusqlite::Result<HashSet<TrialId>> {
    connection
        .prepare("SELECT DISTINCT trial_id FROM runs WHERE experiment = ?1 AND status IN ('finished', 'diverged')")?
        .query_map([experiment], |row| row.get(0).map(TrialId::from_store))?
        .collect()
}

/// Epochs of the newest run of every trial of `experiment`.
pub(super) fn epochs_of_experiment(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<HashMap<RunId, Vec<EpochMetrics>>> {
    let sql = format!(
        "SELECT run_id, epoch, step, name, value FROM metrics
         WHERE run_id IN (SELECT id FROM runs WHERE sequence IN ({NEWEST})) ORDER BY run_id, epoch"
    );
    epochs(connection, &sql, experiment)
}

fn epochs(connection: &Connection, sql: &str, key: &str) -> rusqlite::Result<HashMap<RunId, Vec<EpochMetrics>>> {
    let mut found: HashMap<RunId, Vec<EpochMetrics>> = HashMap::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        let (epoch, step) = (row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned());
        let epochs = found.entry(RunId::from_store(row.get(0)?)).or_default();
        if epochs.last().is_none_or(|last| last.epoch != epoch) {
            epochs.push(EpochMetrics { epoch, step, metrics: Vec::new() });
        }
        if let Some(last) = epochs.last_mut() {
            last.metrics.push((row.get(3)?, row.get(4)?));
        }
    }
    Ok(found)
}

/// How many of several ids an error names.
const SHOWN: usize = 5;

pub(super) fn find(
    connection: &Connection,
    prefix: &str,
    failed: &dyn Fn(rusqlite::Error) -> StoreError,
) -> Result<RecordedRun, FindError> {
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(FindError::NotFound(prefix.to_owned()));
    }
    let prefix = prefix.to_ascii_lowercase();
    let candidates = candidates(connection, &prefix).map_err(failed)?;
    match candidates.as_slice() {
        [] => Err(FindError::NotFound(prefix)),
        [only] => Ok(run_of(connection, only).map_err(failed)?),
        several => Err(FindError::Ambiguous { prefix, candidates: several.iter().take(SHOWN).cloned().collect() }),
    }
}

/// Run and trial ids that begin with `prefix`; an id that is whole is the only candidate.
fn candidates(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let sql =
        "SELECT id FROM runs WHERE id GLOB ?1 || '*' UNION SELECT trial_id FROM runs WHERE trial_id GLOB ?1 || '*'
               LIMIT 20";
    let all: Vec<String> = connection.prepare(sql)?.query_map([prefix], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(if all.iter().any(|id| id == prefix) { vec![prefix.to_owned()] } else { all })
}

/// The run of that id, or the newest of that trial's: a result before a run without one.
fn run_of(connection: &Connection, id: &str) -> rusqlite::Result<RecordedRun> {
    let sql = format!(
        "SELECT {} FROM runs WHERE id = ?1 OR trial_id = ?1
         ORDER BY status IN ('finished', 'diverged') DESC, sequence DESC LIMIT 1",
        run_columns(connection)?
    );
    let run = connection.query_row(&sql, [id], run_from).optional()?;
    let mut runs: Vec<_> = run.into_iter().collect();
    if let Some(run) = runs.first() {
        let id = run.id.as_str().to_owned();
        fill(connection, &mut runs, "= ?1", &id)?;
    }
    runs.pop().ok_or(rusqlite::Error::QueryReturnedNoRows)
}
