//! Epochs, last values and checkpoints of runs.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::run_row::NamePool;
use crate::store::integrity::{Checked, IntegrityIssue};
use crate::{Checkpoint, EpochMetrics, RecordedRun, RunId, checksum};

/// The last value of each per-epoch metric, by run.
pub type LastValues = HashMap<RunId, Vec<(Arc<str>, f64)>>;

/// The epochs of each run, in order.
pub(crate) type EpochsByRun = HashMap<RunId, Vec<EpochMetrics>>;

/// The epochs of `run`, in order.
pub(crate) fn epochs_of_run(
    connection: &Connection,
    run: &RecordedRun,
) -> rusqlite::Result<Checked<Vec<EpochMetrics>>> {
    let sql = metrics_sql(connection, "run_id = ?1 ORDER BY epoch")?;
    let read =
        read_epochs(connection, &sql, run.id.as_str())?.remove(run.id.as_str()).unwrap_or_default();
    let issue = (!read.is_intact(run)).then(|| IntegrityIssue::epochs_changed(run));
    Ok(Checked { value: read.epochs, issues: Vec::from_iter(issue) })
}

/// The epochs of those `runs` of `experiment` whose epochs are intact.
pub(super) fn epochs_of_experiment(
    connection: &Connection,
    experiment: &str,
    runs: &[RecordedRun],
) -> rusqlite::Result<EpochsByRun> {
    let condition =
        "run_id IN (SELECT id FROM runs NOT INDEXED WHERE experiment = ?1) ORDER BY run_id, epoch";
    let mut read = read_epochs(connection, &metrics_sql(connection, condition)?, experiment)?;
    let mut intact = HashMap::new();
    for run in runs {
        let read = read.remove(run.id.as_str()).unwrap_or_default();
        if read.is_intact(run) {
            intact.insert(run.id.clone(), read.epochs);
        }
    }
    Ok(intact)
}

/// A query of the metrics that satisfy `condition`, with their checksums if the store has them.
fn metrics_sql(connection: &Connection, condition: &str) -> rusqlite::Result<String> {
    let checksum =
        if connection.column_exists(None, "metrics", "checksum")? { "checksum" } else { "NULL" };
    Ok(format!(
        "SELECT run_id, epoch, step, name, value, {checksum} FROM metrics WHERE {condition}"
    ))
}

/// One row of [`metrics_sql`].
struct Metric {
    epoch: u32,
    step: i64,
    name: String,
    value: f64,
    is_intact: bool,
}

impl Metric {
    fn from_row(row: &Row<'_>, run: &RunId) -> rusqlite::Result<Self> {
        let (epoch, step, name, value) =
            (row.get(1)?, row.get(2)?, row.get::<_, String>(3)?, row.get(4)?);
        let expected: Option<i64> = row.get(5)?;
        let is_intact = expected
            .is_none_or(|expected| expected == checksum::of_metric(run, epoch, step, &name, value));
        Ok(Self { epoch, step, name, value, is_intact })
    }
}

/// The epochs of one run, as read from the table.
#[derive(Default)]
struct ReadEpochs {
    epochs: Vec<EpochMetrics>,
    rows: i64,
    has_changed_row: bool,
}

impl ReadEpochs {
    fn is_intact(&self, run: &RecordedRun) -> bool {
        !self.has_changed_row && run.metric_count.is_none_or(|expected| expected == self.rows)
    }

    fn push(&mut self, metric: Metric) {
        let Metric { epoch, step, name, value, is_intact } = metric;
        self.rows += 1;
        // A damaged page can return a row twice and hide another one. Then all checksums match.
        let is_new = self.epochs.last().is_none_or(|last| {
            epoch > last.epoch
                || epoch == last.epoch && last.metrics.iter().all(|(known, _)| *known != name)
        });
        self.has_changed_row |= !is_intact || !is_new;
        match self.epochs.last_mut() {
            Some(last) if last.epoch == epoch => last.metrics.push((name, value)),
            _ => {
                let (step, metrics) = (step.cast_unsigned(), vec![(name, value)]);
                self.epochs.push(EpochMetrics { epoch, step, metrics });
            }
        }
    }
}

/// The epochs that `sql` selects, by run. The rows of a run must follow each other.
fn read_epochs(
    connection: &Connection,
    sql: &str,
    key: &str,
) -> rusqlite::Result<HashMap<RunId, ReadEpochs>> {
    let mut all: HashMap<RunId, ReadEpochs> = HashMap::new();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([key])?;
    let (mut run, mut read) = (RunId::from_store(String::new()), ReadEpochs::default());
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str()?;
        if id != run.as_str() {
            let next = all.remove(id).unwrap_or_default();
            let previous = std::mem::replace(&mut run, RunId::from_store(id.to_owned()));
            all.insert(previous, std::mem::replace(&mut read, next));
        }
        read.push(Metric::from_row(row, &run)?);
    }
    all.insert(run, read);
    Ok(all)
}

/// The last value of each per-epoch metric, for each of `runs`.
pub(super) fn last_values(
    connection: &Connection,
    runs: &[RecordedRun],
) -> rusqlite::Result<Checked<LastValues>> {
    let mut last_epoch = LastEpochQuery::new(connection)?;
    let mut names = NamePool::default();
    let mut last_values = HashMap::with_capacity(runs.len());
    let mut issues = Vec::new();
    // The order of the table, so that SQLite reads each page once.
    let mut runs: Vec<&RecordedRun> = runs.iter().collect();
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    for run in runs {
        let last = match last_epoch.metrics(run)? {
            Some(metrics) => metrics,
            None => {
                let epochs = epochs_of_run(connection, run)?;
                // An earlier value must not replace a damaged last value.
                let last = if epochs.is_intact() { last_of(&epochs.value) } else { Vec::new() };
                issues.extend(epochs.issues);
                last
            }
        };
        let last = last.into_iter().map(|(name, value)| (names.get(&name), value)).collect();
        last_values.insert(run.id.clone(), last);
    }
    Ok(Checked { value: last_values, issues })
}

/// The last value of each metric in `epochs`.
fn last_of(epochs: &[EpochMetrics]) -> Vec<(String, f64)> {
    let mut last: Vec<(String, f64)> = Vec::new();
    for (name, value) in epochs.iter().flat_map(|epoch| &epoch.metrics) {
        match last.iter_mut().find(|(known, _)| known == name) {
            Some((_, last)) => *last = *value,
            None => last.push((name.clone(), *value)),
        }
    }
    last
}

/// Reads only the last epoch of a run, if it has every metric of the run.
struct LastEpochQuery<'c> {
    metrics: CachedStatement<'c>,
    counts: CachedStatement<'c>,
}

impl<'c> LastEpochQuery<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let metrics = metrics_sql(connection, "run_id = ?1 AND epoch = ?2 ORDER BY name")?;
        let counts = "SELECT count(*), count(DISTINCT name) FROM metrics WHERE run_id = ?1";
        Ok(Self {
            metrics: connection.prepare_cached(&metrics)?,
            counts: connection.prepare_cached(counts)?,
        })
    }

    /// The metrics of the last epoch, or `None` if the other epochs must be read too: another epoch
    /// has a metric that the last epoch lacks, or a row is damaged or missing.
    fn metrics(&mut self, run: &RecordedRun) -> rusqlite::Result<Option<Vec<(String, f64)>>> {
        let mut last = Vec::new();
        let mut rows = self.metrics.query(params![run.id.as_str(), run.last_epoch])?;
        while let Some(row) = rows.next()? {
            let metric = Metric::from_row(row, &run.id)?;
            if !metric.is_intact {
                return Ok(None);
            }
            last.push((metric.name, metric.value));
        }
        let (rows, names): (i64, u32) =
            self.counts.query_row([run.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((run.metric_count == Some(rows) && names as usize == last.len()).then_some(last))
    }
}

/// The checkpoint of a run, if it is intact.
pub(crate) fn checkpoint(
    connection: &Connection,
    run: &RunId,
) -> rusqlite::Result<Option<Checkpoint>> {
    let sql = "SELECT epoch, seconds, model, checksum FROM checkpoints WHERE run_id = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([run.as_str()], |row| {
            let checkpoint =
                Checkpoint { epoch: row.get(0)?, seconds: row.get(1)?, model: row.get(2)? };
            Ok((checkpoint, row.get::<_, i64>(3)?))
        })
        .optional()?;
    let is_intact = |(checkpoint, expected): &(Checkpoint, i64)| {
        let Checkpoint { epoch, seconds, model } = checkpoint;
        *expected == checksum::of_checkpoint(run, *epoch, *seconds, model)
    };
    Ok(found.filter(is_intact).map(|(checkpoint, _)| checkpoint))
}
