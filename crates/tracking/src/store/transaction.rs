//! Write transactions.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::error_analysis;
use super::format::{InvocationId, timestamp};
use super::insert::{
    insert_epochs, insert_invocation, insert_results, insert_run, put_checkpoint, put_experiment,
    set_status, update_checksum,
};
use super::sqlite_error::store_error;
use crate::{Checkpoint, EpochMetrics, Experiment, Invocation, Run, RunId, Status, StoreError};

/// Changes that are committed together or not at all. Dropping the transaction without
/// [`WriteTransaction::commit`] discards them.
pub struct WriteTransaction<'a> {
    pub(super) connection: Transaction<'a>,
    path: PathBuf,
}

impl<'a> WriteTransaction<'a> {
    /// Begins an immediate transaction: it waits for other writers here, and never later.
    pub(super) fn begin(connection: &'a mut Connection, path: &Path) -> Result<Self, StoreError> {
        let connection = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(store_error(path))?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Commits the changes.
    ///
    /// # Errors
    /// When the store cannot be written. No change is recorded then. [`StoreError::Deleted`] if
    /// another program deleted the database: the system would still accept writes to it.
    pub fn commit(self) -> Result<(), StoreError> {
        if let Some(Ok(false)) = self.connection.path().map(|file| Path::new(file).try_exists()) {
            return Err(StoreError::Deleted { path: self.path });
        }
        self.connection.commit().map_err(store_error(&self.path))
    }

    pub(super) fn store_error(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        store_error(&self.path)
    }

    /// Records an invocation and its experiment. The caller has validated the experiment's name.
    pub(super) fn begin_invocation(
        &self,
        experiment: &Experiment,
        invocation: &Invocation,
    ) -> Result<InvocationId, StoreError> {
        let begin = || {
            put_experiment(&self.connection, experiment)?;
            let now = timestamp(SystemTime::now());
            insert_invocation(&self.connection, &experiment.name, invocation, &now)
        };
        begin().map_err(self.store_error())
    }

    /// The experiment `name` with its recorded description, or with an empty one.
    pub(super) fn experiment(&self, name: &str) -> Result<Experiment, StoreError> {
        let sql = "SELECT description FROM experiments WHERE name = ?1";
        let description: Option<String> = self
            .connection
            .query_row(sql, [name], |row| row.get(0))
            .optional()
            .map_err(self.store_error())?;
        Ok(Experiment { name: name.to_owned(), description: description.unwrap_or_default() })
    }

    /// Records a complete run.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn record_run(&self, invocation: InvocationId, run: &Run) -> Result<RunId, StoreError> {
        let id = run.id.clone().map_or_else(|| self.new_run_id(), Ok)?;
        let record = || {
            insert_run(&self.connection, &id, invocation, run)?;
            insert_epochs(&self.connection, &id, &run.epochs)?;
            insert_results(&self.connection, &id, &run.results)?;
            error_analysis::insert(&self.connection, &id, run.error_analysis.as_ref())?;
            update_checksum(&self.connection, &id)
        };
        record().map_err(self.store_error())?;
        Ok(id)
    }

    pub(super) fn new_run_id(&self) -> Result<RunId, StoreError> {
        RunId::random().map_err(|error| StoreError::Folder {
            folder: self.path.clone(),
            cause: std::io::Error::other(error.to_string()),
        })
    }

    /// Records an epoch of a running run. The caller calls [`WriteTransaction::update_checksum`]
    /// after the last epoch of the transaction.
    pub(super) fn record_epoch(&self, id: &RunId, epoch: &EpochMetrics) -> Result<(), StoreError> {
        insert_epochs(&self.connection, id, std::slice::from_ref(epoch)).map_err(self.store_error())
    }

    /// Updates the checksum of a run after its rows changed.
    pub(super) fn update_checksum(&self, id: &RunId) -> Result<(), StoreError> {
        update_checksum(&self.connection, id).map_err(self.store_error())
    }

    /// Records epochs of a running run, and the checkpoint after the last of them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn record_epochs(
        &self,
        id: &RunId,
        epochs: &[EpochMetrics],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let record = || {
            insert_epochs(&self.connection, id, epochs)?;
            put_checkpoint(&self.connection, id, checkpoint)?;
            update_checksum(&self.connection, id)
        };
        record().map_err(self.store_error())
    }

    /// Records the end of a running run: its status and error, the epochs that are not recorded
    /// yet, its results and its error analysis. Deletes the checkpoints of the trial, unless the
    /// run was killed and can resume.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn end_run(&self, id: &RunId, run: &Run) -> Result<(), StoreError> {
        self.try_end_run(id, run).map_err(self.store_error())
    }

    fn try_end_run(&self, id: &RunId, run: &Run) -> rusqlite::Result<()> {
        let connection = &self.connection;
        let last_epoch: Option<u32> = connection
            .prepare_cached("SELECT last_epoch FROM runs WHERE id = ?1")?
            .query_row([id.as_str()], |row| row.get(0))?;
        let recorded = last_epoch.unwrap_or_default();
        let new: Vec<EpochMetrics> =
            run.epochs.iter().filter(|epoch| epoch.epoch > recorded).cloned().collect();
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
        update_checksum(connection, id)
    }
}
