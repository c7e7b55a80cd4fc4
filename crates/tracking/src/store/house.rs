//! Keeping house: what goes from a store, and the room that it took.

use rusqlite::params;

use super::{Store, query};
use crate::{RecordedRun, RunId, Status, StoreError};

impl Store {
    /// Runs that could be gone on with but are not running, and the bytes that their checkpoints take.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn abandoned_checkpoints(&self) -> Result<Vec<(RecordedRun, u64)>, StoreError> {
        let connection = self.connection();
        let read = || {
            let mut statement = connection
                .prepare("SELECT run_id, length(model) FROM checkpoints ORDER BY run_id")?;
            let sizes: Vec<(String, i64)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut left = Vec::new();
            for (id, size) in sizes {
                let runs = query::runs_of(&connection, "id = ?1", &id)?;
                left.extend(runs.into_iter().map(|run| (run, size.unsigned_abs())));
            }
            left.retain(|(run, _)| run.status != Status::Running);
            Ok(left)
        };
        read().map_err(self.failed())
    }

    /// Deletes checkpoints: their runs begin anew when they are run again.
    ///
    /// # Errors
    /// When the database refuses: then none is deleted.
    pub fn delete_checkpoints(&mut self, runs: &[RunId]) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        for run in runs {
            let sql = "DELETE FROM checkpoints WHERE run_id = ?1";
            transaction.connection.execute(sql, [run.as_str()]).map_err(transaction.failed())?;
        }
        transaction.commit()
    }

    /// Deletes runs with all that was measured, and what of their experiments is nobody's then.
    ///
    /// # Errors
    /// When the database refuses: then none is deleted.
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
        delete().map_err(transaction.failed())?;
        transaction.commit()
    }

    /// Gives the room of what was deleted back to the disk.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn compact(&self) -> Result<(), StoreError> {
        let connection = self.connection();
        let compact = || {
            connection.execute("VACUUM", params![])?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        compact().map_err(self.failed())
    }
}
