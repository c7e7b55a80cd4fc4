//! Progress of an experiment since the last start of a program that works on it.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::queries::invocations::{invocation, shard_from_row, work_from_row};
use super::queries::runs::runs_where;
use crate::{Liveness, PlannedWork, RecordedRun, Shard, Status};

/// Number of ended runs in [`Progress::latest`].
const MAX_LATEST: usize = 3;

/// Number of newest invocations that are searched for one that is still running.
const MAX_SEARCHED: u32 = 16;

/// Longest pause between two invocations without a plan that count as one session, as in a script
/// that starts a program for each trial.
const SESSION_PAUSE: Duration = Duration::from_secs(600);

/// The progress of an experiment since the last invocation for it. If the plan is split into parts,
/// since the last invocation of each part.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Start time of the first of these invocations, in RFC 3339, UTC.
    pub started_at: String,
    /// The planned work of these invocations, where known.
    pub work: Option<PlannedWork>,
    /// Trials that finished since then.
    pub finished: u32,
    /// Trials that diverged since then.
    pub diverged: u32,
    /// Trials that failed since then.
    pub failed: u32,
    /// Weight updates since then, as far as they are recorded.
    pub steps: u64,
    /// Estimate of the weight updates of [`Progress::work`] that remain. A run that diverges skips
    /// some of them.
    pub steps_left: Option<u64>,
    /// Trials trained since then. A running trial counts by the completed fraction of its epochs.
    /// `None` if a trial does not record its number of epochs.
    pub trained: Option<f64>,
    /// Trials of [`Progress::work`] that remain to be trained, counted in the same way.
    pub untrained: Option<f64>,
    /// Runs that are running.
    pub running: Vec<RecordedRun>,
    /// Runs that ended last since then, newest first.
    pub latest: Vec<RecordedRun>,
    /// Whether a process works on the experiment.
    pub liveness: Liveness,
}

impl Progress {
    /// Trials that finished, diverged or failed since then.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.finished + self.diverged + self.failed
    }
}

/// An invocation of the experiment.
struct Start {
    id: i64,
    started_at: String,
    shard: Option<Shard>,
    work: Option<PlannedWork>,
}

impl Start {
    const COLUMNS: &str =
        "id, started_at, shard_index, shard_count, planned_trials, trials_to_run, steps_to_run";

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            started_at: row.get(1)?,
            shard: shard_from_row(row, 2)?,
            work: work_from_row(row, 4)?,
        })
    }
}

/// A run that is running, or ended since the start.
struct RunProgress {
    id: String,
    trial: String,
    status: Status,
    is_shared: bool,
    last_epoch: u32,
    /// Weight updates until the last epoch.
    steps: u64,
    /// Weight updates before the run resumed.
    steps_before: u64,
    /// Planned number of epochs.
    epochs: Option<u32>,
}

impl RunProgress {
    fn has_ended(&self) -> bool {
        !matches!(self.status, Status::Running | Status::Killed)
    }

    /// The fraction of the training that need not run any more, and the fraction that ran since the
    /// run last resumed. A run that shares the training of another trial counts as if it had
    /// trained itself, as it does in the planned work.
    #[allow(clippy::cast_precision_loss, reason = "fractions of an estimate")]
    fn fractions(&self) -> Option<(f64, f64)> {
        let trained = (f64::from(self.last_epoch) / f64::from(self.epochs?)).min(1.0);
        let before =
            if self.steps == 0 { 0.0 } else { self.steps_before as f64 / self.steps as f64 };
        let done = if self.has_ended() { 1.0 } else { trained };
        Some((done, trained * (1.0 - before)))
    }

    /// The weight updates of `work` that this run completes or makes unnecessary.
    fn done_steps(&self, work: PlannedWork) -> u64 {
        match self.epochs {
            Some(epochs) if self.has_ended() && self.last_epoch > 0 => {
                self.steps / u64::from(self.last_epoch) * u64::from(epochs)
            }
            // It diverged in its first epoch. Its planned steps are unknown, so use the average.
            Some(_) if self.has_ended() => work.steps / u64::from(work.to_run.max(1)),
            _ => self.steps,
        }
    }
}

/// The progress of `experiment`; `None` without invocations, and in a store of an earlier schema.
pub(super) fn of_experiment(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Option<Progress>> {
    if !connection.column_exists(None, "invocations", "planned_trials")? {
        return Ok(None);
    }
    let mut running = runs_where(connection, "experiment = ?1 AND status = 'running'", experiment)?;
    running.retain(|run| run.status == Status::Running);
    let starts = last_starts(connection, experiment, &running)?;
    let Some(started_at) = starts.iter().map(|start| start.started_at.as_str()).min() else {
        return Ok(None);
    };
    let work = starts.iter().filter_map(|start| start.work).reduce(|a, b| a + b);
    let runs = runs_since(connection, experiment, started_at)?;
    let ended: HashMap<&str, Status> = runs
        .iter()
        .filter(|run| run.has_ended())
        .map(|run| (run.trial.as_str(), run.status))
        .collect();
    let count = |status| {
        let count = ended.values().filter(|ended| **ended == status).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let trained = || runs.iter().filter(|run| !run.is_shared);
    let done_steps = |work: PlannedWork| trained().map(|run| run.done_steps(work)).sum();
    let fractions: Option<Vec<(f64, f64)>> = runs.iter().map(RunProgress::fractions).collect();
    let sum = |fraction: fn(&(f64, f64)) -> f64| {
        fractions.as_ref().map(|fractions| fractions.iter().map(fraction).sum::<f64>())
    };
    let latest = runs.iter().rev().filter(|run| run.has_ended()).take(MAX_LATEST);
    let latest = latest.map(|run| runs_where(connection, "id = ?1", &run.id));
    Ok(Some(Progress {
        started_at: started_at.to_owned(),
        work,
        finished: count(Status::Finished),
        diverged: count(Status::Diverged),
        failed: count(Status::Failed),
        steps: trained().map(|run| run.steps.saturating_sub(run.steps_before)).sum(),
        steps_left: work.map(|work| work.steps.saturating_sub(done_steps(work))),
        trained: sum(|(_, trained)| *trained),
        untrained: work
            .zip(sum(|(done, _)| *done))
            .map(|(work, done)| (f64::from(work.to_run) - done).max(0.0)),
        liveness: liveness(connection, &running, &starts)?,
        running,
        latest: latest.collect::<rusqlite::Result<Vec<_>>>()?.concat(),
    }))
}

/// The last invocation, or an earlier one that still runs planned work if the last one has ended.
/// If it runs a part of a plan, also the last invocation of each other part of the same plan.
fn last_starts(
    connection: &Connection,
    experiment: &str,
    running: &[RecordedRun],
) -> rusqlite::Result<Vec<Start>> {
    let sql = format!(
        "SELECT {} FROM invocations WHERE experiment = ?1 ORDER BY started_at DESC, id DESC LIMIT {MAX_SEARCHED}",
        Start::COLUMNS
    );
    let newest = connection
        .prepare_cached(&sql)?
        .query_map([experiment], Start::from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let Some(last) = newest.first() else { return Ok(Vec::new()) };
    let runs_planned_work = |start: &Start| {
        start.work.is_some() && running.iter().any(|run| run.invocation == start.id)
    };
    let use_last = running.is_empty()
        || liveness(connection, &[], std::slice::from_ref(last))? != Liveness::Gone;
    let index = if use_last { 0 } else { newest.iter().position(runs_planned_work).unwrap_or(0) };
    let Some(start) = newest.into_iter().nth(index) else { return Ok(Vec::new()) };
    if start.work.is_none() {
        let started_at = session_start(connection, experiment, &start.started_at)?;
        return Ok(vec![Start { started_at, ..start }]);
    }
    match start.shard {
        None => Ok(vec![start]),
        Some(shard) => last_of_each_part(connection, experiment, start.id, shard.count),
    }
}

/// The last invocation of each part of the plan that invocation `id` works on.
fn last_of_each_part(
    connection: &Connection,
    experiment: &str,
    id: i64,
    count: u32,
) -> rusqlite::Result<Vec<Start>> {
    let sql = format!(
        "SELECT {} FROM invocations WHERE experiment = ?1 AND shard_count = ?2
           AND plan_sha256 = (SELECT plan_sha256 FROM invocations WHERE id = ?3) ORDER BY started_at DESC, id DESC",
        Start::COLUMNS
    );
    let mut starts: Vec<Start> = Vec::new();
    for start in connection
        .prepare_cached(&sql)?
        .query_map(params![experiment, count, id], Start::from_row)?
    {
        let start = start?;
        if starts.iter().all(|known| known.shard != start.shard) {
            starts.push(start);
        }
    }
    Ok(starts)
}

/// Start time of the session of invocations without a plan that ends with the one started at
/// `last`.
fn session_start(
    connection: &Connection,
    experiment: &str,
    last: &str,
) -> rusqlite::Result<String> {
    let sql = "SELECT started_at FROM invocations WHERE experiment = ?1 AND planned_trials IS NULL AND started_at < ?2
               ORDER BY started_at DESC";
    let mut first = last.to_owned();
    for before in connection
        .prepare_cached(sql)?
        .query_map([experiment, last], |row| row.get::<_, String>(0))?
    {
        let before = before?;
        let times =
            humantime::parse_rfc3339(&before).ok().zip(humantime::parse_rfc3339(&first).ok());
        match times.and_then(|(before, after)| after.duration_since(before).ok()) {
            Some(pause) if pause <= SESSION_PAUSE => first = before,
            _ => break,
        }
    }
    Ok(first)
}

/// Runs that are running, and runs that ended at `started_at` or later, in the order of their end.
fn runs_since(
    connection: &Connection,
    experiment: &str,
    started_at: &str,
) -> rusqlite::Result<Vec<RunProgress>> {
    let sql = "
        SELECT id, trial_id, status, shared_from IS NOT NULL, coalesce(last_epoch, 0),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch = runs.last_epoch LIMIT 1),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch =
            (SELECT epoch FROM resumptions WHERE run_id = runs.id AND at >= ?2 ORDER BY rowid DESC LIMIT 1) LIMIT 1),
          (SELECT value FROM params WHERE run_id = runs.id AND name = 'epochs' AND typeof(value) = 'integer')
        FROM runs WHERE experiment = ?1 AND (status = 'running' OR ended_at >= ?2) ORDER BY ended_at, sequence";
    let from_row = |row: &Row<'_>| {
        let steps = |column| {
            Ok::<_, rusqlite::Error>(
                row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned(),
            )
        };
        Ok(RunProgress {
            id: row.get(0)?,
            trial: row.get(1)?,
            status: row.get::<_, String>(2)?.parse().unwrap_or(Status::Killed),
            is_shared: row.get(3)?,
            last_epoch: row.get(4)?,
            steps: steps(5)?,
            steps_before: steps(6)?,
            epochs: row.get::<_, Option<i64>>(7)?.and_then(|epochs| u32::try_from(epochs).ok()),
        })
    };
    connection.prepare_cached(sql)?.query_map([experiment, started_at], from_row)?.collect()
}

/// Whether the process of a running run or of one of `starts` is alive.
fn liveness(
    connection: &Connection,
    running: &[RecordedRun],
    starts: &[Start],
) -> rusqlite::Result<Liveness> {
    let mut liveness = Liveness::Gone;
    let invocations = running.iter().map(|run| run.invocation);
    for id in invocations.chain(starts.iter().map(|start| start.id)) {
        match invocation(connection, id)?.process.liveness() {
            Liveness::Alive => return Ok(Liveness::Alive),
            Liveness::Remote => liveness = Liveness::Remote,
            Liveness::Gone => {}
        }
    }
    Ok(liveness)
}
