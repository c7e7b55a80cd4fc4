//! Merging the runs of another store: equal runs are skipped, unfinished runs are updated, and
//! conflicts are reported. Nothing is overwritten.

mod classify;

use std::collections::HashMap;
use std::io;
use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::format::InvocationId;
use super::insert::{add_experiment, insert_invocation, put_checkpoint};
use super::queries::declarations;
use super::queries::invocations::invocation;
use super::queries::runs::all_runs;
use super::reader::Reader;
use super::transaction::WriteTransaction;
use super::{Store, error_analysis};
use crate::{
    EpochMetrics, ErrorAnalysis, Experiment, ExperimentName, Interruption, Invocation, Liveness,
    Order, RecordedRun, Run, Status, StoreError,
};
use classify::{Candidate, Class, classify};

/// What [`Store::merge`] did with the runs of another store.
#[derive(Debug, Default)]
pub struct MergeReport {
    /// Runs that were added.
    pub added: Vec<RecordedRun>,
    /// Runs that existed in an earlier state and were updated.
    pub updated: Vec<RecordedRun>,
    /// Number of runs that existed, or whose trial has the same numbers in this store.
    pub identical: usize,
    /// Number of runs that were skipped: they are running, or they have no result and their trial
    /// has one in this store.
    pub skipped: usize,
    /// Descriptions of runs that differ from this store. They were skipped.
    pub conflicts: Vec<String>,
}

impl Store {
    /// Adds the runs of `source` that `wanted` selects, in one transaction per experiment.
    ///
    /// Without `exact`, a run is skipped if its trial has the same numbers in this store. With
    /// `exact`, every selected run is added, even if it does not match its checksum.
    ///
    /// `copy_files` is called for each added run before the transaction is committed, to copy the
    /// files that belong to the run.
    ///
    /// # Errors
    /// When a store cannot be read or written, or `copy_files` fails. No run of that experiment is
    /// added then.
    pub fn merge(
        &mut self,
        source: &Reader,
        wanted: &dyn Fn(&RecordedRun) -> bool,
        exact: bool,
        copy_files: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
    ) -> Result<MergeReport, StoreError> {
        let mut report = MergeReport::default();
        for experiment in source.experiments()? {
            ExperimentName::new(&experiment.name)?;
            let mut runs = source.all_runs(&experiment.name)?;
            runs.retain(|run| wanted(run));
            if runs.is_empty() {
                continue;
            }
            let transaction = self.transaction()?;
            let mut merge = Merge::begin(&transaction, source, &experiment, exact)?;
            for run in runs {
                merge.run(run, copy_files, &mut report)?;
            }
            transaction.commit()?;
        }
        Ok(report)
    }
}

/// The merge of one experiment.
struct Merge<'a> {
    transaction: &'a WriteTransaction<'a>,
    source: &'a Reader,
    experiment: &'a Experiment,
    exact: bool,
    /// Runs of this store, by trial.
    known: HashMap<String, Vec<RecordedRun>>,
    /// Invocations of this store, by their numbers in the source.
    invocations: HashMap<i64, InvocationId>,
}

impl<'a> Merge<'a> {
    fn begin(
        transaction: &'a WriteTransaction<'a>,
        source: &'a Reader,
        experiment: &'a Experiment,
        exact: bool,
    ) -> Result<Self, StoreError> {
        let connection = &transaction.connection;
        let mut known: HashMap<String, Vec<RecordedRun>> = HashMap::new();
        for run in all_runs(connection, &experiment.name).map_err(transaction.store_error())? {
            known.entry(run.trial.to_string()).or_default().push(run);
        }
        add_experiment(connection, experiment).map_err(transaction.store_error())?;
        let declared = declarations::of_experiment(connection, &experiment.name)
            .map_err(transaction.store_error())?;
        let merged = declared.clone().merged_with(source.declarations(&experiment.name)?);
        if merged != declared {
            transaction.declare(&experiment.name, &merged)?;
        }
        Ok(Self { transaction, source, experiment, exact, known, invocations: HashMap::new() })
    }

    fn run(
        &mut self,
        run: RecordedRun,
        copy_files: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
        report: &mut MergeReport,
    ) -> Result<(), StoreError> {
        let (epochs, is_intact) = self.source.checked_epochs(&run)?;
        let is_intact = is_intact && run.is_intact();
        if !is_intact && !self.exact {
            report.conflicts.push(format!(
                "run {} of trial {} was changed after it was recorded",
                run.id, run.trial
            ));
            return Ok(());
        }
        let connection = &self.transaction.connection;
        let known = self.known.get(run.trial.as_str()).map_or(&[][..], Vec::as_slice);
        let candidate = Candidate { run: &run, epochs: &epochs, is_intact };
        let class = classify(connection, known, candidate, self.exact)
            .map_err(self.transaction.store_error())?;
        match class {
            Class::Known => report.identical += 1,
            Class::Skipped => report.skipped += 1,
            Class::Conflict(description) => report.conflicts.push(description),
            Class::Update if self.has_live_owner(known, &run)? => report.skipped += 1,
            Class::New | Class::Update => {
                let deleted = connection
                    .execute("DELETE FROM runs WHERE id = ?1", [run.id.as_str()])
                    .map_err(self.transaction.store_error())?;
                self.add(&run, epochs, is_intact)?;
                copy_files(&run)
                    .map_err(|cause| StoreError::RunFiles { run: run.id.clone(), cause })?;
                if deleted > 0 { &mut report.updated } else { &mut report.added }.push(run);
            }
        }
        Ok(())
    }

    /// Records a run as it is in the source.
    fn add(
        &mut self,
        run: &RecordedRun,
        epochs: Vec<EpochMetrics>,
        is_intact: bool,
    ) -> Result<(), StoreError> {
        let (transaction, connection) = (self.transaction, &self.transaction.connection);
        let (analysis, analysis_is_intact) = self.source.checked_error_analysis(run)?;
        let invocation = self.invocation(run.invocation)?;
        transaction.record_run(invocation, &to_run(run, epochs, analysis))?;
        // A changed run gets an invalid checksum, because its new checksum would hide the change.
        if !is_intact {
            connection
                .execute("UPDATE runs SET checksum = -1 WHERE id = ?1", [run.id.as_str()])
                .map_err(transaction.store_error())?;
        }
        if !analysis_is_intact {
            error_analysis::set_checksum(connection, &run.id, -1)
                .map_err(transaction.store_error())?;
        }
        if let Some(checkpoint) = self.source.checkpoint(run)? {
            put_checkpoint(connection, &run.id, &checkpoint).map_err(transaction.store_error())?;
        }
        for Interruption { epoch, at, invocation } in self.source.interruptions(run)? {
            let sql =
                "INSERT INTO resumptions (run_id, epoch, invocation, at) VALUES (?1, ?2, ?3, ?4)";
            let row = params![run.id.as_str(), epoch, self.invocation(invocation)?.0, at];
            connection.execute(sql, row).map_err(transaction.store_error())?;
        }
        Ok(())
    }

    /// The invocation of this store that equals invocation `id` of the source. Adds it if it is
    /// missing.
    fn invocation(&mut self, id: i64) -> Result<InvocationId, StoreError> {
        if let Some(known) = self.invocations.get(&id) {
            return Ok(*known);
        }
        let (invocation, started_at) = self.source.invocation_and_start(id)?;
        let connection = &self.transaction.connection;
        let here =
            find_or_add_invocation(connection, &self.experiment.name, &invocation, &started_at)
                .map_err(self.transaction.store_error())?;
        self.invocations.insert(id, here);
        Ok(here)
    }

    /// Whether a process other than those of the source may be working on the run in this store.
    fn has_live_owner(&self, known: &[RecordedRun], run: &RecordedRun) -> Result<bool, StoreError> {
        let is_running =
            |known: &&RecordedRun| known.id == run.id && known.status == Status::Running;
        let Some(running) = known.iter().find(is_running) else {
            return Ok(false);
        };
        let owner = invocation(&self.transaction.connection, running.invocation)
            .map_err(self.transaction.store_error())?
            .process;
        let interruptions = self.source.interruptions(run)?;
        let theirs = interruptions.iter().map(|interruption| interruption.invocation);
        for id in theirs.chain([run.invocation]) {
            if self.source.invocation_and_start(id)?.0.process == owner {
                return Ok(false);
            }
        }
        Ok(owner.liveness() != Liveness::Gone)
    }
}

fn find_or_add_invocation(
    connection: &Connection,
    experiment: &str,
    wanted: &Invocation,
    started_at: &str,
) -> rusqlite::Result<InvocationId> {
    let sql = "SELECT id FROM invocations WHERE experiment = ?1 AND started_at = ?2 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([experiment, started_at])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if invocation(connection, id)? == *wanted {
            return Ok(InvocationId(id));
        }
    }
    insert_invocation(connection, experiment, wanted, started_at)
}

/// Converts a recorded run, so that it can be recorded again without changes.
fn to_run(run: &RecordedRun, epochs: Vec<EpochMetrics>, analysis: Option<ErrorAnalysis>) -> Run {
    let time = |text: &str| humantime::parse_rfc3339(text).unwrap_or(SystemTime::UNIX_EPOCH);
    Run {
        id: Some(run.id.clone()),
        header: run.header.clone(),
        started_at: time(&run.started_at),
        order: Order::Assigned(run.ordered_at),
        ended_at: time(if run.ended_at.is_empty() { &run.started_at } else { &run.ended_at }),
        params: run.params.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        epochs,
        results: run.results.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
        error_analysis: analysis,
    }
}
