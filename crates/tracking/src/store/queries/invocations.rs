//! Experiments, invocations and interruptions.

use rusqlite::{Connection, Row};

use crate::store::integrity::{Checked, IntegrityIssue};
use crate::{Experiment, Interruption, Invocation, PlannedWork, Process, RunId, Shard, checksum};

/// All experiments, by name.
pub(super) fn experiments(connection: &Connection) -> rusqlite::Result<Checked<Vec<Experiment>>> {
    let has_checksum = connection.column_exists(None, "experiments", "checksum")?;
    let checksum = if has_checksum { "checksum" } else { "NULL" };
    let mut statement = connection
        .prepare(&format!("SELECT name, description, {checksum} FROM experiments NOT INDEXED"))?;
    let (mut experiments, mut issues) = (Vec::new(), Vec::new());
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let experiment = Experiment { name: row.get(0)?, description: row.get(1)? };
        let expected: Option<i64> = row.get(2)?;
        if expected.is_some_and(|expected| expected != checksum::of_experiment(&experiment)) {
            issues.push(IntegrityIssue::experiment_changed(&experiment));
        }
        experiments.push(experiment);
    }
    experiments.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Checked { value: experiments, issues })
}

/// All invocations for `experiment`, in the order of their recording.
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

/// The invocation number `id`.
pub(crate) fn invocation(connection: &Connection, id: i64) -> rusqlite::Result<Invocation> {
    let process = if connection.column_exists(None, "invocations", "boot_id")? {
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
           experiment_file, host, pid, {process}, {work} FROM invocations WHERE id = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([id], |row| {
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
            shard: shard_from_row(row, 16)?,
            work: work_from_row(row, 18)?,
        })
    })
}

/// A shard from the columns `shard_index` and `shard_count`, the first of which is `column`.
pub(crate) fn shard_from_row(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Shard>> {
    let (index, count): (Option<u32>, Option<u32>) = (row.get(column)?, row.get(column + 1)?);
    Ok(index.zip(count).map(|(index, count)| Shard { index, count }))
}

/// Planned work from the columns `planned_trials`, `trials_to_run` and `steps_to_run`, the first of
/// which is `column`.
pub(crate) fn work_from_row(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PlannedWork>> {
    let (trials, to_run, steps): (Option<u32>, Option<u32>, Option<i64>) =
        (row.get(column)?, row.get(column + 1)?, row.get(column + 2)?);
    Ok(trials.zip(to_run).zip(steps).map(|((trials, to_run), steps)| PlannedWork {
        trials,
        to_run,
        steps: steps.cast_unsigned(),
    }))
}

/// The interruptions of a run, in order; none in a store of an earlier schema.
pub(super) fn interruptions(
    connection: &Connection,
    run: &RunId,
) -> rusqlite::Result<Vec<Interruption>> {
    if !connection.table_exists(None, "resumptions")? {
        return Ok(Vec::new());
    }
    let sql = "SELECT epoch, invocation, at FROM resumptions WHERE run_id = ?1 ORDER BY rowid";
    let from_row = |row: &Row<'_>| {
        Ok(Interruption { epoch: row.get(0)?, at: row.get(2)?, invocation: row.get(1)? })
    };
    connection.prepare_cached(sql)?.query_map([run.as_str()], from_row)?.collect()
}
