//! Writes the declarations of experiments.

use super::Store;
use super::insert::add_experiment;
use super::queries::declarations::of_experiment;
use super::transaction::WriteTransaction;
use crate::recorded_name::check_name;
use crate::{Declarations, Direction, Experiment, ExperimentName, StoreError};

impl WriteTransaction<'_> {
    /// Replaces the declarations of an experiment. Creates the experiment if it does not exist.
    pub(super) fn declare(
        &self,
        experiment: &str,
        declarations: &Declarations,
    ) -> Result<(), StoreError> {
        let about = Experiment { name: experiment.to_owned(), description: String::new() };
        let declare = || {
            add_experiment(&self.connection, &about)?;
            self.connection
                .execute("DELETE FROM declarations WHERE experiment = ?1", [experiment])?;
            let sql =
                "INSERT OR IGNORE INTO declarations (experiment, role, name) VALUES (?1, ?2, ?3)";
            let mut insert = self.connection.prepare_cached(sql)?;
            declarations
                .rows()
                .into_iter()
                .try_for_each(|row| insert.execute([experiment, row.0, &*row.1]).map(drop))
        };
        declare().map_err(self.store_error())
    }
}

impl Store {
    /// Declares whether lower or higher values of the metric `name` are better, for all runs of
    /// `experiment`. Creates the experiment if it does not exist. A name without a split applies to
    /// all splits: `wer` covers `val_wer` and `test_wer`.
    ///
    /// ```
    /// # use tracking::{Direction, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let store = Store::open(folder.path())?;
    /// store.declare_metric("speech", "babble", Direction::Minimize)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a name is invalid, or the store cannot be written.
    pub fn declare_metric(
        &self,
        experiment: &str,
        name: &str,
        direction: Direction,
    ) -> Result<(), StoreError> {
        self.declare_with(experiment, |declarations| {
            declarations.directions.retain(|(known, _)| known != name);
            declarations.directions.push((name.to_owned(), direction));
        })
    }

    /// Replaces all declarations of `experiment`, also its race. Creates the experiment if it does not exist.
    ///
    /// # Errors
    /// When a name is invalid, or the store cannot be written.
    pub fn declare_metrics(
        &self,
        experiment: &str,
        declarations: &Declarations,
    ) -> Result<(), StoreError> {
        self.declare_with(experiment, |known| *known = declarations.clone())
    }

    fn declare_with(
        &self,
        experiment: &str,
        change: impl FnOnce(&mut Declarations),
    ) -> Result<(), StoreError> {
        ExperimentName::new(experiment)?;
        let mut source = self.lock();
        // One transaction reads and writes, so that concurrent programs do not overwrite each
        // other's changes.
        let transaction = WriteTransaction::begin(&mut source.connection, self.path())?;
        let before =
            of_experiment(&transaction.connection, experiment).map_err(self.store_error())?;
        let mut after = before.clone();
        change(&mut after);
        for (_, name) in after.names() {
            check_name("metric", name)?;
        }
        if after == before {
            return Ok(());
        }
        transaction.declare(experiment, &after)?;
        transaction.commit()
    }
}
