//! How far an experiment has come, for who watches it: counted from the last start of a program that works on it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::query;
use crate::{Liveness, RecordedRun, Shard, Status, Work};

/// Runs that ended last, as many as are told of.
const LATEST: usize = 3;

/// How far an experiment has come since the last start of a program for it; of a plan in parts, since the last start for each part.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// When the first of these starts was, RFC 3339 in UTC.
    pub started_at: String,
    /// What they set out to do, where they said so.
    pub work: Option<Work>,
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
    work: Option<Work>,
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
pub(super) fn of_experiment(connection: &Connection, experiment: &str) -> rusqlite::Result<Option<Progress>> {
    if !connection.column_exists(None, "invocations", "planned_trials")? {
        return Ok(None);
    }
    let starts = last_starts(connection, experiment)?;
    let Some(started_at) = starts.iter().map(|it| it.started_at.as_str()).min() else { return Ok(None) };
    let work = starts.iter().filter_map(|it| it.work).reduce(|a, b| a + b);
    let runs = runs_since(connection, experiment, started_at)?;
    let mut ended: HashMap<&str, Status> = HashMap::new();
    for run in runs.iter().filter(|run| !matches!(run.status, Status::Running | Status::Killed)) {
        ended.insert(&run.trial, run.status);
    }
    let count = |status| u32::try_from(ended.values().filter(|it| **it == status).count()).unwrap_or(u32::MAX);
    let trained = || runs.iter().filter(|run| !run.shared);
    let settled = |work: Work| trained().map(|run| run.settled(work)).sum();
    let latest = runs.iter().rev().filter(|run| !matches!(run.status, Status::Running | Status::Killed)).take(LATEST);
    let latest = latest.map(|run| query::runs_of(connection, "id = ?1", &run.id));
    let (running, liveness) = running(connection, experiment, &starts)?;
    Ok(Some(Progress {
        started_at: started_at.to_owned(),
        work,
        finished: count(Status::Finished),
        diverged: count(Status::Diverged),
        failed: count(Status::Failed),
        steps: trained().map(|run| run.steps.saturating_sub(run.before)).sum(),
        steps_left: work.map(|work| work.steps.saturating_sub(settled(work))),
        running,
        latest: latest.collect::<rusqlite::Result<Vec<_>>>()?.concat(),
        liveness,
    }))
}

impl Step {
    /// How many weight updates of `work` are done with by this run.
    fn settled(&self, work: Work) -> u64 {
        match (self.status, self.epochs) {
            (Status::Running | Status::Killed, _) | (_, None) => self.steps,
            (_, Some(epochs)) if self.last_epoch > 0 => self.steps / u64::from(self.last_epoch) * u64::from(epochs),
            // It diverged before it said how many it takes: as many as any other.
            _ => work.steps / u64::from(work.to_run.max(1)),
        }
    }
}

/// The last start of a program; of the same plan's other parts, the last each.
fn last_starts(connection: &Connection, experiment: &str) -> rusqlite::Result<Vec<Start>> {
    let columns = "id, started_at, shard_index, shard_count, planned_trials, trials_to_run, steps_to_run";
    let read = |row: &Row<'_>| {
        let shard = row.get::<_, Option<u32>>(2)?.zip(row.get::<_, Option<u32>>(3)?);
        Ok(Start {
            id: row.get(0)?,
            started_at: row.get(1)?,
            shard: shard.map(|(index, count)| Shard { index, count }),
            work: query::work_from(row, 4)?,
        })
    };
    let newest =
        format!("SELECT {columns} FROM invocations WHERE experiment = ?1 ORDER BY started_at DESC, id DESC LIMIT 1");
    let Some(newest) = connection.prepare_cached(&newest)?.query_row([experiment], read).optional()? else {
        return Ok(Vec::new());
    };
    let Some(shard) = newest.shard else { return Ok(vec![newest]) };
    let others = format!(
        "SELECT {columns} FROM invocations WHERE experiment = ?1 AND shard_count = ?2
           AND plan_sha256 = (SELECT plan_sha256 FROM invocations WHERE id = ?3) ORDER BY started_at DESC, id DESC"
    );
    let mut starts: Vec<Start> = Vec::new();
    for start in connection.prepare_cached(&others)?.query_map(params![experiment, shard.count, newest.id], read)? {
        let start = start?;
        if starts.iter().all(|it| it.shard != start.shard) {
            starts.push(start);
        }
    }
    Ok(starts)
}

/// What runs, and what ended at `started_at` or later, in the order in which it ended.
fn runs_since(connection: &Connection, experiment: &str, started_at: &str) -> rusqlite::Result<Vec<Step>> {
    let sql = "
        SELECT id, trial_id, status, shared_from IS NOT NULL, coalesce(last_epoch, 0),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch = runs.last_epoch LIMIT 1),
          (SELECT step FROM metrics WHERE run_id = runs.id AND epoch =
            (SELECT epoch FROM resumptions WHERE run_id = runs.id AND at >= ?2 ORDER BY rowid DESC LIMIT 1) LIMIT 1),
          (SELECT value FROM params WHERE run_id = runs.id AND name = 'epochs' AND typeof(value) = 'integer')
        FROM runs WHERE experiment = ?1 AND (status = 'running' OR ended_at >= ?2) ORDER BY ended_at, sequence";
    let read = |row: &Row<'_>| {
        let steps = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned());
        Ok(Step {
            id: row.get(0)?,
            trial: row.get(1)?,
            status: row.get::<_, String>(2)?.parse().unwrap_or(Status::Killed),
            shared: row.get(3)?,
            last_epoch: row.get(4)?,
            steps: steps(5)?,
            before: steps(6)?,
            epochs: row.get(7)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([experiment, started_at], read)?.collect()
}

/// What runs, and whether somebody is there: who runs something, or else who started last.
fn running(
    connection: &Connection,
    experiment: &str,
    starts: &[Start],
) -> rusqlite::Result<(Vec<RecordedRun>, Liveness)> {
    let mut running = query::runs_of(connection, "experiment = ?1 AND status = 'running'", experiment)?;
    running.retain(|run| run.status == Status::Running);
    let mut liveness = Liveness::Gone;
    for id in running.iter().map(|run| run.invocation).chain(starts.iter().map(|it| it.id)) {
        match query::invocation(connection, id)?.process.liveness() {
            Liveness::Alive => return Ok((running, Liveness::Alive)),
            Liveness::Elsewhere => liveness = Liveness::Elsewhere,
            Liveness::Gone => {}
        }
    }
    Ok((running, liveness))
}
