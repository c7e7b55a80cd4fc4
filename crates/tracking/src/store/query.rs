//! What is asked of the database, by readers and by writers: rows in, what they mean out, held against their checksums.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::{IntegrityIssue, error_analysis};
use crate::{
    Checkpoint, EpochMetrics, Experiment, ExperimentName, FindError, IdPrefix, Interruption,
    Invocation, Liveness, PlannedWork, Process, RecordedRun, RunHeader, RunId, Shard, SplitSizes,
    Status, StoreError, TrialId, Value, checksum,
};

pub(super) fn experiments(
    connection: &Connection,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<Vec<Experiment>> {
    let checksum = if connection.column_exists(None, "experiments", "checksum")? {
        "checksum"
    } else {
        "NULL"
    };
    let mut statement = connection
        .prepare(&format!("SELECT name, description, {checksum} FROM experiments NOT INDEXED"))?;
    let mut experiments = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let experiment = Experiment { name: row.get(0)?, description: row.get(1)? };
        let expected: Option<i64> = row.get(2)?;
        if expected.is_some_and(|expected| expected != checksum::of_experiment(&experiment)) {
            damage.push(IntegrityIssue::of_about(&experiment));
        }
        experiments.push(experiment);
    }
    experiments.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(experiments)
}

const RUN_COLUMNS: &str = "id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for, \
                           validation, engine, device, started_at, ended_at, error, invocation, sequence";

/// [`RUN_COLUMNS`] and what later schemas added to them, as far as this store has it.
fn run_columns(connection: &Connection) -> rusqlite::Result<String> {
    let mut columns = RUN_COLUMNS.to_owned();
    for later in [
        "shared_from",
        "last_epoch",
        "metric_count",
        "checksum",
        "ordered_at",
        "train_examples",
        "validation_examples",
        "test_examples",
    ] {
        columns += if connection.column_exists(None, "runs", later)? { ", " } else { ", NULL AS " };
        columns += later;
    }
    Ok(columns)
}

/// A value that cannot be one of a store of ours.
fn impossible(column: usize, error: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

fn run_from(row: &Row<'_>) -> rusqlite::Result<RecordedRun> {
    let text = |column| row.get::<_, String>(column);
    let header = RunHeader {
        // It names a folder.
        experiment: ExperimentName::new(&text(1)?)
            .map_err(|error| impossible(1, error.to_string()))?
            .to_string(),
        trial: text(2)?.parse().map_err(|error| impossible(2, error))?,
        status: text(3)?.parse().map_err(|error| impossible(3, error))?,
        dataset: row.get(4)?,
        dataset_sha256: row.get(5)?,
        dataset_path: row.get(6)?,
        fallback_for: row.get(7)?,
        validation: row.get(8)?,
        engine: row.get(9)?,
        device: row.get(10)?,
        error: row.get(13)?,
        shared_from: row
            .get::<_, Option<String>>(16)?
            .map(|id| id.parse().map_err(|error| impossible(16, error)))
            .transpose()?,
        split_sizes: SplitSizes {
            train: size_from(row, 21)?,
            validation: size_from(row, 22)?,
            test: size_from(row, 23)?,
        },
    };
    Ok(RecordedRun {
        id: text(0)?.parse().map_err(|error| impossible(0, error))?,
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

/// A number of examples. A negative number reads as unknown.
fn size_from(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(|size| u64::try_from(size).ok()))
}

/// The last value of each per-epoch metric, by run.
pub type LastValues = HashMap<RunId, Vec<(Arc<str>, f64)>>;

/// The epochs of each run, in order.
pub(super) type EpochsOfRuns = HashMap<RunId, Vec<EpochMetrics>>;

/// Every run of `experiment` in the order in which they began, whatever its checksum says.
pub(super) fn unchecked_runs(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    unchecked_runs_where(connection, "experiment = ?1", experiment)
}

/// [`unchecked_runs`] that fulfil a condition on `?1`.
fn unchecked_runs_where(
    connection: &Connection,
    condition: &str,
    key: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let columns = run_columns(connection)?;
    // From the table itself: an index that lost a run would hide it.
    let sql = format!("SELECT {columns} FROM runs NOT INDEXED WHERE {condition} ORDER BY sequence");
    let mut runs = readable(connection, &sql, key)?;
    fill(
        connection,
        &mut runs,
        &format!("IN (SELECT id FROM runs NOT INDEXED WHERE {condition})"),
        key,
    )?;
    bury(connection, &mut runs)?;
    runs.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(runs)
}

/// The runs that `sql` finds. A row that cannot be a run's is none: [`check_count`] finds that it is missing. Stores of earlier
/// schemas did not count; there it is an error.
fn readable(connection: &Connection, sql: &str, key: &str) -> rusqlite::Result<Vec<RecordedRun>> {
    let counted = connection.column_exists(None, "experiments", "runs")?;
    let mut runs = Vec::new();
    for run in connection.prepare_cached(sql)?.query_map([key], run_from)? {
        match run {
            Err(
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..),
            ) if counted => {}
            run => runs.push(run?),
        }
    }
    Ok(runs)
}

/// A run is killed, not running, when its process is gone.
fn bury(connection: &Connection, runs: &mut [RecordedRun]) -> rusqlite::Result<()> {
    let mut owners: HashMap<i64, Liveness> = HashMap::new();
    for run in runs.iter_mut().filter(|run| run.status == Status::Running) {
        let liveness = match owners.get(&run.invocation) {
            Some(known) => *known,
            None => invocation(connection, run.invocation)?.process.liveness(),
        };
        owners.insert(run.invocation, liveness);
        if liveness == Liveness::Gone {
            run.header.status = Status::Killed;
        }
    }
    Ok(())
}

/// The run that counts of every trial of `experiment`, of those that fit their checksums. What does not is damage, unless the
/// trial has been run again since.
pub(super) fn counting_runs(
    connection: &Connection,
    experiment: &str,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let runs = unchecked_runs(connection, experiment)?;
    check_count(connection, experiment, runs.len(), damage)?;
    let (whole, damaged): (Vec<_>, Vec<_>) = runs.into_iter().partition(RecordedRun::is_intact);
    Ok(counting(whole, &damaged, damage, IntegrityIssue::of_run))
}

/// [`counting_runs`] of those that a program of `commit` made, as if there were no others.
pub(super) fn counting_runs_at(
    connection: &Connection,
    experiment: &str,
    commit: &str,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let mut statement = connection.prepare("SELECT id FROM invocations WHERE git_commit = ?1")?;
    let starts: Vec<i64> =
        statement.query_map([commit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let starts: Vec<String> = starts.iter().map(i64::to_string).collect();
    let there = format!("experiment = ?1 AND invocation IN ({})", starts.join(", "));
    let runs = unchecked_runs_where(connection, &there, experiment)?;
    let count = |condition: &str| -> rusqlite::Result<usize> {
        let sql = format!("SELECT count(*) FROM runs NOT INDEXED WHERE {condition}");
        connection
            .query_row(&sql, [experiment], |row| row.get::<_, u32>(0))
            .map(|count| count as usize)
    };
    let unreadable = count(&there)?.saturating_sub(runs.len());
    check_count(
        connection,
        experiment,
        count("experiment = ?1")?.saturating_sub(unreadable),
        damage,
    )?;
    let (whole, damaged): (Vec<_>, Vec<_>) = runs.into_iter().partition(RecordedRun::is_intact);
    Ok(counting(whole, &damaged, damage, IntegrityIssue::of_run))
}

/// Commits at which runs of `experiment` were made, and how many: in the order of their first runs.
pub(super) fn commits(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Vec<(String, u32)>> {
    let sql = "SELECT git_commit, count(*) FROM runs NOT INDEXED JOIN invocations ON invocations.id = runs.invocation
               WHERE runs.experiment = ?1 AND git_commit IS NOT NULL GROUP BY git_commit ORDER BY min(runs.started_at), 1";
    connection
        .prepare(sql)?
        .query_map([experiment], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// [`counting_runs`] of those whose epochs fit their checksums too, and these epochs.
pub(super) fn counting_runs_and_epochs(
    connection: &Connection,
    experiment: &str,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<(Vec<RecordedRun>, EpochsOfRuns)> {
    let runs = unchecked_runs(connection, experiment)?;
    check_count(connection, experiment, runs.len(), damage)?;
    let mut epochs = epochs_of_experiment(connection, experiment, &runs)?;
    let (whole, damaged): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| run.is_intact() && epochs.contains_key(&run.id));
    let of_either = |run: &RecordedRun| {
        if run.is_intact() { IntegrityIssue::of_epochs(run) } else { IntegrityIssue::of_run(run) }
    };
    let runs = counting(whole, &damaged, damage, of_either);
    let ids: HashSet<&RunId> = runs.iter().map(|run| &run.id).collect();
    epochs.retain(|id, _| ids.contains(id));
    Ok((runs, epochs))
}

fn counting(
    whole: Vec<RecordedRun>,
    damaged: &[RecordedRun],
    damage: &mut Vec<IntegrityIssue>,
    describe: impl Fn(&RecordedRun) -> IntegrityIssue,
) -> Vec<RecordedRun> {
    let runs = newest(whole);
    for run in damaged {
        let again = runs
            .iter()
            .any(|it| it.trial == run.trial && it.has_ended() && it.order() > run.order());
        if !again {
            damage.push(describe(run));
        }
    }
    runs
}

/// Every run, or those that are `wanted`, held against its checksums; one at a time, so that it does not matter how many there are.
pub(super) fn inspect(
    connection: &Connection,
    wanted: Option<&HashSet<RunId>>,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<()> {
    for experiment in experiments(connection, damage)? {
        let mut statement = connection
            .prepare("SELECT id FROM runs NOT INDEXED WHERE experiment = ?1 ORDER BY id")?;
        let ids: Vec<String> =
            statement.query_map([&experiment.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut found = 0;
        for id in ids {
            for run in runs_of(connection, "id = ?1", &id)? {
                found += 1;
                match run.is_intact() {
                    _ if wanted.is_some_and(|wanted| !wanted.contains(&run.id)) => {}
                    false => damage.push(IntegrityIssue::of_run(&run)),
                    true => {
                        epochs_of_run(connection, &run, damage)?;
                        error_analysis::of_run(connection, &run, damage)?;
                    }
                }
            }
        }
        check_count(connection, &experiment.name, found, damage)?;
    }
    Ok(())
}

/// Whether there are as many runs as were recorded.
fn check_count(
    connection: &Connection,
    experiment: &str,
    found: usize,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<()> {
    if connection.column_exists(None, "experiments", "runs")? {
        let sql = "SELECT runs FROM experiments NOT INDEXED WHERE name = ?1";
        let expected: Option<i64> =
            connection.query_row(sql, [experiment], |row| row.get(0)).optional()?;
        let found = i64::try_from(found).unwrap_or(i64::MAX);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            damage.push(IntegrityIssue::of_experiment(experiment, expected, found));
        }
    }
    Ok(())
}

/// The effective run of each trial: the newest run with a result, or else the newest run.
fn newest(runs: Vec<RecordedRun>) -> Vec<RecordedRun> {
    let mut newest: HashMap<TrialId, RecordedRun> = HashMap::new();
    for run in runs {
        match newest.get(&run.trial) {
            Some(other)
                if (other.has_result(), other.order()) > (run.has_result(), run.order()) => {}
            _ => {
                newest.insert(run.trial.clone(), run);
            }
        }
    }
    let mut runs: Vec<RecordedRun> = newest.into_values().collect();
    runs.sort_by(|a, b| a.trial.cmp(&b.trial));
    runs
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
fn fill(
    connection: &Connection,
    runs: &mut [RecordedRun],
    which: &str,
    key: &str,
) -> rusqlite::Result<()> {
    let mut names = Names::default();
    let index: HashMap<String, usize> =
        runs.iter().enumerate().map(|(index, run)| (run.id.as_str().to_owned(), index)).collect();
    let sql = format!(
        "SELECT run_id, name, value FROM params WHERE run_id {which} ORDER BY run_id, position"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = index.get(row.get_ref(0)?.as_str()?) {
            runs[*run]
                .params
                .push((names.of(row.get_ref(1)?.as_str()?), value_from(row.get_ref(2)?)));
        }
    }
    let sql = format!("SELECT run_id, name, value FROM results WHERE run_id {which}");
    let mut statement = connection.prepare_cached(&sql)?;
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
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Null => Value::Text(String::new()),
    }
}

/// Trials of `experiment` that have their result, in a run that is as it was recorded, with its epochs.
pub(super) fn completed_trials(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<HashSet<TrialId>> {
    let mut runs = unchecked_runs(connection, experiment)?;
    runs.retain(|run| run.has_result() && run.is_intact());
    let whole = epochs_of_experiment(connection, experiment, &runs)?;
    runs.retain(|run| whole.contains_key(&run.id));
    Ok(runs.into_iter().map(|run| run.header.trial).collect())
}

/// Rows of metrics in order, with their checksum where the store has any.
fn metrics_sql(connection: &Connection, which: &str) -> rusqlite::Result<String> {
    let checksum =
        if connection.column_exists(None, "metrics", "checksum")? { "checksum" } else { "NULL" };
    Ok(format!("SELECT run_id, epoch, step, name, value, {checksum} FROM metrics WHERE {which}"))
}

/// One row of [`metrics_sql`], and whether it is as it was recorded.
fn metric_from(row: &Row<'_>, run: &RunId) -> rusqlite::Result<(u32, i64, String, f64, bool)> {
    let (epoch, step, name, value) =
        (row.get(1)?, row.get(2)?, row.get::<_, String>(3)?, row.get(4)?);
    let expected: Option<i64> = row.get(5)?;
    let whole = expected
        .is_none_or(|expected| expected == checksum::of_metric(run, epoch, step, &name, value));
    Ok((epoch, step, name, value, whole))
}

/// Epochs of `runs`, all of `experiment`; runs whose epochs are not as they were recorded are left out.
fn epochs_of_experiment(
    connection: &Connection,
    experiment: &str,
    runs: &[RecordedRun],
) -> rusqlite::Result<EpochsOfRuns> {
    let which =
        "run_id IN (SELECT id FROM runs NOT INDEXED WHERE experiment = ?1) ORDER BY run_id, epoch";
    let mut found = epochs(connection, &metrics_sql(connection, which)?, experiment)?;
    let mut whole = HashMap::new();
    for run in runs {
        if let (epochs, true) = found.remove(run.id.as_str()).unwrap_or_default().checked(run) {
            whole.insert(run.id.clone(), epochs);
        }
    }
    Ok(whole)
}

pub(super) fn epochs_of_run(
    connection: &Connection,
    run: &RecordedRun,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<Vec<EpochMetrics>> {
    let sql = metrics_sql(connection, "run_id = ?1 ORDER BY epoch")?;
    let found =
        epochs(connection, &sql, run.id.as_str())?.remove(run.id.as_str()).unwrap_or_default();
    let (epochs, whole) = found.checked(run);
    if !whole {
        damage.push(IntegrityIssue::of_epochs(run));
    }
    Ok(epochs)
}

/// The epochs of one run, as read.
#[derive(Default)]
struct FoundEpochs {
    epochs: Vec<EpochMetrics>,
    count: i64,
    changed: bool,
}

impl FoundEpochs {
    /// The epochs, and whether they are what `run` says they are.
    fn checked(self, run: &RecordedRun) -> (Vec<EpochMetrics>, bool) {
        let whole = !self.changed && run.metric_count.is_none_or(|expected| expected == self.count);
        (self.epochs, whole)
    }
}

fn epochs(
    connection: &Connection,
    sql: &str,
    key: &str,
) -> rusqlite::Result<HashMap<RunId, FoundEpochs>> {
    let mut all: HashMap<RunId, FoundEpochs> = HashMap::new();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([key])?;
    // Rows of a run follow each other.
    let (mut run, mut found) = (RunId::from_store(String::new()), FoundEpochs::default());
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str()?;
        if id != run.as_str() {
            let next = all.remove(id).unwrap_or_default();
            let ended = std::mem::replace(&mut run, RunId::from_store(id.to_owned()));
            all.insert(ended, std::mem::replace(&mut found, next));
        }
        let (epoch, step, name, value, whole) = metric_from(row, &run)?;
        found.count += 1;
        // A damaged page can give a row twice and hide another, and every checksum fits.
        let follows = found.epochs.last().is_none_or(|last| {
            epoch > last.epoch
                || epoch == last.epoch && last.metrics.iter().all(|(known, _)| *known != name)
        });
        found.changed |= !whole || !follows;
        if found.epochs.last().is_none_or(|last| last.epoch != epoch) {
            found.epochs.push(EpochMetrics {
                epoch,
                step: step.cast_unsigned(),
                metrics: Vec::new(),
            });
        }
        if let Some(last) = found.epochs.last_mut() {
            last.metrics.push((name, value));
        }
    }
    all.insert(run, found);
    Ok(all)
}

/// The last value of each per-epoch metric, for each of `runs`.
pub(super) fn last_values(
    connection: &Connection,
    runs: &[RecordedRun],
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<LastValues> {
    let mut last_epoch = LastEpoch::new(connection)?;
    let mut names = Names::default();
    let mut all = HashMap::with_capacity(runs.len());
    // In the order of the table: each page is read once.
    let mut runs: Vec<&RecordedRun> = runs.iter().collect();
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    for run in runs {
        let last = match last_epoch.of(run)? {
            Some(last) => last,
            None => {
                let before = damage.len();
                let epochs = epochs_of_run(connection, run, damage)?;
                // An earlier value must not replace a damaged last value.
                if damage.len() == before { last_of(&epochs) } else { Vec::new() }
            }
        };
        all.insert(
            run.id.clone(),
            last.into_iter().map(|(name, value)| (names.of(&name), value)).collect(),
        );
    }
    Ok(all)
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
struct LastEpoch<'c> {
    metrics: CachedStatement<'c>,
    counts: CachedStatement<'c>,
}

impl<'c> LastEpoch<'c> {
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
    fn of(&mut self, run: &RecordedRun) -> rusqlite::Result<Option<Vec<(String, f64)>>> {
        let mut last = Vec::new();
        let mut rows = self.metrics.query(params![run.id.as_str(), run.last_epoch])?;
        while let Some(row) = rows.next()? {
            let (.., name, value, whole) = metric_from(row, &run.id)?;
            if !whole {
                return Ok(None);
            }
            last.push((name, value));
        }
        let (rows, names): (i64, u32) =
            self.counts.query_row([run.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((run.metric_count == Some(rows) && names as usize == last.len()).then_some(last))
    }
}

/// Every start of a program for `experiment`, in order.
pub(super) fn invocations(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Vec<Invocation>> {
    let mut statement =
        connection.prepare("SELECT id FROM invocations WHERE experiment = ?1 ORDER BY id")?;
    let ids: Vec<i64> =
        statement.query_map([experiment], |row| row.get(0))?.collect::<Result<_, _>>()?;
    ids.into_iter().map(|id| invocation(connection, id)).collect()
}

/// One start of a program.
pub(super) fn invocation(connection: &Connection, id: i64) -> rusqlite::Result<Invocation> {
    let later = if connection.column_exists(None, "invocations", "boot_id")? {
        "process_started, boot_id, pid_namespace, plan_sha256, shard_index, shard_count"
    } else {
        "NULL, NULL, NULL, NULL, NULL, NULL"
    };
    let work = if connection.column_exists(None, "invocations", "planned_trials")? {
        "planned_trials, trials_to_run, steps_to_run"
    } else {
        "NULL, NULL, NULL"
    };
    let sql = format!(
        "SELECT program_version, git_commit, git_dirty, candle_version, cpu, instruction_set, os, jobs, command_line,
           experiment_file, host, pid, {later}, {work} FROM invocations WHERE id = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([id], |row| {
        let shard = row.get::<_, Option<u32>>(16)?.zip(row.get::<_, Option<u32>>(17)?);
        Ok(Invocation {
            program_version: row.get(0)?,
            git_commit: row.get(1)?,
            git_dirty: row.get(2)?,
            candle_version: row.get(3)?,
            cpu: row.get(4)?,
            instruction_set: row.get(5)?,
            os: row.get(6)?,
            jobs: row.get(7)?,
            command_line: row.get(8)?,
            experiment_file: row.get(9)?,
            process: Process {
                host: row.get(10)?,
                pid: row.get(11)?,
                started: row.get(12)?,
                boot_id: row.get(13)?,
                namespace: row.get(14)?,
            },
            plan_sha256: row.get(15)?,
            shard: shard.map(|(index, count)| Shard { index, count }),
            work: work_from(row, 18)?,
        })
    })
}

/// What a start of a program set out to do, from three columns.
pub(super) fn work_from(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<PlannedWork>> {
    let (trials, to_run, steps): (Option<u32>, Option<u32>, Option<i64>) =
        (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    let known = trials.zip(to_run).zip(steps);
    Ok(known.map(|((trials, to_run), steps)| PlannedWork {
        trials,
        to_run,
        steps: steps.cast_unsigned(),
    }))
}

/// The interruptions of a run, in order; earlier schemas knew none.
pub(super) fn interruptions(
    connection: &Connection,
    run: &RunId,
) -> rusqlite::Result<Vec<Interruption>> {
    if !connection.table_exists(None, "resumptions")? {
        return Ok(Vec::new());
    }
    let sql = "SELECT epoch, invocation, at FROM resumptions WHERE run_id = ?1 ORDER BY rowid";
    let read = |row: &Row<'_>| {
        Ok(Interruption { epoch: row.get(0)?, at: row.get(2)?, invocation: row.get(1)? })
    };
    connection.prepare_cached(sql)?.query_map([run.as_str()], read)?.collect()
}

/// What a run goes on from, if it is whole.
pub(super) fn checkpoint(
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
    let whole = |(it, sum): &(Checkpoint, i64)| {
        *sum == checksum::of_checkpoint(run, it.epoch, it.seconds, &it.model)
    };
    Ok(found.filter(whole).map(|(checkpoint, _)| checkpoint))
}

/// How many of several ids an error names.
const SHOWN: usize = 5;

pub(super) fn find(
    connection: &Connection,
    text: &str,
    failed: &dyn Fn(rusqlite::Error) -> StoreError,
) -> Result<RecordedRun, FindError> {
    let prefix = IdPrefix::parse(text);
    let digits = prefix.digits.as_str();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(FindError::NotFound(text.to_owned()));
    }
    let mut candidates = candidates(connection, digits).map_err(failed)?;
    if let Some(experiment) = &prefix.experiment {
        candidates.retain(|(_, of)| of == experiment);
    }
    let mut ids: Vec<&str> = candidates.iter().map(|(id, _)| id.as_str()).collect();
    ids.dedup();
    match (ids.as_slice(), candidates.as_slice()) {
        ([], _) => Err(FindError::NotFound(text.to_owned())),
        (_, [(id, experiment)]) => Ok(run_of(connection, id, experiment).map_err(failed)?),
        ([id], several) => {
            let experiments = several.iter().map(|(_, experiment)| experiment.clone()).collect();
            Err(FindError::SeveralExperiments { id: (*id).to_owned(), experiments })
        }
        (several, _) => {
            let candidates = several.iter().take(SHOWN).map(|id| (*id).to_owned()).collect();
            Err(FindError::Ambiguous { prefix: text.to_owned(), candidates })
        }
    }
}

/// Run and trial ids that begin with `digits`, each with its experiment. If `digits` is a complete
/// id, it is the only candidate.
fn candidates(connection: &Connection, digits: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT id, experiment FROM runs WHERE id GLOB ?1 || '*'
               UNION SELECT trial_id, experiment FROM runs WHERE trial_id GLOB ?1 || '*' ORDER BY 1, 2";
    let mut statement = connection.prepare(sql)?;
    let mut all: Vec<(String, String)> = statement
        .query_map([digits], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if all.iter().any(|(id, _)| id == digits) {
        all.retain(|(id, _)| id == digits);
    }
    Ok(all)
}

/// The run with this id in `experiment`, or else the effective run of the trial with this id.
fn run_of(connection: &Connection, id: &str, experiment: &str) -> rusqlite::Result<RecordedRun> {
    let mut runs = runs_of(connection, "id = ?1 OR trial_id = ?1", id)?;
    runs.retain(|run| run.experiment == experiment);
    match runs.iter().position(|run| run.id.as_str() == id) {
        Some(exact) => runs.into_iter().nth(exact),
        None => newest(runs).pop(),
    }
    .ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Runs that fulfil a condition on `?1`, in the order in which they began, whatever their checksums say.
pub(super) fn runs_of(
    connection: &Connection,
    condition: &str,
    key: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let sql = format!("SELECT {} FROM runs WHERE {condition}", run_columns(connection)?);
    let mut runs = readable(connection, &sql, key)?;
    for run in &mut runs {
        let id = run.id.as_str().to_owned();
        fill(connection, std::slice::from_mut(run), "= ?1", &id)?;
    }
    bury(connection, &mut runs)?;
    runs.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(runs)
}
