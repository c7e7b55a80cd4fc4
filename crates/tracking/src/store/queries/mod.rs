//! The queries that a [`Store`](super::Store) and a [`Reader`](super::Reader) share.

pub(super) mod declarations;
mod epochs;
mod find;
pub(super) mod invocations;
mod run_row;
pub(super) mod runs;
mod verify;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::integrity::{Checked, IntegrityIssue, IssueLog};
use super::open::{FileStamp, open_for_reading};
use super::sqlite_error::store_error;
use super::transaction::WriteTransaction;
use super::{error_analysis, export, progress};
use crate::{
    Checkpoint, Declarations, Digest, EpochMetrics, ErrorAnalysis, Experiment, FindError,
    Interruption, Invocation, Progress, RecordError, RecordedRun, RunId, Sink, StoreError, TrialId,
};
pub use epochs::LastValues;
pub(super) use epochs::{checkpoint, epochs_of_run};
pub use find::RunIdentity;
pub use runs::ProgramRuns;

/// Queries of a results folder. [`Store`](crate::Store) and [`Reader`](crate::Reader) dereference
/// to it, so both have its methods.
///
/// Each query reads one consistent state of the store. It leaves out what does not match its
/// checksum, and reports that by [`Queries::integrity_issues`].
#[derive(Debug)]
pub struct Queries {
    source: Mutex<Source>,
    path: PathBuf,
    issues: IssueLog,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) connection: Connection,
    /// The file at its opening, if it was opened as a file that no program changes.
    stamp: Option<FileStamp>,
}

impl Source {
    fn has_changed_since_open(&self, path: &Path) -> bool {
        self.stamp.is_some_and(|stamp| FileStamp::of(path) != Some(stamp))
    }

    /// Opens the database again, now as one that other programs write to.
    fn reopen(&mut self, path: &Path) -> Result<(), StoreError> {
        let (connection, _) = open_for_reading(path, OpenFlags::SQLITE_OPEN_READ_ONLY, path)?;
        *self = Self { connection, stamp: None };
        Ok(())
    }
}

impl Queries {
    pub(super) fn new(connection: Connection, path: PathBuf, stamp: Option<FileStamp>) -> Self {
        let source = Mutex::new(Source { connection, stamp });
        Self { source, path, issues: IssueLog::default() }
    }

    /// Path of the database.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin_transaction(&mut self) -> Result<WriteTransaction<'_>, StoreError> {
        let source = self.source.get_mut().unwrap_or_else(PoisonError::into_inner);
        WriteTransaction::begin(&mut source.connection, &self.path)
    }

    pub(super) fn store_error(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        store_error(&self.path)
    }

    /// Runs `query` on one state of the database. If another program began to write since the
    /// database was opened, its pages may not fit together; then the query runs again.
    pub(super) fn read<T>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut source = self.lock();
        let result = in_one_transaction(&source.connection, &query);
        if source.has_changed_since_open(&self.path) {
            source.reopen(&self.path)?;
            return in_one_transaction(&source.connection, &query).map_err(self.store_error());
        }
        result.map_err(self.store_error())
    }

    /// [`Queries::read`] for a query that checks what it reads. Adds its issues to the log.
    pub(super) fn read_checked<T>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<Checked<T>>,
    ) -> Result<T, StoreError> {
        let Checked { value, issues } = self.read(query)?;
        self.issues.add(issues);
        Ok(value)
    }

    /// What did not match its checksum in all queries so far.
    #[must_use]
    pub fn integrity_issues(&self) -> Vec<IntegrityIssue> {
        self.issues.all()
    }

    /// All experiments, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn experiments(&self) -> Result<Vec<Experiment>, StoreError> {
        self.read_checked(invocations::experiments)
    }

    /// The effective run of each trial of `experiment`, by trial: the newest run with a result, or
    /// else the newest run. A run that does not match its checksum is left out and reported by
    /// [`Queries::integrity_issues`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.read_checked(|connection| runs::effective_runs(connection, experiment))
    }

    /// [`Queries::runs`] by program, the program of the newest run first. Runs without a program
    /// form a group of their own.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs_by_program(&self, experiment: &str) -> Result<Vec<ProgramRuns>, StoreError> {
        self.read_checked(|connection| runs::effective_runs_by_program(connection, experiment))
    }

    /// [`Queries::runs`] as if the store contained only the runs of programs built from the git
    /// commit `commit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs_at(&self, experiment: &str, commit: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.read_checked(|connection| runs::effective_runs_at(connection, experiment, commit))
    }

    /// All runs of `experiment` in the order of their start, whether they match their checksums or
    /// not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn all_runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.read(|connection| runs::all_runs(connection, experiment))
    }

    /// [`Queries::all_runs`], and the ids of the runs that [`Queries::runs`] returns, in one read.
    /// Runs that do not match their checksums are reported by [`Queries::integrity_issues`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn all_and_effective_runs(
        &self,
        experiment: &str,
    ) -> Result<(Vec<RecordedRun>, HashSet<RunId>), StoreError> {
        self.read_checked(|connection| runs::all_and_effective_runs(connection, experiment))
    }

    /// The ids of all runs of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_identities(&self) -> Result<Vec<RunIdentity>, StoreError> {
        self.read(find::run_identities)
    }

    /// Trials of `experiment` that have a result, in a run that matches its checksum.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn completed_trials(&self, experiment: &str) -> Result<HashSet<TrialId>, StoreError> {
        self.read(|connection| runs::completed_trials(connection, experiment))
    }

    /// The run whose id starts with `prefix`, or the effective run of the trial whose id does.
    ///
    /// # Errors
    /// When no id or several ids start with `prefix`, or the store cannot be read.
    pub fn find(&self, prefix: &str) -> Result<RecordedRun, FindError> {
        let run = self.read(|connection| find::find(connection, prefix))??;
        if !run.is_intact() {
            self.issues.add(vec![IntegrityIssue::run_changed(&run)]);
        }
        Ok(run)
    }

    /// Git commits that runs of `experiment` were made at, each with its number of runs, in the
    /// order of their first runs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn commits(&self, experiment: &str) -> Result<Vec<(String, u32)>, StoreError> {
        self.read(|connection| runs::commits(connection, experiment))
    }

    /// The epochs of `run`, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn epochs(&self, run: &RecordedRun) -> Result<Vec<EpochMetrics>, StoreError> {
        self.read_checked(|connection| epochs_of_run(connection, run))
    }

    /// The epochs of `run`, and whether they match their checksums. Unlike [`Queries::epochs`],
    /// this does not change [`Queries::integrity_issues`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn checked_epochs(
        &self,
        run: &RecordedRun,
    ) -> Result<(Vec<EpochMetrics>, bool), StoreError> {
        let epochs = self.read(|connection| epochs_of_run(connection, run))?;
        let is_intact = epochs.is_intact();
        Ok((epochs.value, is_intact))
    }

    /// The last value of each per-epoch metric, for each of `runs`. The last epoch may lack a
    /// metric; an earlier epoch then supplies its value.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last_values(&self, runs: &[RecordedRun]) -> Result<LastValues, StoreError> {
        self.read_checked(|connection| epochs::last_values(connection, runs))
    }

    /// Confusion matrix and mistakes of the final weights on the test set. `None` if none were
    /// recorded, or if they do not match their checksum; the other numbers of the run are still
    /// valid then.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn error_analysis(&self, run: &RecordedRun) -> Result<Option<ErrorAnalysis>, StoreError> {
        Ok(self.checked_error_analysis(run)?.0)
    }

    /// [`Queries::error_analysis`], and whether it matches its checksum.
    pub(super) fn checked_error_analysis(
        &self,
        run: &RecordedRun,
    ) -> Result<(Option<ErrorAnalysis>, bool), StoreError> {
        let analysis = self.read(|connection| error_analysis::of_run(connection, run))?;
        let is_intact = analysis.is_intact();
        self.issues.add(analysis.issues);
        Ok((analysis.value, is_intact))
    }

    /// The declarations of `experiment`; empty in a store of an earlier schema.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn declarations(&self, experiment: &str) -> Result<Declarations, StoreError> {
        self.read(|connection| declarations::of_experiment(connection, experiment))
    }

    /// The invocation that made `run`, or the last one that resumed it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn invocation(&self, run: &RecordedRun) -> Result<Invocation, StoreError> {
        self.read(|connection| invocations::invocation(connection, run.invocation))
    }

    /// All invocations for `experiment`, in the order of their recording.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn invocations(&self, experiment: &str) -> Result<Vec<Invocation>, StoreError> {
        self.read(|connection| invocations::invocations(connection, experiment))
    }

    /// The [invocations](Queries::invocation) of `runs`: each once, in the order of their
    /// recording.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn invocations_of<'a>(
        &self,
        runs: impl IntoIterator<Item = &'a RecordedRun>,
    ) -> Result<Vec<Invocation>, StoreError> {
        let ids: BTreeSet<i64> = runs.into_iter().map(|run| run.invocation).collect();
        self.read(|connection| {
            ids.iter().map(|id| invocations::invocation(connection, *id)).collect()
        })
    }

    /// The invocation number `id` of this store, and its start time.
    pub(super) fn invocation_and_start(&self, id: i64) -> Result<(Invocation, String), StoreError> {
        self.read(|connection| {
            let sql = "SELECT started_at FROM invocations WHERE id = ?1";
            let started_at = connection.query_row(sql, [id], |row| row.get(0))?;
            Ok((invocations::invocation(connection, id)?, started_at))
        })
    }

    /// The interruptions of `run`, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn interruptions(&self, run: &RecordedRun) -> Result<Vec<Interruption>, StoreError> {
        self.read(|connection| invocations::interruptions(connection, &run.id))
    }

    /// The checkpoint of `run`, if it has an intact one.
    pub(super) fn checkpoint(&self, run: &RecordedRun) -> Result<Option<Checkpoint>, StoreError> {
        self.read(|connection| checkpoint(connection, &run.id))
    }

    /// The progress of `experiment`. `None` if no program has started work on it, or if the store
    /// has an earlier schema.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn progress(&self, experiment: &str) -> Result<Option<Progress>, StoreError> {
        self.read(|connection| progress::of_experiment(connection, experiment))
    }

    /// Passes all rows of the store to `sink`, or only those of `runs` and the rows that these
    /// refer to. Returns their digest. The rows are passed as they are in the store, whether they
    /// match their checksums or not; [`Queries::verify`] checks them.
    ///
    /// # Errors
    /// When the store cannot be read, the sink fails, or another program begins to write meanwhile.
    pub fn export(
        &self,
        runs: Option<&HashSet<RunId>>,
        sink: &mut dyn Sink,
    ) -> Result<Digest, RecordError> {
        let mut source = self.lock();
        let digest = export::export_rows(&source.connection, &self.store_error(), runs, sink);
        // The pages of a file that changed while it was read may not fit together.
        if source.has_changed_since_open(&self.path) {
            source.reopen(&self.path)?;
            return Err(StoreError::ChangedDuringRead { path: self.path.clone() }.into());
        }
        digest
    }

    /// Checks all runs, or only `runs`, against their checksums. [`Queries::integrity_issues`]
    /// returns the differences.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn verify(&self, runs: Option<&HashSet<RunId>>) -> Result<(), StoreError> {
        self.read_checked(|connection| verify::verify(connection, runs))
    }
}

/// Runs `query` in a transaction: the one that is open already, or a new one.
fn in_one_transaction<T>(
    connection: &Connection,
    query: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let _transaction =
        connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
    query(connection)
}
