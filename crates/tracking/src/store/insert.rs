//! Statements that write rows.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::format::{InvocationId, timestamp};
use super::queries::runs::runs_where;
use crate::run::{micros, micros_of};
use crate::{
    Checkpoint, EpochMetrics, Experiment, Invocation, Order, Run, RunId, Status, checksum,
};

/// Inserts the experiment, or updates its description. Updates its run count too: a missing run was
/// reported before, and must not be reported again.
pub(super) fn put_experiment(
    connection: &Connection,
    experiment: &Experiment,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO experiments (name, description, checksum) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET description = excluded.description, checksum = excluded.checksum",
        params![experiment.name, experiment.description, checksum::of_experiment(experiment)],
    )?;
    connection.execute(
        "UPDATE experiments SET runs = (SELECT count(*) FROM runs NOT INDEXED WHERE experiment = ?1) WHERE name = ?1",
        [&experiment.name],
    )?;
    Ok(())
}

/// Inserts the experiment. An existing experiment keeps its description.
pub(super) fn add_experiment(
    connection: &Connection,
    experiment: &Experiment,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO experiments (name, description, checksum) VALUES (?1, ?2, ?3)";
    let row = params![experiment.name, experiment.description, checksum::of_experiment(experiment)];
    connection.execute(sql, row).map(drop)
}

pub(super) fn insert_invocation(
    connection: &Connection,
    experiment: &str,
    invocation: &Invocation,
    started_at: &str,
) -> rusqlite::Result<InvocationId> {
    connection.execute(
        "INSERT INTO invocations (experiment, started_at, program_version, git_commit, git_dirty, candle_version,
           cpu, instruction_set, host, os, jobs, command_line, experiment_file, pid, process_started, boot_id,
           pid_namespace, plan_sha256, shard_index, shard_count, planned_trials, trials_to_run, steps_to_run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
           ?23)",
        params![
            experiment,
            started_at,
            invocation.program_version,
            invocation.git_commit,
            invocation.git_dirty,
            invocation.candle_version,
            invocation.cpu,
            invocation.instruction_set,
            invocation.process.host,
            invocation.os,
            invocation.jobs,
            invocation.command_line,
            invocation.experiment_file,
            invocation.process.pid,
            invocation.process.started,
            invocation.process.boot_id,
            invocation.process.namespace,
            invocation.plan_sha256,
            invocation.shard.map(|shard| shard.index),
            invocation.shard.map(|shard| shard.count),
            invocation.work.map(|work| work.trials),
            invocation.work.map(|work| work.to_run),
            invocation.work.map(|work| work.steps.cast_signed()),
        ],
    )?;
    Ok(InvocationId(connection.last_insert_rowid()))
}

/// Inserts the row of a run and its hyperparameters.
pub(super) fn insert_run(
    connection: &Connection,
    id: &RunId,
    invocation: InvocationId,
    run: &Run,
) -> rusqlite::Result<()> {
    let ended_at = (run.status != Status::Running).then(|| timestamp(run.ended_at));
    let ordered_at = ordered_at(connection, run)?;
    let size = |size: Option<u64>| size.and_then(|size| i64::try_from(size).ok());
    connection
        .prepare_cached(
            "INSERT INTO runs (id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for,
               validation, engine, device, started_at, ended_at, error, invocation, shared_from, ordered_at,
               train_examples, validation_examples, test_examples, program_sha256)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
               ?21)",
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
            run.validation.as_str(),
            run.engine,
            run.device,
            timestamp(run.started_at),
            ended_at,
            run.error,
            invocation.0,
            run.shared_from.as_ref().map(RunId::as_str),
            ordered_at,
            size(run.split_sizes.train),
            size(run.split_sizes.validation),
            size(run.split_sizes.test),
            run.program_sha256,
        ])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO params (run_id, name, value, position) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, (name, value)) in (0i64..).zip(&run.params) {
        insert.execute(params![id.as_str(), name, value, position])?;
    }
    Ok(())
}

/// Position of a new run among the runs of its trial: its start time, or a microsecond after the
/// last run in the store if that is later.
fn ordered_at(connection: &Connection, run: &Run) -> rusqlite::Result<Option<i64>> {
    if let Order::Assigned(ordered_at) = run.order {
        return Ok(ordered_at);
    }
    let sql = "SELECT ordered_at, started_at FROM runs WHERE experiment = ?1 AND trial_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([&run.experiment, run.trial.as_str()])?;
    let mut ordered_at = micros(run.started_at);
    while let Some(row) = rows.next()? {
        let previous = match row.get::<_, Option<i64>>(0)? {
            Some(previous) => previous,
            None => micros_of(row.get_ref(1)?.as_str()?),
        };
        ordered_at = ordered_at.max(previous.saturating_add(1));
    }
    Ok(Some(ordered_at))
}

/// Inserts the finite metrics of `epochs`.
pub(super) fn insert_epochs(
    connection: &Connection,
    id: &RunId,
    epochs: &[EpochMetrics],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO metrics (run_id, epoch, step, name, value, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for epoch in epochs {
        let step = epoch.step.cast_signed();
        for (name, value) in epoch.metrics.iter().filter(|(_, value)| value.is_finite()) {
            let sum = checksum::of_metric(id, epoch.epoch, step, name, *value);
            insert.execute(params![id.as_str(), epoch.epoch, step, name, value, sum])?;
        }
    }
    Ok(())
}

/// Inserts the finite final metrics.
pub(super) fn insert_results(
    connection: &Connection,
    id: &RunId,
    results: &[(String, f64)],
) -> rusqlite::Result<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO results (run_id, name, value) VALUES (?1, ?2, ?3)")?;
    for (name, value) in results.iter().filter(|(_, value)| value.is_finite()) {
        insert.execute(params![id.as_str(), name, value])?;
    }
    Ok(())
}

/// Inserts or replaces the checkpoint of a run.
pub(super) fn put_checkpoint(
    connection: &Connection,
    id: &RunId,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<()> {
    let Checkpoint { epoch, seconds, model } = checkpoint;
    let sum = checksum::of_checkpoint(id, *epoch, *seconds, model);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO checkpoints (run_id, epoch, seconds, model, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id.as_str(), epoch, seconds, model, sum])?;
    Ok(())
}

/// Sets the status of a run that ends now.
pub(super) fn set_status(
    connection: &Connection,
    id: &RunId,
    status: Status,
    error: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE runs SET status = ?2, error = ?3, ended_at = ?4 WHERE id = ?1")?
        .execute(params![id.as_str(), status.as_str(), error, timestamp(SystemTime::now())])?;
    Ok(())
}

/// Updates the epoch and metric counts of a run, then its checksum.
pub(super) fn update_checksum(connection: &Connection, id: &RunId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE runs SET (last_epoch, metric_count) =
               (SELECT coalesce(max(epoch), 0), count(*) FROM metrics WHERE run_id = ?1) WHERE id = ?1",
        )?
        .execute([id.as_str()])?;
    if let Some(run) = runs_where(connection, "id = ?1", id.as_str())?.pop() {
        connection
            .prepare_cached("UPDATE runs SET checksum = ?2 WHERE id = ?1")?
            .execute(params![id.as_str(), checksum::of_run(&run)])?;
    }
    Ok(())
}
