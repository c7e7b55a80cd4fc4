//! Rows of the tables `runs`, `params` and `results`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Row};

use crate::{ExperimentName, RecordedRun, RunHeader, SplitSizes, Value};

/// Columns of `runs` in every schema.
const RUN_COLUMNS: &str = "id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for, \
                           validation, engine, device, started_at, ended_at, error, invocation, sequence";

/// Columns of `runs` that later schemas added.
const LATER_COLUMNS: [&str; 9] = [
    "shared_from",
    "last_epoch",
    "metric_count",
    "checksum",
    "ordered_at",
    "train_examples",
    "validation_examples",
    "test_examples",
    "program_sha256",
];

/// All columns of `runs` in the order that [`run_from_row`] expects; NULL for a column that the
/// schema of the store lacks.
pub(super) fn run_columns(connection: &Connection) -> rusqlite::Result<String> {
    let mut columns = RUN_COLUMNS.to_owned();
    for later in LATER_COLUMNS {
        columns += if connection.column_exists(None, "runs", later)? { ", " } else { ", NULL AS " };
        columns += later;
    }
    Ok(columns)
}

/// Reads a run from [`run_columns`], without its hyperparameters and results.
pub(super) fn run_from_row(row: &Row<'_>) -> rusqlite::Result<RecordedRun> {
    let text = |column| row.get::<_, String>(column);
    let header = RunHeader {
        // The name becomes a folder, so an invalid one must not leave the store.
        experiment: ExperimentName::new(&text(1)?)
            .map_err(|error| invalid(1, error.to_string()))?
            .to_string(),
        trial: text(2)?.parse().map_err(|error| invalid(2, error))?,
        status: text(3)?.parse().map_err(|error| invalid(3, error))?,
        dataset: row.get(4)?,
        dataset_sha256: row.get(5)?,
        dataset_path: row.get(6)?,
        fallback_for: row.get(7)?,
        validation: text(8)?.as_str().into(),
        engine: row.get(9)?,
        device: row.get(10)?,
        error: row.get(13)?,
        shared_from: row
            .get::<_, Option<String>>(16)?
            .map(|id| id.parse().map_err(|error| invalid(16, error)))
            .transpose()?,
        split_sizes: SplitSizes {
            train: size_from_row(row, 21)?,
            validation: size_from_row(row, 22)?,
            test: size_from_row(row, 23)?,
        },
        program_sha256: row.get(24)?,
    };
    Ok(RecordedRun {
        id: text(0)?.parse().map_err(|error| invalid(0, error))?,
        header,
        started_at: row.get(11)?,
        ended_at: row.get::<_, Option<String>>(12)?.unwrap_or_default(),
        params: Vec::new(),
        results: Vec::new(),
        invocation: row.get(14)?,
        sequence: row.get(15)?,
        last_epoch: row.get::<_, Option<u32>>(17)?.unwrap_or_default(),
        metric_count: row.get(18)?,
        checksum: row.get(19)?,
        ordered_at: row.get(20)?,
    })
}

/// An error for a value that the store never writes.
fn invalid(column: usize, error: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// A number of examples. A negative number reads as unknown.
fn size_from_row(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|size| u64::try_from(size).ok()))
}

/// Reads the hyperparameters and results of `runs` with two queries, regardless of their number.
/// `condition` on `run_id` and its parameter `key` select the rows.
pub(super) fn add_params_and_results(
    connection: &Connection,
    runs: &mut [RecordedRun],
    condition: &str,
    key: &str,
) -> rusqlite::Result<()> {
    let mut names = NamePool::default();
    let index: HashMap<String, usize> =
        runs.iter().enumerate().map(|(index, run)| (run.id.as_str().to_owned(), index)).collect();
    let sql = format!(
        "SELECT run_id, name, value FROM params WHERE run_id {condition} ORDER BY run_id, position"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = index.get(row.get_ref(0)?.as_str()?) {
            let param = (names.get(row.get_ref(1)?.as_str()?), value_from(row.get_ref(2)?));
            runs[*run].params.push(param);
        }
    }
    let sql = format!("SELECT run_id, name, value FROM results WHERE run_id {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = index.get(row.get_ref(0)?.as_str()?) {
            let result = (names.get(row.get_ref(1)?.as_str()?), row.get(2)?);
            runs[*run].results.push(result);
        }
    }
    Ok(())
}

fn value_from(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Null => Value::Text(String::new()),
    }
}

/// Shares names that many runs have, to save memory.
#[derive(Default)]
pub(super) struct NamePool(Vec<Arc<str>>);

impl NamePool {
    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
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
