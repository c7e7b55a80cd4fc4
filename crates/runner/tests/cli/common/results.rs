//! Access to a results folder: the store, the CSV files and the weights.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};
use tracking::{Reader, RecordedRun, Status};

use super::wait_until;

/// Columns that differ between two runs of the same trial.
const NOT_REPRODUCIBLE: [&str; 3] = ["run", "seconds", "started_at"];

/// A results folder that a test inspects or damages.
pub struct Results(PathBuf);

impl Results {
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.0).unwrap()
    }

    /// A connection to the database, which a running program may write to as well.
    pub fn connection(&self) -> Connection {
        let connection = Connection::open(self.path("tracking.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    /// The first column of the first row of a query.
    #[track_caller]
    pub fn query<T: FromSql>(&self, sql: &str) -> T {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Counts rows: `runs WHERE status = 'failed'`.
    #[track_caller]
    pub fn count(&self, rows: &str) -> i64 {
        self.query(&format!("SELECT count(*) FROM {rows}"))
    }

    /// Runs a statement and returns the number of rows that it changed.
    #[track_caller]
    pub fn execute(&self, sql: &str) -> usize {
        self.connection().execute(sql, []).unwrap()
    }

    /// Waits until there is at least one such row: `checkpoints WHERE epoch > 1`.
    #[track_caller]
    pub fn wait_for(&self, rows: &str) {
        let sql = format!("SELECT count(*) FROM {rows}");
        let count = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
            let connection = Connection::open_with_flags(self.path("tracking.db"), flags).ok()?;
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).ok()
        };
        wait_until(|| count().is_some_and(|count| count > 0), rows);
    }

    pub fn first_run(&self) -> String {
        self.query("SELECT id FROM runs ORDER BY sequence LIMIT 1")
    }

    pub fn first_trial(&self) -> String {
        self.query("SELECT trial_id FROM runs ORDER BY sequence LIMIT 1")
    }

    pub fn weights(&self, experiment: &str, trial: &str) -> PathBuf {
        self.path(experiment).join("models").join(format!("{trial}.safetensors"))
    }

    pub fn csv(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// The cells of a CSV file, header included, without the columns that are not reproducible.
    pub fn reproducible_cells(&self, file: &str) -> Vec<Vec<String>> {
        let text = self.csv(file);
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let cells = |line: &str| {
            let named = header.iter().zip(line.split(','));
            named
                .filter(|(column, _)| !NOT_REPRODUCIBLE.contains(column))
                .map(|(_, cell)| cell.to_owned())
                .collect()
        };
        text.lines().map(cells).collect()
    }

    /// What the folder holds of an experiment, without times and run ids.
    pub fn measurements(&self, experiment: &str) -> Measurements {
        let models = fs::read_dir(self.path(experiment).join("models")).unwrap();
        let weights = models
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
            .filter(|(name, _)| !name.starts_with(".weights-"))
            .map(|(name, path)| (name, fs::read(path).unwrap()))
            .collect();
        let reader = self.reader();
        let analysis = |run: &RecordedRun| {
            let analysis = reader.error_analysis(run).unwrap();
            assert_eq!(analysis.is_some(), run.status == Status::Finished, "run {}", run.id);
            format!("{} {analysis:?}", run.trial)
        };
        Measurements {
            runs: self.reproducible_cells(&format!("{experiment}/runs.csv")),
            epochs: self.reproducible_cells(&format!("{experiment}/epochs.csv")),
            weights,
            error_analyses: reader.runs(experiment).unwrap().iter().map(analysis).collect(),
        }
    }
}

/// Everything about an experiment that a second run reproduces.
#[derive(Debug, PartialEq)]
pub struct Measurements {
    runs: Vec<Vec<String>>,
    epochs: Vec<Vec<String>>,
    weights: BTreeMap<String, Vec<u8>>,
    error_analyses: Vec<String>,
}
