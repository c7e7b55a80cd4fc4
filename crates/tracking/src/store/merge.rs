//! Several stores into one: what is the same collapses, a run that went on is brought up to date, what contradicts is told, and
//! nothing is overwritten.

use std::collections::HashMap;
use std::io;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::live::{self, WriteTransaction};
use super::{InvocationId, Store, declarations, error_analysis, query};
use crate::{
    Declarations, EpochMetrics, ErrorAnalysis, Experiment, Interruption, Invocation, Liveness,
    Order, Reader, RecordedRun, Run, Status, StoreError,
};

/// What became of the runs of another store.
#[derive(Debug, Default)]
pub struct MergeReport {
    /// Runs that are here now.
    pub added: Vec<RecordedRun>,
    /// Runs that were here as they were at an earlier moment, and are here now as they are there.
    pub updated: Vec<RecordedRun>,
    /// Runs that were here, or whose trial has the same numbers here.
    pub identical: usize,
    /// Runs without a result that were left: they are under way, or their trial has its result here.
    pub skipped: usize,
    /// Runs that say something else than what is here of the same trial, in words: they were left.
    pub conflicts: Vec<String>,
}

impl Store {
    /// Takes over the runs of `source` that `wanted` wants, in one transaction an experiment. `exactly` those: without it, a
    /// run that measured what is here already is not added. `keep` is called for each run that is added, before it is
    /// committed, to bring its files along.
    ///
    /// # Errors
    /// When a store or a file refuses: then nothing of that experiment is added.
    pub fn merge(
        &mut self,
        source: &Reader,
        wanted: &dyn Fn(&RecordedRun) -> bool,
        exactly: bool,
        keep: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
    ) -> Result<MergeReport, StoreError> {
        let mut report = MergeReport::default();
        for experiment in source.experiments()? {
            crate::ExperimentName::new(&experiment.name)?;
            let runs: Vec<RecordedRun> =
                source.all_runs(&experiment.name)?.into_iter().filter(|run| wanted(run)).collect();
            if !runs.is_empty() {
                self.merge_experiment(source, &experiment, runs, exactly, keep, &mut report)?;
            }
        }
        Ok(report)
    }

    fn merge_experiment(
        &mut self,
        source: &Reader,
        experiment: &Experiment,
        runs: Vec<RecordedRun>,
        exactly: bool,
        keep: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
        report: &mut MergeReport,
    ) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        let connection = &transaction.connection;
        let mut known: HashMap<String, Vec<RecordedRun>> = HashMap::new();
        for run in
            query::unchecked_runs(connection, &experiment.name).map_err(transaction.failed())?
        {
            known.entry(run.trial.to_string()).or_default().push(run);
        }
        live::add_experiment(connection, experiment).map_err(transaction.failed())?;
        // Declarations of this store take precedence over declarations of the source.
        let here = declarations::of_experiment(connection, &experiment.name)
            .map_err(transaction.failed())?;
        if here == Declarations::default() {
            transaction.declare(&experiment.name, &source.declarations(&experiment.name)?)?;
        }
        let mut starts = HashMap::new();
        // A start of a program of there, which is brought along by the first run that names it.
        let mut start = |invocation: i64| -> Result<InvocationId, StoreError> {
            if let Some(known) = starts.get(&invocation) {
                return Ok(*known);
            }
            let (origin, started_at) = source.start(invocation)?;
            let id = bring_start(connection, &experiment.name, &origin, &started_at)
                .map_err(transaction.failed())?;
            starts.insert(invocation, id);
            Ok(id)
        };
        for run in runs {
            let (epochs, whole) = source.checked_epochs(&run)?;
            let whole = whole && run.is_intact();
            if !whole && !exactly {
                let what = format!(
                    "run {} of trial {} was changed after it was recorded",
                    run.id, run.trial
                );
                report.conflicts.push(what);
                continue;
            }
            let here = known.get(run.trial.as_str()).map_or(&[][..], Vec::as_slice);
            let verdict = judge(connection, here, (&run, &epochs, whole), exactly)
                .map_err(transaction.failed())?;
            match verdict {
                Verdict::Known => report.identical += 1,
                Verdict::Left => report.skipped += 1,
                Verdict::Contradicts(what) => report.conflicts.push(what),
                Verdict::GoesOn if is_worked_on(&transaction, here, source, &run)? => {
                    report.skipped += 1
                }
                Verdict::New | Verdict::GoesOn => {
                    let sql = "DELETE FROM runs WHERE id = ?1";
                    let earlier =
                        connection.execute(sql, [run.id.as_str()]).map_err(transaction.failed())?;
                    add(&transaction, source, &run, (epochs, whole), &mut start)?;
                    keep(&run)
                        .map_err(|cause| StoreError::RunFiles { run: run.id.clone(), cause })?;
                    if earlier > 0 { &mut report.updated } else { &mut report.added }.push(run);
                }
            }
        }
        transaction.commit()
    }
}

/// Records a run of elsewhere as it was; `start` brings along the starts of a program that it names.
fn add(
    transaction: &WriteTransaction<'_>,
    source: &Reader,
    run: &RecordedRun,
    (epochs, whole): (Vec<EpochMetrics>, bool),
    start: &mut dyn FnMut(i64) -> Result<InvocationId, StoreError>,
) -> Result<(), StoreError> {
    let (connection, id) = (&transaction.connection, run.id.as_str());
    let (examples, fit) = source.checked_error_analysis(run)?;
    transaction.record_run(start(run.invocation)?, &as_recorded(run, epochs, examples))?;
    // What was changed is not made right by being moved.
    if !whole {
        connection
            .execute("UPDATE runs SET checksum = -1 WHERE id = ?1", [id])
            .map_err(transaction.failed())?;
    }
    if !fit {
        error_analysis::set_checksum(connection, &run.id, -1).map_err(transaction.failed())?;
    }
    if let Some(checkpoint) = source.checkpoint(run)? {
        live::put_checkpoint(connection, &run.id, &checkpoint).map_err(transaction.failed())?;
    }
    for Interruption { epoch, at, invocation } in source.interruptions(run)? {
        let sql = "INSERT INTO resumptions (run_id, epoch, invocation, at) VALUES (?1, ?2, ?3, ?4)";
        let row = params![id, epoch, start(invocation)?.0, at];
        connection.execute(sql, row).map_err(transaction.failed())?;
    }
    Ok(())
}

/// The start of a program, as it is here already, or brought along.
fn bring_start(
    connection: &Connection,
    experiment: &str,
    origin: &Invocation,
    started_at: &str,
) -> rusqlite::Result<InvocationId> {
    let sql = "SELECT id FROM invocations WHERE experiment = ?1 AND started_at = ?2 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([experiment, started_at])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if query::invocation(connection, id)? == *origin {
            return Ok(InvocationId(id));
        }
    }
    live::insert_invocation(connection, experiment, origin, started_at)
}

enum Verdict {
    New,
    /// What is here is the same run at an earlier moment.
    GoesOn,
    Known,
    Left,
    Contradicts(String),
}

/// What to do with a run of elsewhere, whose epochs and itself are `whole` or not, beside those that are `here` of its trial.
fn judge(
    connection: &Connection,
    here: &[RecordedRun],
    (run, epochs, whole): (&RecordedRun, &[EpochMetrics], bool),
    exactly: bool,
) -> rusqlite::Result<Verdict> {
    let other_trial: Option<String> = connection
        .query_row("SELECT trial_id FROM runs WHERE id = ?1", [run.id.as_str()], |row| row.get(0))
        .optional()?;
    let same_run = here.iter().find(|it| it.id == run.id);
    if other_trial.is_some() && same_run.is_none() {
        return Ok(Verdict::Contradicts(format!(
            "run {} is of another trial or experiment here",
            run.id
        )));
    }
    if run.status == Status::Running {
        return Ok(Verdict::Left);
    }
    let with_result = here.iter().find(|it| it.has_result() && it.is_intact());
    let beside = match (same_run, with_result) {
        (Some(same), _) => same,
        (None, _) if exactly => return Ok(Verdict::New),
        (None, Some(result)) if run.has_result() => result,
        (None, Some(_)) => return Ok(Verdict::Left),
        (None, None) => return Ok(Verdict::New),
    };
    let mut damage = Vec::new();
    let ours = query::epochs_of_run(connection, beside, &mut damage)?;
    if same_run.is_some() && whole && beside.is_intact() && damage.is_empty() {
        if goes_on((beside, &ours), (run, epochs)) {
            return Ok(Verdict::GoesOn);
        }
        if goes_on((run, epochs), (beside, &ours)) {
            return Ok(Verdict::Known);
        }
    }
    Ok(match difference((beside, &ours), (run, epochs)) {
        None => Verdict::Known,
        Some(what) => Verdict::Contradicts(format!(
            "trial {} of '{}': {what}, in run {} here (engine {}) and run {} there (engine {})",
            run.trial, run.experiment, beside.id, beside.engine, run.id, run.engine
        )),
    })
}

/// Whether the one is the other at an earlier moment of the same run.
fn goes_on(
    earlier: (&RecordedRun, &[EpochMetrics]),
    later: (&RecordedRun, &[EpochMetrics]),
) -> bool {
    let progress = |(run, epochs): (&RecordedRun, &[EpochMetrics])| {
        (run.has_ended(), epochs.len(), run.status != Status::Running)
    };
    !earlier.0.has_ended()
        && progress(earlier) < progress(later)
        && later
            .1
            .get(..earlier.1.len())
            .is_some_and(|begin| differing_epoch(earlier.1, begin).is_none())
}

/// Whether a run may be in the hands of somebody here: of another process than those that worked on it there.
fn is_worked_on(
    transaction: &WriteTransaction<'_>,
    here: &[RecordedRun],
    source: &Reader,
    run: &RecordedRun,
) -> Result<bool, StoreError> {
    let Some(same) = here.iter().find(|it| it.id == run.id && it.status == Status::Running) else {
        return Ok(false);
    };
    let ours = query::invocation(&transaction.connection, same.invocation)
        .map_err(transaction.failed())?
        .process;
    let theirs =
        source.interruptions(run)?.into_iter().map(|it| it.invocation).chain([run.invocation]);
    for invocation in theirs {
        if source.start(invocation)?.0.process == ours {
            return Ok(false);
        }
    }
    Ok(ours.liveness() != Liveness::Gone)
}

/// The first thing that two runs measured otherwise, times aside.
fn difference(
    here: (&RecordedRun, &[EpochMetrics]),
    there: (&RecordedRun, &[EpochMetrics]),
) -> Option<String> {
    if here.0.status != there.0.status {
        return Some(format!("it is {} and {}", here.0.status, there.0.status));
    }
    if let Some(what) = differing_epoch(here.1, there.1) {
        return Some(what);
    }
    let names = here
        .0
        .results
        .iter()
        .chain(&there.0.results)
        .map(|(name, _)| name)
        .filter(|name| &***name != "seconds");
    names.into_iter().find_map(|name| {
        let (a, b) = (here.0.result(name), there.0.result(name));
        let differs = a.map(f64::to_bits) != b.map(f64::to_bits);
        differs.then(|| format!("{name} is {} and {}", in_words(a), in_words(b)))
    })
}

/// The first thing that epochs measured otherwise, times aside.
fn differing_epoch(here: &[EpochMetrics], there: &[EpochMetrics]) -> Option<String> {
    for index in 0..here.len().max(there.len()) {
        let (Some(a), Some(b)) = (here.get(index), there.get(index)) else {
            return Some(format!("it has {} and {} epochs", here.len(), there.len()));
        };
        let of = |epoch: &EpochMetrics, name: &str| {
            epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, it)| *it)
        };
        for (name, _) in a.metrics.iter().chain(&b.metrics).filter(|(name, _)| name != "seconds") {
            let (a, b) = (of(a, name), of(b, name));
            if a.map(f64::to_bits) != b.map(f64::to_bits) {
                return Some(format!(
                    "{name} of epoch {} is {} and {}",
                    index + 1,
                    in_words(a),
                    in_words(b)
                ));
            }
        }
    }
    None
}

fn in_words(value: Option<f64>) -> String {
    value.map_or("nothing".to_owned(), |value| format!("{value:?}"))
}

/// A run, to be recorded as it was.
fn as_recorded(
    run: &RecordedRun,
    epochs: Vec<EpochMetrics>,
    examples: Option<ErrorAnalysis>,
) -> Run {
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
        error_analysis: examples,
    }
}
