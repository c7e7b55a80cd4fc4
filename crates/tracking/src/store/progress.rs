//! How far an experiment has come, for who watches it: counted from the last start of a program that works on it.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::query;
use crate::{Liveness, PlannedWork, RecordedRun, Shard, Status};

/// Runs that ended last, as many as are told of.
const LATEST: usize = 3;

/// Starts, of which one may be there still though others came and went since.
const LOOKED_AT: u32 = 16;
/// Starts without a plan that are no further apart are those of one undertaking.
const CLOSELY: Duration = Duration::from_secs(600);

/// How far an experiment has come since the last start of a program for it; of a plan in parts, since the last start for each part.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// When the first of these starts was, RFC 3339 in UTC.
    pub started_at: String,
    /// What they set out to do, where they said so.
    pub work: Option<PlannedWork>,
    /// Trials that finished since then,
    pub finished: u32,
    /// that diverged,
    pub diverged: u32,
    /// and that failed.
    pub failed: u32,
    /// Weight updates since then, as far as they are recorded.
    pub steps: u64,
    /// Those of [`Progress::work`] that are still to come, about: a run that diverged leaves some out.
    pub steps_left: Option<u64>,
    /// Trials that were trained since then, of one that runs the part that is done. Nothing where one does not say how many epochs it
    /// takes.
    pub trained: Option<f64>,
    /// Those of [`Progress::work`] that are still to be trained, likewise.
    pub untrained: Option<f64>,
    /// What runs now.
    pub running: Vec<RecordedRun>,
    /// What ended last since then, the newest first.
    pub latest: Vec<RecordedRun>,
    /// Whether somebody is at it.
    pub liveness: Liveness,
}

impl Progress {
    /// Trials that ended since then, however they did.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.finished + self.diverged + self.failed
    }
}

/// One start of a program.
struct Start {
    id: i64,
    started_at: String,
    shard: Option<Shard>,
    work: Option<PlannedWork>,
}

/// A run since then.
struct Step {
    id: String,
    trial: String,
    status: Status,
    shared: bool,
    last_epoch: u32,
    /// Weight updates until its last epoch, and until that from which it was gone on with.
    steps: u64,
    before: u64,
    epochs: Option<u32>,
}

/// Nothing where nobody has begun, or by an earlier schema.
pub(super) fn of_experiment(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Option<Progress>> {
    if !connection.column_exists(None, "invocations", "planned_trials")? {
        return Ok(None);
    }
    let mut running =
        query::runs_of(connection, "experiment = ?1 AND status = 'running'", experiment)?;
    running.retain(|run| run.status == Status::Running);
    let starts = last_starts(connection, experiment, &running)?;
    let Some(started_at) = starts.iter().map(|it| it.started_at.as_str()).min() else {
        return Ok(None);
    };
    let work = starts.iter().filter_map(|it| it.work).reduce(|a, b| a + b);
    let runs = runs_since(connection, experiment, started_at)?;
    let mut ended: HashMap<&str, Status> = HashMap::new();
    for run in runs.iter().filter(|run| !matches!(run.status, Status::Running | Status::Killed)) {
        ended.insert(&run.trial, run.status);
    }
    let count = |status| {
        u32::try_from(ended.values().filter(|it| **it == status).count()).unwrap_or(u32::MAX)
    };
    let trained = || runs.iter().filter(|run| !run.shared);
    let settled = |work: PlannedWork| trained().map(|run| run.settled(work)).sum();
    let parts: Option<Vec<(f64, f64)>> = runs.iter().map(Step::parts).collect();
    let sum = |part: fn(&(f64, f64)) -> f64| {
        parts.as_ref().map(|parts| parts.iter().map(part).sum::<f64>())
    };
    let latest = runs
        .iter()
        .rev()
        .filter(|run| !matches!(run.status, Status::Running | Status::Killed))
        .take(LATEST);
    let latest = latest.map(|run| query::runs_of(connection, "id = ?1", &run.id));
    Ok(Some(Progress {
        started_at: started_at.to_owned(),
        work,
        finished: count(Status::Finished),
        diverged: count(Status::Diverged),
        failed: count(Status::Failed),
        steps: trained().map(|run| run.steps.saturating_sub(run.before)).sum(),
        steps_left: work.map(|work| work.steps.saturating_sub(settled(work))),
        trained: sum(|it| it.1),
        untrained: work
            .zip(sum(|it| it.0))
            .map(|(work, done)| (f64::from(work.to_run) - done).max(0.0)),
        liveness: liveness(connection, &running, &starts)?,
        running,
        latest: latest.collect::<rusqlite::Result<Vec<_>>>()?.concat(),
    }))
}

impl Step {
    /// Which part of its training nobody has to do any more, and which was done since it was last gone on with. What has ended needs
    /// nothing more; what shared the training of another trial counts as if it had its own, there and in what is left.
    #[allow(clippy::cast_precision_loss, reason = "parts of an estimate")]
    fn parts(&self) -> Option<(f64, f64)> {
        let trained = (f64::from(self.last_epoch) / f64::from(self.epochs?)).min(1.0);
        let before = if self.steps == 0 { 0.0 } else { self.before as f64 / self.steps as f64 };
        let settled =
            if matches!(self.status, Status::Running | Status::Killed) { trained } else { 1.0 };
        Some((settled, trained * (1.0 - before)))
    }

    /// How many weight updates of `work` are done with by this run.
    fn settled(&self, work: PlannedWork) -> u64 {
        match (self.status, self.epochs) {
            (Status::Running | Status::Killed, _) | (_, None) => self.steps,
            (_, Some(epochs)) if self.last_epoch > 0 => {
                self.steps / u64::from(self.last_epoch) * u64::from(epochs)
            }
            // It diverged before it said how many it takes: as many as any other.
            _ => work.steps / u64::from(work.to_run.max(1)),
        }
    }
}

/// When the first start was of those before `last` that follow each other closely, as where a program is started for every trial.
fn first_of_many(
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
            Some(pause) if pause <= CLOSELY => first = before,
            _ => break,
        }
    }
    Ok(first)
}

/// The last start of a program, or where that is gone the last one that runs what it planned still; of the same plan's other parts, the
/// last each.
fn last_starts(
    connection: &Connection,
    experiment: &str,
    running: &[RecordedRun],
) -> rusqlite::Result<Vec<Start>> {
    let columns =
        "id, started_at, shard_index, shard_count, planned_trials, trials_to_run, steps_to_run";
    let read = |row: &Row<'_>| {
        let shard = row.get::<_, Option<u32>>(2)?.zip(row.get::<_, Option<u32>>(3)?);
        Ok(Start {
            id: row.get(0)?,
            started_at: row.get(1)?,
            shard: shard.map(|(index, count)| Shard { index, count }),
            work: query::work_from(row, 4)?,
        })
    };
    let newest = format!(
        "SELECT {columns} FROM invocations WHERE experiment = ?1 ORDER BY started_at DESC, id DESC LIMIT {LOOKED_AT}"
    );
    let newest = connection
        .prepare_cached(&newest)?
        .query_map([experiment], read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let Some(last) = newest.first() else { return Ok(Vec::new()) };
    let runs_something =
        |it: &Start| it.work.is_some() && running.iter().any(|run| run.invocation == it.id);
    let is_told = running.is_empty()
        || liveness(connection, &[], std::slice::from_ref(last))? != Liveness::Gone;
    let told = if is_told { 0 } else { newest.iter().position(runs_something).unwrap_or(0) };
    let Some(newest) = newest.into_iter().nth(told) else { return Ok(Vec::new()) };
    if newest.work.is_none() {
        return Ok(vec![Start {
            started_at: first_of_many(connection, experiment, &newest.started_at)?,
            ..newest
        }]);
    }
    let Some(shard) = newest.shard else { return Ok(vec![newest]) };
    let others = format!(
        "SELECT {columns} FROM invocations WHERE experiment = ?1 AND shard_count = ?2
           AND plan_sha256 = (SELECT plan_sha256 FROM invocations WHERE id = ?3) ORDER BY started_at DESC, id DESC"
    );
    let mut starts: Vec<Start> = Vec::new();
    for start in connection
        .prepare_cached(&others)?
        .query_map(params![experiment, shard.count, newest.id], read)?
    {
        let start = start?;
        if starts.iter().all(|it| it.shard != start.shard) {
            starts.push(start);
        }
    }
    Ok(starts)
}

/// What runs, and what ended at `started_at` or later, in the order in which it ended.
fn runs_since(
    connection: &Connection,
    experiment: &str,
    started_at: &str,
) -> rusqlite::Result<Vec<Step>> {
    let sql = "
        SELECT id, trial_id, status, shared_from IS NOT NULL, coalesce(last_epoch, 0),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch = runs.last_epoch LIMIT 1),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch =
            (SELECT epoch FROM resumptions WHERE run_id = runs.id AND at >= ?2 ORDER BY rowid DESC LIMIT 1) LIMIT 1),
          (SELECT value FROM params WHERE run_id = runs.id AND name = 'epochs' AND typeof(value) = 'integer')
        FROM runs WHERE experiment = ?1 AND (status = 'running' OR ended_at >= ?2) ORDER BY ended_at, sequence";
    let read = |row: &Row<'_>| {
        let steps = |column| {
            Ok::<_, rusqlite::Error>(
                row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned(),
            )
        };
        Ok(Step {
            id: row.get(0)?,
            trial: row.get(1)?,
            status: row.get::<_, String>(2)?.parse().unwrap_or(Status::Killed),
            shared: row.get(3)?,
            last_epoch: row.get(4)?,
            steps: steps(5)?,
            before: steps(6)?,
            epochs: row.get::<_, Option<i64>>(7)?.and_then(|epochs| u32::try_from(epochs).ok()),
        })
    };
    connection.prepare_cached(sql)?.query_map([experiment, started_at], read)?.collect()
}

/// Whether somebody is there: who runs something, or else who started last.
fn liveness(
    connection: &Connection,
    running: &[RecordedRun],
    starts: &[Start],
) -> rusqlite::Result<Liveness> {
    let mut liveness = Liveness::Gone;
    for id in running.iter().map(|run| run.invocation).chain(starts.iter().map(|it| it.id)) {
        match query::invocation(connection, id)?.process.liveness() {
            Liveness::Alive => return Ok(Liveness::Alive),
            Liveness::Remote => liveness = Liveness::Remote,
            Liveness::Gone => {}
        }
    }
    Ok(liveness)
}
