//! Deleting runs and checkpoints, and releasing their disk space.

use super::Store;
use super::queries::runs;
use crate::{RecordedRun, RunId, Status, StoreError};

impl Store {
    /// Runs that have a checkpoint but are not running, each with the size of its checkpoint in
    /// bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn abandoned_checkpoints(&self) -> Result<Vec<(RecordedRun, u64)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare("SELECT run_id, length(model) FROM checkpoints ORDER BY run_id")?;
            let sizes: Vec<(String, i64)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut abandoned = Vec::new();
            for (id, size) in sizes {
                let runs = runs::runs_where(connection, "id = ?1", &id)?;
                abandoned.extend(runs.into_iter().map(|run| (run, size.unsigned_abs())));
            }
            abandoned.retain(|(run, _)| run.status != Status::Running);
            Ok(abandoned)
        })
    }

    /// Deletes the checkpoints of `runs`. These runs start from the beginning when they run again.
    ///
    /// # Errors
    /// When the store cannot be written. No checkpoint is deleted then.
    pub fn delete_checkpoints(&mut self, runs: &[RunId]) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        for run in runs {
            let sql = "DELETE FROM checkpoints WHERE run_id = ?1";
            transaction
                .connection
                .execute(sql, [run.as_str()])
                .map_err(transaction.store_error())?;
        }
        transaction.commit()
    }

    /// Deletes `runs` with all their measurements. Also deletes the experiments and invocations
    /// that have no run then.
    ///
    /// # Errors
    /// When the store cannot be written. No run is deleted then.
    pub fn delete_runs(&mut self, runs: &[RunId]) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        let connection = &transaction.connection;
        let delete = || {
            for run in runs {
                connection.execute("DELETE FROM runs WHERE id = ?1", [run.as_str()])?;
            }
            connection.execute_batch(
                "DELETE FROM invocations WHERE id NOT IN (SELECT invocation FROM runs)
                   AND id NOT IN (SELECT invocation FROM resumptions)
                   AND experiment NOT IN (SELECT experiment FROM runs);
                 DELETE FROM declarations WHERE experiment NOT IN (SELECT experiment FROM invocations);
                 DELETE FROM experiments WHERE name NOT IN (SELECT experiment FROM invocations);",
            )
        };
        delete().map_err(transaction.store_error())?;
        transaction.commit()
    }

    /// Returns the disk space of deleted rows to the file system.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn compact(&self) -> Result<(), StoreError> {
        let connection = &self.lock().connection;
        let compact = || {
            connection.execute("VACUUM", [])?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        compact().map_err(self.store_error())
    }
}
