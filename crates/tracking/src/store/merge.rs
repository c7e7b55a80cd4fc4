//! Several stores into one: what is the same collapses, what contradicts is told, nothing is overwritten.

use std::collections::HashMap;
use std::io;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::live::{self, Recording};
use super::{InvocationId, Store, examples, query};
use crate::{EpochMetrics, Examples, Experiment, Interruption, Reader, RecordedRun, Run, Status, StoreError, checksum};

/// What became of the runs of another store.
#[derive(Debug, Default)]
pub struct Absorbed {
    /// Runs that are here now.
    pub added: Vec<RecordedRun>,
    /// Runs that were here, or whose trial has the same numbers here.
    pub identical: usize,
    /// Runs without a result that were left: they are under way, or their trial has its result here.
    pub left: usize,
    /// Runs that say something else than what is here of the same trial, in words: they were left.
    pub contradictions: Vec<String>,
}

impl Store {
    /// Takes over the runs of `source` that `wanted` wants, in one transaction an experiment. `exactly` those: without it, a
    /// run that measured what is here already is not added. `keep` is called for each run that is added, before it is
    /// committed, to bring its files along.
    ///
    /// # Errors
    /// When a store or a file refuses: then nothing of that experiment is added.
    pub fn absorb(
        &mut self,
        source: &Reader,
        wanted: &dyn Fn(&RecordedRun) -> bool,
        exactly: bool,
        keep: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
    ) -> Result<Absorbed, StoreError> {
        let mut absorbed = Absorbed::default();
        for experiment in source.experiments()? {
            crate::csv_export::check_name(&experiment.name)?;
            let runs: Vec<RecordedRun> =
                source.all_runs(&experiment.name)?.into_iter().filter(|run| wanted(run)).collect();
            if !runs.is_empty() {
                self.absorb_experiment(source, &experiment, runs, exactly, keep, &mut absorbed)?;
            }
        }
        Ok(absorbed)
    }

    fn absorb_experiment(
        &mut self,
        source: &Reader,
        experiment: &Experiment,
        runs: Vec<RecordedRun>,
        exactly: bool,
        keep: &mut dyn FnMut(&RecordedRun) -> io::Result<()>,
        absorbed: &mut Absorbed,
    ) -> Result<(), StoreError> {
        let folder = self.folder.clone();
        let recording = self.recording()?;
        let connection = &recording.transaction;
        let mut known: HashMap<String, Vec<RecordedRun>> = HashMap::new();
        for run in query::unchecked_runs(connection, &experiment.name).map_err(recording.failed())? {
            known.entry(run.trial.to_string()).or_default().push(run);
        }
        // As it is described here, where it is.
        connection
            .execute(
                "INSERT OR IGNORE INTO experiments (name, description, checksum) VALUES (?1, ?2, ?3)",
                params![experiment.name, experiment.description, checksum::of_experiment(experiment)],
            )
            .map_err(recording.failed())?;
        let mut starts = HashMap::new();
        // A start of a program of there, which is brought along by the first run that names it.
        let mut start = |invocation: i64| -> Result<InvocationId, StoreError> {
            if let Some(known) = starts.get(&invocation) {
                return Ok(*known);
            }
            let (origin, started_at) = source.start(invocation)?;
            let id = live::insert_invocation(connection, &experiment.name, &origin, &started_at)
                .map_err(recording.failed())?;
            starts.insert(invocation, id);
            Ok(id)
        };
        for run in runs {
            let (epochs, whole) = source.checked_epochs(&run)?;
            let whole = whole && run.is_whole();
            if !whole && !exactly {
                let what = format!("run {} of trial {} was changed after it was recorded", run.id, run.trial);
                absorbed.contradictions.push(what);
                continue;
            }
            let here = known.get(run.trial.as_str()).map_or(&[][..], Vec::as_slice);
            match judge(connection, here, &run, &epochs, exactly).map_err(recording.failed())? {
                Verdict::Known => absorbed.identical += 1,
                Verdict::Left => absorbed.left += 1,
                Verdict::Contradicts(what) => absorbed.contradictions.push(what),
                Verdict::New => {
                    add(&recording, source, &run, (epochs, whole), &mut start)?;
                    keep(&run).map_err(|cause| StoreError::Export { path: folder.clone(), cause })?;
                    absorbed.added.push(run);
                }
            }
        }
        recording.commit()
    }
}

/// Records a run of elsewhere as it was; `start` brings along the starts of a program that it names.
fn add(
    recording: &Recording<'_>,
    source: &Reader,
    run: &RecordedRun,
    (epochs, whole): (Vec<EpochMetrics>, bool),
    start: &mut dyn FnMut(i64) -> Result<InvocationId, StoreError>,
) -> Result<(), StoreError> {
    let (connection, id) = (&recording.transaction, run.id.as_str());
    let (examples, fit) = source.checked_examples(run)?;
    recording.whole_run(start(run.invocation)?, &as_recorded(run, epochs, examples))?;
    // What was changed is not made right by being moved.
    if !whole {
        connection.execute("UPDATE runs SET checksum = -1 WHERE id = ?1", [id]).map_err(recording.failed())?;
    }
    if !fit {
        examples::set_checksum(connection, &run.id, -1).map_err(recording.failed())?;
    }
    if let Some(checkpoint) = source.checkpoint(run)? {
        live::put_checkpoint(connection, &run.id, &checkpoint).map_err(recording.failed())?;
    }
    for Interruption { epoch, at, invocation } in source.resumptions(run)? {
        let sql = "INSERT INTO resumptions (run_id, epoch, invocation, at) VALUES (?1, ?2, ?3, ?4)";
        let row = params![id, epoch, start(invocation)?.0, at];
        connection.execute(sql, row).map_err(recording.failed())?;
    }
    Ok(())
}

enum Verdict {
    New,
    Known,
    Left,
    Contradicts(String),
}

/// What to do with a run of elsewhere beside those that are `here` of its trial.
fn judge(
    connection: &Connection,
    here: &[RecordedRun],
    run: &RecordedRun,
    epochs: &[EpochMetrics],
    exactly: bool,
) -> rusqlite::Result<Verdict> {
    let other_trial: Option<String> = connection
        .query_row("SELECT trial_id FROM runs WHERE id = ?1", [run.id.as_str()], |row| row.get(0))
        .optional()?;
    let same_run = here.iter().find(|it| it.id == run.id);
    if other_trial.is_some() && same_run.is_none() {
        return Ok(Verdict::Contradicts(format!("run {} is of another trial or experiment here", run.id)));
    }
    if run.status == Status::Running {
        return Ok(Verdict::Left);
    }
    let with_result = here.iter().find(|it| it.has_result() && it.is_whole());
    let beside = match (same_run, with_result) {
        (Some(same), _) if same.has_result() || !run.has_result() => same,
        (Some(same), _) => {
            return Ok(Verdict::Contradicts(format!(
                "run {} is {} there and {} here",
                run.id, run.status, same.status
            )));
        }
        (None, _) if exactly => return Ok(Verdict::New),
        (None, Some(result)) if run.has_result() => result,
        (None, Some(_)) => return Ok(Verdict::Left),
        (None, None) => return Ok(Verdict::New),
    };
    let theirs = query::epochs_of_run(connection, beside, &mut Vec::new())?;
    Ok(match difference((beside, &theirs), (run, epochs)) {
        None => Verdict::Known,
        Some(what) => Verdict::Contradicts(format!(
            "trial {} of '{}': {what}, in run {} here (engine {}) and run {} there (engine {})",
            run.trial, run.experiment, beside.id, beside.engine, run.id, run.engine
        )),
    })
}

/// The first thing that two runs measured otherwise, times aside.
fn difference(here: (&RecordedRun, &[EpochMetrics]), there: (&RecordedRun, &[EpochMetrics])) -> Option<String> {
    if here.0.status != there.0.status {
        return Some(format!("it is {} and {}", here.0.status, there.0.status));
    }
    let value = |value: Option<f64>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
    for index in 0..here.1.len().max(there.1.len()) {
        let (Some(a), Some(b)) = (here.1.get(index), there.1.get(index)) else {
            return Some(format!("it has {} and {} epochs", here.1.len(), there.1.len()));
        };
        let of =
            |epoch: &EpochMetrics, name: &str| epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, it)| *it);
        for (name, _) in a.metrics.iter().chain(&b.metrics).filter(|(name, _)| name != "seconds") {
            let (a, b) = (of(a, name), of(b, name));
            if a.map(f64::to_bits) != b.map(f64::to_bits) {
                return Some(format!("{name} of epoch {} is {} and {}", index + 1, value(a), value(b)));
            }
        }
    }
    let names =
        here.0.results.iter().chain(&there.0.results).map(|(name, _)| name).filter(|name| &***name != "seconds");
    names.into_iter().find_map(|name| {
        let (a, b) = (here.0.result(name), there.0.result(name));
        let differs = a.map(f64::to_bits) != b.map(f64::to_bits);
        differs.then(|| format!("{name} is {} and {}", value(a), value(b)))
    })
}

/// A run, to be recorded as it was.
fn as_recorded(run: &RecordedRun, epochs: Vec<EpochMetrics>, examples: Option<Examples>) -> Run {
    let time = |text: &str| humantime::parse_rfc3339(text).unwrap_or(SystemTime::UNIX_EPOCH);
    Run {
        id: Some(run.id.clone()),
        shared_from: run.shared_from.clone(),
        experiment: run.experiment.clone(),
        trial: run.trial.clone(),
        status: run.status,
        dataset: run.dataset.clone(),
        dataset_sha256: run.dataset_sha256.clone(),
        dataset_path: run.dataset_path.clone(),
        fallback_for: run.fallback_for.clone(),
        validation: run.validation.clone(),
        engine: run.engine.clone(),
        device: run.device.clone(),
        started_at: time(&run.started_at),
        ended_at: time(if run.ended_at.is_empty() { &run.started_at } else { &run.ended_at }),
        error: run.error.clone(),
        params: run.params.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        epochs,
        results: run.results.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
        examples,
    }
}
