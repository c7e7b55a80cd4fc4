//! Claiming a trial, so that only one process runs it at a time.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::format::{InvocationId, timestamp};
use super::insert::{insert_run, set_status, update_checksum};
use super::queries::invocations::invocation;
use super::queries::runs::runs_where;
use super::queries::{checkpoint, epochs_of_run};
use super::transaction::WriteTransaction;
use crate::{
    Checkpoint, EpochMetrics, Invocation, Liveness, Process, RecordedRun, Run, RunId, Status,
    StoreError,
};

/// Trials that [`WriteTransaction::claim`] may claim in addition to free trials.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaimOptions {
    /// Claim a trial that has a result.
    pub rerun: bool,
    /// Claim a trial that a process of another machine or container runs. This process cannot know
    /// whether that process is still alive.
    pub take_over: bool,
}

/// The answer to [`WriteTransaction::claim`].
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// The caller owns the trial as this run. It resumes from the point that an earlier invocation
    /// reached, if there is one.
    Claimed(RunId, Option<ResumePoint>),
    /// The trial has a result.
    Done,
    /// Another process of this machine runs the trial.
    Busy,
    /// A process of the named host runs the trial, or ran it when it was last seen.
    Remote(String),
}

/// The state in which an earlier invocation left a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumePoint {
    /// The checkpoint after the last recorded epoch.
    pub checkpoint: Checkpoint,
    /// The recorded epochs.
    pub epochs: Vec<EpochMetrics>,
}

impl WriteTransaction<'_> {
    /// Claims the trial of `run` for `invocation`, if it is free. No other process can claim it
    /// until the run ends or the process of the invocation ends.
    ///
    /// An unfinished run resumes if the same program, engine, device and instruction set computed
    /// it, so that the result has the same bits. The run of a program that the runner started always
    /// resumes, because its code is part of the trial id. Any other unfinished run is marked as
    /// killed, and a new run begins.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn claim(
        &self,
        invocation: InvocationId,
        run: &Run,
        options: ClaimOptions,
    ) -> Result<ClaimOutcome, StoreError> {
        let id = run.id.clone().map_or_else(|| self.new_run_id(), Ok)?;
        self.try_claim(&id, invocation, run, options).map_err(self.store_error())
    }

    fn try_claim(
        &self,
        id: &RunId,
        invocation_id: InvocationId,
        run: &Run,
        options: ClaimOptions,
    ) -> rusqlite::Result<ClaimOutcome> {
        let connection = &self.connection;
        let mut earlier = runs_where(connection, "trial_id = ?1", run.trial.as_str())?;
        earlier.retain(|other| other.experiment == run.experiment);
        if !options.rerun && has_intact_result(connection, &earlier)? {
            return Ok(ClaimOutcome::Done);
        }
        let ours = invocation(connection, invocation_id.0)?;
        for left in earlier.iter().rev().filter(|other| !other.has_ended()) {
            let theirs = invocation(connection, left.invocation)?;
            if left.status == Status::Running {
                match theirs.process.liveness() {
                    Liveness::Alive => return Ok(ClaimOutcome::Busy),
                    Liveness::Remote if !options.take_over => {
                        return Ok(ClaimOutcome::Remote(theirs.process.host));
                    }
                    Liveness::Remote | Liveness::Gone => {}
                }
            }
            if left.is_intact() && computes_same_bits(left, &theirs, run, &ours) {
                let resume_point = resume(connection, left, invocation_id)?;
                return Ok(ClaimOutcome::Claimed(left.id.clone(), resume_point));
            }
            let error = "its process ended; another program, engine or processor started a new run";
            mark_killed(connection, &left.id, left.error.as_deref().unwrap_or(error))?;
        }
        let run = run.clone().with(|run| run.status = Status::Running);
        insert_run(connection, id, invocation_id, &run)?;
        update_checksum(connection, id)?;
        Ok(ClaimOutcome::Claimed(id.clone(), None))
    }

    /// Starts a new run of a trial, unless a live process runs the trial: then returns that
    /// process. The run of a dead process is marked as killed. A process of another machine or
    /// container counts as dead only with `take_over`, because this process cannot know.
    pub(super) fn start_run(
        &self,
        invocation: InvocationId,
        id: &RunId,
        run: &Run,
        take_over: bool,
    ) -> Result<Option<(Process, Liveness)>, StoreError> {
        self.try_start_run(invocation, id, run, take_over).map_err(self.store_error())
    }

    fn try_start_run(
        &self,
        invocation_id: InvocationId,
        id: &RunId,
        run: &Run,
        take_over: bool,
    ) -> rusqlite::Result<Option<(Process, Liveness)>> {
        let connection = &self.connection;
        let sql = "SELECT id, invocation FROM runs WHERE experiment = ?1 AND trial_id = ?2 AND status = 'running'";
        let running: Option<(String, i64)> = connection
            .prepare_cached(sql)?
            .query_row([&run.experiment, run.trial.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((left, theirs)) = running {
            let process = invocation(connection, theirs)?.process;
            match process.liveness() {
                Liveness::Remote if take_over => {}
                Liveness::Gone => {}
                liveness => return Ok(Some((process, liveness))),
            }
            let error = "its process ended; another run of the trial started";
            mark_killed(connection, &RunId::from_store(left), error)?;
        }
        insert_run(connection, id, invocation_id, run)?;
        update_checksum(connection, id)?;
        Ok(None)
    }

    /// Deletes the epochs, results and checkpoint of a claimed run, so that it starts from the
    /// beginning. Its last resumption says so.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn restart_run(&self, id: &RunId) -> Result<(), StoreError> {
        let restart = || {
            let last = "SELECT max(rowid) FROM resumptions WHERE run_id = ?1";
            let sql = format!("UPDATE resumptions SET epoch = 0 WHERE rowid = ({last})");
            self.connection.execute(&sql, [id.as_str()])?;
            restart(&self.connection, id)
        };
        restart().map_err(self.store_error())
    }
}

/// Whether one of `runs` has a result and is intact, as are its epochs.
fn has_intact_result(connection: &Connection, runs: &[RecordedRun]) -> rusqlite::Result<bool> {
    for run in runs.iter().filter(|run| run.has_result() && run.is_intact()) {
        if epochs_of_run(connection, run)?.is_intact() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether our invocation would continue a run of another invocation to the same bits.
fn computes_same_bits(
    left: &RecordedRun,
    theirs: &Invocation,
    run: &Run,
    ours: &Invocation,
) -> bool {
    let program = |invocation: &Invocation| {
        let Invocation { program_version, git_commit, git_dirty, candle_version, .. } =
            invocation.clone();
        (program_version, git_commit, git_dirty, candle_version)
    };
    // The bits of a program depend on its code, which is part of the trial id.
    let is_program = left.program_sha256.is_some() && left.program_sha256 == run.program_sha256;
    is_program
        || (&left.engine, &left.device) == (&run.engine, &run.device)
            && theirs.instruction_set == ours.instruction_set
            && program(theirs) == program(ours)
}

/// Makes our invocation the owner of an unfinished run. Returns its resume point. Without a
/// checkpoint that fits the recorded epochs, the run starts from the beginning.
fn resume(
    connection: &Connection,
    left: &RecordedRun,
    invocation: InvocationId,
) -> rusqlite::Result<Option<ResumePoint>> {
    connection.execute(
        "UPDATE runs SET status = 'running', ended_at = NULL, error = NULL, shared_from = NULL, invocation = ?2
         WHERE id = ?1",
        params![left.id.as_str(), invocation.0],
    )?;
    let epochs = epochs_of_run(connection, left)?;
    let checkpoint = checkpoint(connection, &left.id)?
        .filter(|checkpoint| epochs.is_intact() && checkpoint.epoch == left.last_epoch);
    connection.execute(
        "INSERT INTO resumptions (run_id, epoch, invocation, at) VALUES (?1, ?2, ?3, ?4)",
        params![
            left.id.as_str(),
            checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.epoch),
            left.invocation,
            timestamp(SystemTime::now())
        ],
    )?;
    if let Some(checkpoint) = checkpoint {
        update_checksum(connection, &left.id)?;
        return Ok(Some(ResumePoint { checkpoint, epochs: epochs.value }));
    }
    restart(connection, &left.id)?;
    Ok(None)
}

fn restart(connection: &Connection, id: &RunId) -> rusqlite::Result<()> {
    for table in ["metrics", "results", "examples", "mistakes", "checkpoints"] {
        connection.execute(&format!("DELETE FROM {table} WHERE run_id = ?1"), [id.as_str()])?;
    }
    let sql = "UPDATE runs SET started_at = ?2, examples_checksum = NULL WHERE id = ?1";
    connection.execute(sql, params![id.as_str(), timestamp(SystemTime::now())])?;
    update_checksum(connection, id)
}

/// Marks an unfinished run as killed, and deletes its checkpoint, so that it cannot resume.
fn mark_killed(connection: &Connection, id: &RunId, error: &str) -> rusqlite::Result<()> {
    set_status(connection, id, Status::Killed, Some(error))?;
    connection
        .prepare_cached("DELETE FROM checkpoints WHERE run_id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}
