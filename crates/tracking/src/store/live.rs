//! A run from the moment somebody takes its trial until it ends.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{InvocationId, database, error_analysis, query, timestamp};
use crate::run::{micros, micros_of};
use crate::{
    Checkpoint, EpochMetrics, Experiment, Invocation, Liveness, Order, Process, RecordedRun, Run,
    RunId, Status, StoreError, checksum,
};

/// What is recorded together: committed whole, or not at all.
pub struct WriteTransaction<'a> {
    pub(super) connection: Transaction<'a>,
    path: PathBuf,
}

/// When a trial may be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaimOptions {
    /// Though it has its result.
    pub rerun: bool,
    /// Though a process of another machine, of which nothing can be known, is said to run it.
    pub take_over: bool,
}

/// What comes of asking for a trial.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// It is the asker's now, as this run; to be gone on with from there, if another start of the program left it.
    Claimed(RunId, Option<ResumePoint>),
    /// It has its result.
    Done,
    /// Another process runs it.
    Busy,
    /// A process of this other machine is said to run it.
    Remote(String),
}

/// What another start of the program left of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumePoint {
    /// The model after the last recorded epoch.
    pub checkpoint: Checkpoint,
    /// The recorded epochs.
    pub epochs: Vec<EpochMetrics>,
}

impl<'a> WriteTransaction<'a> {
    /// Immediate: who waits for another that writes does so here, and never gives up half-way.
    pub(super) fn begin(connection: &'a mut Connection, path: PathBuf) -> Result<Self, StoreError> {
        let connection = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(database(&path))?;
        Ok(Self { connection, path })
    }

    /// Makes it last.
    ///
    /// # Errors
    /// When the database refuses: then nothing of it is recorded. [`StoreError::Deleted`] where somebody deleted it, which the
    /// system does not mind.
    pub fn commit(self) -> Result<(), StoreError> {
        if let Some(Ok(false)) = self.connection.path().map(|file| Path::new(file).try_exists()) {
            return Err(StoreError::Deleted { path: self.path });
        }
        self.connection.commit().map_err(database(&self.path))
    }

    pub(super) fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        database(&self.path)
    }

    /// A start of a program; its experiment's name was looked at.
    pub(super) fn begin_invocation(
        &self,
        experiment: &Experiment,
        invocation: &Invocation,
    ) -> Result<InvocationId, StoreError> {
        let begin = || {
            put_experiment(&self.connection, experiment)?;
            insert_invocation(
                &self.connection,
                &experiment.name,
                invocation,
                &timestamp(SystemTime::now()),
            )
        };
        begin().map_err(self.failed())
    }

    /// A run that ended before anything of it was recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn record_run(&self, invocation: InvocationId, run: &Run) -> Result<RunId, StoreError> {
        let id = run.id.clone().map_or_else(|| self.new_id(), Ok)?;
        let record = || {
            insert_run(&self.connection, &id, invocation, run)?;
            insert_epochs(&self.connection, &id, &run.epochs)?;
            insert_results(&self.connection, &id, &run.results)?;
            error_analysis::insert(&self.connection, &id, run.error_analysis.as_ref())?;
            seal(&self.connection, &id)
        };
        record().map_err(self.failed())?;
        Ok(id)
    }

    fn new_id(&self) -> Result<RunId, StoreError> {
        RunId::random().map_err(|error| StoreError::Folder {
            folder: self.path.clone(),
            cause: std::io::Error::other(error.to_string()),
        })
    }

    /// Takes the trial of `run` for `invocation`, if it is free: nobody else is given it until it ends or the process is gone.
    /// A run that was left before its end is gone on with, if the same program, engine and machine's instructions would have
    /// gone on with it to the same bits; any other is marked as killed, and a new one begins.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn claim(
        &self,
        invocation: InvocationId,
        run: &Run,
        terms: ClaimOptions,
    ) -> Result<ClaimOutcome, StoreError> {
        let id = run.id.clone().map_or_else(|| self.new_id(), Ok)?;
        self.try_claim(&id, invocation, run, terms).map_err(self.failed())
    }

    fn try_claim(
        &self,
        id: &RunId,
        invocation: InvocationId,
        run: &Run,
        terms: ClaimOptions,
    ) -> rusqlite::Result<ClaimOutcome> {
        let connection = &self.connection;
        let sql = "trial_id = ?1";
        let mut known = query::runs_of(connection, sql, run.trial.as_str())?;
        known.retain(|other| other.experiment == run.experiment);
        for other in
            known.iter().filter(|other| !terms.rerun && other.has_result() && other.is_intact())
        {
            let mut damage = Vec::new();
            query::epochs_of_run(connection, other, &mut damage)?;
            if damage.is_empty() {
                return Ok(ClaimOutcome::Done);
            }
        }
        let ours = query::invocation(connection, invocation.0)?;
        for left in known.iter().rev().filter(|other| !other.has_ended()) {
            let theirs = query::invocation(connection, left.invocation)?;
            if left.status == Status::Running {
                match theirs.process.liveness() {
                    Liveness::Alive => return Ok(ClaimOutcome::Busy),
                    Liveness::Remote if !terms.take_over => {
                        return Ok(ClaimOutcome::Remote(theirs.process.host));
                    }
                    Liveness::Remote | Liveness::Gone => {}
                }
            }
            if left.is_intact() && same_bits(left, &theirs, run, &ours) {
                let resumption = go_on(connection, left, invocation)?;
                return Ok(ClaimOutcome::Claimed(left.id.clone(), resumption));
            }
            let error = "its process was gone; another program, engine or processor began anew";
            give_up(connection, &left.id, left.error.as_deref().unwrap_or(error))?;
        }
        insert_run(
            connection,
            id,
            invocation,
            &run.clone().with(|run| run.status = Status::Running),
        )?;
        seal(connection, id)?;
        Ok(ClaimOutcome::Claimed(id.clone(), None))
    }

    /// Begins a run of a trial, a new one whatever became of those before it, unless a process that is there runs the trial: then
    /// that is who. One whose process is gone stays as it was left, killed. Of a process of another machine or container nobody
    /// here can know; `take_over` says that it is gone.
    pub(super) fn start_run(
        &self,
        invocation: InvocationId,
        id: &RunId,
        run: &Run,
        take_over: bool,
    ) -> Result<Option<(Process, Liveness)>, StoreError> {
        self.try_start(invocation, id, run, take_over).map_err(self.failed())
    }

    fn try_start(
        &self,
        invocation: InvocationId,
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
            let process = query::invocation(connection, theirs)?.process;
            match process.liveness() {
                Liveness::Remote if take_over => {}
                Liveness::Gone => {}
                liveness => return Ok(Some((process, liveness))),
            }
            give_up(
                connection,
                &RunId::from_store(left),
                "its process was gone; another run of the trial began",
            )?;
        }
        insert_run(connection, id, invocation, run)?;
        seal(connection, id)?;
        Ok(None)
    }

    /// The experiment of this name as it is described, or without a description where there is none yet.
    pub(super) fn experiment(&self, name: &str) -> Result<Experiment, StoreError> {
        let sql = "SELECT description FROM experiments WHERE name = ?1";
        let description: Option<String> = self
            .connection
            .query_row(sql, [name], |row| row.get(0))
            .optional()
            .map_err(self.failed())?;
        Ok(Experiment { name: name.to_owned(), description: description.unwrap_or_default() })
    }

    /// An epoch of a running run; [`WriteTransaction::seal`] follows when there are no more for now.
    pub(super) fn record_epoch(&self, id: &RunId, epoch: &EpochMetrics) -> Result<(), StoreError> {
        insert_epochs(&self.connection, id, std::slice::from_ref(epoch)).map_err(self.failed())
    }

    /// Makes a run one with the epochs that it got.
    pub(super) fn seal(&self, id: &RunId) -> Result<(), StoreError> {
        seal(&self.connection, id).map_err(self.failed())
    }

    /// Forgets what was recorded of a run that was taken: it begins anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn restart_run(&self, id: &RunId) -> Result<(), StoreError> {
        restart(&self.connection, id).map_err(self.failed())
    }

    /// Epochs of a running run, and what it goes on from after the last of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn record_epochs(
        &self,
        id: &RunId,
        epochs: &[EpochMetrics],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let record = || {
            insert_epochs(&self.connection, id, epochs)?;
            put_checkpoint(&self.connection, id, checkpoint)?;
            seal(&self.connection, id)
        };
        record().map_err(self.failed())
    }

    /// The end of a running run: its status and error, those of its epochs that are not recorded yet, its results and
    /// what people look at. What it could have been gone on from goes, unless it was killed.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn end_run(&self, id: &RunId, run: &Run) -> Result<(), StoreError> {
        let connection = &self.connection;
        let record = || {
            let recorded: Option<u32> = connection
                .prepare_cached("SELECT last_epoch FROM runs WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))?;
            let new: Vec<EpochMetrics> = run
                .epochs
                .iter()
                .filter(|epoch| epoch.epoch > recorded.unwrap_or_default())
                .cloned()
                .collect();
            insert_epochs(connection, id, &new)?;
            insert_results(connection, id, &run.results)?;
            error_analysis::insert(connection, id, run.error_analysis.as_ref())?;
            connection
                .prepare_cached("UPDATE runs SET shared_from = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), run.shared_from.as_ref().map(RunId::as_str)])?;
            set_status(connection, id, run.status, run.error.as_deref())?;
            if run.status != Status::Killed {
                connection
                    .prepare_cached(
                        "DELETE FROM checkpoints
                         WHERE run_id IN (SELECT id FROM runs WHERE experiment = ?1 AND trial_id = ?2)",
                    )?
                    .execute([&run.experiment, run.trial.as_str()])?;
            }
            seal(connection, id)
        };
        record().map_err(self.failed())
    }
}

/// What a run is gone on with from, in the place of what was there before.
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

/// Whether `ours` would go on with a run of `theirs` to the bits that it would have come to.
fn same_bits(left: &RecordedRun, theirs: &Invocation, run: &Run, ours: &Invocation) -> bool {
    let program = |it: &Invocation| {
        (it.program_version.clone(), it.git_commit.clone(), it.git_dirty, it.candle_version.clone())
    };
    (&left.engine, &left.device) == (&run.engine, &run.device)
        && theirs.instruction_set == ours.instruction_set
        && program(theirs) == program(ours)
}

/// Makes a run that was left the present process's.
fn go_on(
    connection: &Connection,
    left: &RecordedRun,
    invocation: InvocationId,
) -> rusqlite::Result<Option<ResumePoint>> {
    connection.execute(
        "UPDATE runs SET status = 'running', ended_at = NULL, error = NULL, shared_from = NULL, invocation = ?2
         WHERE id = ?1",
        params![left.id.as_str(), invocation.0],
    )?;
    let mut damage = Vec::new();
    let epochs = query::epochs_of_run(connection, left, &mut damage)?;
    let checkpoint = query::checkpoint(connection, &left.id)?
        .filter(|checkpoint| damage.is_empty() && checkpoint.epoch == left.last_epoch);
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
        seal(connection, &left.id)?;
        return Ok(Some(ResumePoint { checkpoint, epochs }));
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
    seal(connection, id)
}

fn set_status(
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

/// A run that was left is killed, and not gone on with any more.
fn give_up(connection: &Connection, id: &RunId, error: &str) -> rusqlite::Result<()> {
    set_status(connection, id, Status::Killed, Some(error))?;
    connection
        .prepare_cached("DELETE FROM checkpoints WHERE run_id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}

/// Counts a run's epochs, and gives it the checksum of what it is now.
pub(super) fn seal(connection: &Connection, id: &RunId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE runs SET (last_epoch, metric_count) =
               (SELECT coalesce(max(epoch), 0), count(*) FROM metrics WHERE run_id = ?1) WHERE id = ?1",
        )?
        .execute([id.as_str()])?;
    if let Some(run) = query::runs_of(connection, "id = ?1", id.as_str())?.pop() {
        connection
            .prepare_cached("UPDATE runs SET checksum = ?2 WHERE id = ?1")?
            .execute(params![id.as_str(), checksum::of_run(&run)])?;
    }
    Ok(())
}

/// The experiment as it is described now.
fn put_experiment(connection: &Connection, experiment: &Experiment) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO experiments (name, description, checksum) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET description = excluded.description, checksum = excluded.checksum",
        params![experiment.name, experiment.description, checksum::of_experiment(experiment)],
    )?;
    // Who begins was told if some were lost, and has them again.
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

/// Position of a new run among the runs of its trial: its start time, or a microsecond after the
/// last run in the store if that is later.
fn place(connection: &Connection, run: &Run) -> rusqlite::Result<Option<i64>> {
    if let Order::Assigned(place) = run.order {
        return Ok(place);
    }
    let sql = "SELECT ordered_at, started_at FROM runs WHERE experiment = ?1 AND trial_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([&run.experiment, run.trial.as_str()])?;
    let mut place = micros(run.started_at);
    while let Some(row) = rows.next()? {
        let before = match row.get::<_, Option<i64>>(0)? {
            Some(before) => before,
            None => micros_of(row.get_ref(1)?.as_str()?),
        };
        place = place.max(before.saturating_add(1));
    }
    Ok(Some(place))
}

/// The run's row and its hyperparameters.
fn insert_run(
    connection: &Connection,
    id: &RunId,
    invocation: InvocationId,
    run: &Run,
) -> rusqlite::Result<()> {
    let ended_at = (run.status != Status::Running).then(|| timestamp(run.ended_at));
    let ordered_at = place(connection, run)?;
    let size = |size: Option<u64>| size.and_then(|size| i64::try_from(size).ok());
    connection
        .prepare_cached(
            "INSERT INTO runs (id, experiment, trial_id, status, dataset, dataset_sha256, dataset_path, fallback_for,
               validation, engine, device, started_at, ended_at, error, invocation, shared_from, ordered_at,
               train_examples, validation_examples, test_examples)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
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
            run.validation,
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
        ])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO params (run_id, name, value, position) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, (name, value)) in (0i64..).zip(&run.params) {
        insert.execute(params![id.as_str(), name, value, position])?;
    }
    Ok(())
}

fn insert_epochs(
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

fn insert_results(
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
