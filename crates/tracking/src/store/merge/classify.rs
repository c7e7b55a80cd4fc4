//! Comparison of a run of another store with the runs of this store.

use rusqlite::{Connection, OptionalExtension};

use crate::store::queries::epochs_of_run;
use crate::{EpochMetrics, RecordedRun, Status};

/// What a merge does with a run of the source.
pub(super) enum Class {
    /// Add it.
    New,
    /// Replace an earlier state of the same run.
    Update,
    /// Skip it: this store has the same numbers.
    Known,
    /// Skip it: it is running, or this store has a result of its trial.
    Skipped,
    /// Skip it: it differs from this store, as described.
    Conflict(String),
}

/// A run of the source.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) run: &'a RecordedRun,
    pub(super) epochs: &'a [EpochMetrics],
    /// Whether the run and its epochs match their checksums.
    pub(super) is_intact: bool,
}

/// Compares `candidate` with the `known` runs of its trial in this store.
pub(super) fn classify(
    connection: &Connection,
    known: &[RecordedRun],
    candidate: Candidate<'_>,
    exact: bool,
) -> rusqlite::Result<Class> {
    let run = candidate.run;
    let trial_of_same_id: Option<String> = connection
        .query_row("SELECT trial_id FROM runs WHERE id = ?1", [run.id.as_str()], |row| row.get(0))
        .optional()?;
    let same_run = known.iter().find(|known| known.id == run.id);
    if trial_of_same_id.is_some() && same_run.is_none() {
        return Ok(Class::Conflict(format!(
            "run {} belongs to another trial or experiment here",
            run.id
        )));
    }
    if run.status == Status::Running {
        return Ok(Class::Skipped);
    }
    let with_result = known.iter().find(|known| known.has_result() && known.is_intact());
    let ours = match (same_run, with_result) {
        (Some(same), _) => same,
        (None, _) if exact => return Ok(Class::New),
        (None, Some(result)) if run.has_result() => result,
        (None, Some(_)) => return Ok(Class::Skipped),
        (None, None) => return Ok(Class::New),
    };
    let epochs = epochs_of_run(connection, ours)?;
    let is_intact = ours.is_intact() && epochs.is_intact();
    let ours = Candidate { run: ours, epochs: &epochs.value, is_intact };
    if same_run.is_some() && candidate.is_intact && ours.is_intact {
        if is_earlier_state(ours, candidate) {
            return Ok(Class::Update);
        }
        if is_earlier_state(candidate, ours) {
            return Ok(Class::Known);
        }
    }
    Ok(match first_difference(ours, candidate) {
        None => Class::Known,
        Some(difference) => Class::Conflict(format!(
            "trial {} of '{}': {difference}, in run {} here (engine {}) and run {} there (engine {})",
            run.trial, run.experiment, ours.run.id, ours.run.engine, run.id, run.engine
        )),
    })
}

/// Whether `earlier` is an earlier state of the run `later`: unfinished, with a prefix of its
/// epochs.
fn is_earlier_state(earlier: Candidate<'_>, later: Candidate<'_>) -> bool {
    let progress = |Candidate { run, epochs, .. }: Candidate<'_>| {
        (run.has_ended(), epochs.len(), run.status != Status::Running)
    };
    !earlier.run.has_ended()
        && progress(earlier) < progress(later)
        && later
            .epochs
            .get(..earlier.epochs.len())
            .is_some_and(|prefix| differing_epoch(earlier.epochs, prefix).is_none())
}

/// The first difference between two runs, except for times.
fn first_difference(here: Candidate<'_>, there: Candidate<'_>) -> Option<String> {
    if here.run.status != there.run.status {
        return Some(format!("its status is {} and {}", here.run.status, there.run.status));
    }
    if let Some(difference) = differing_epoch(here.epochs, there.epochs) {
        return Some(difference);
    }
    let mut names = here
        .run
        .results
        .iter()
        .chain(&there.run.results)
        .map(|(name, _)| name)
        .filter(|name| &***name != "seconds");
    names.find_map(|name| {
        let (a, b) = (here.run.result(name), there.run.result(name));
        differs(a, b).then(|| format!("{name} is {} and {}", text(a), text(b)))
    })
}

/// The first difference between two lists of epochs, except for times.
fn differing_epoch(here: &[EpochMetrics], there: &[EpochMetrics]) -> Option<String> {
    for index in 0..here.len().max(there.len()) {
        let (Some(a), Some(b)) = (here.get(index), there.get(index)) else {
            return Some(format!("it has {} and {} epochs", here.len(), there.len()));
        };
        let value = |epoch: &EpochMetrics, name: &str| {
            epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
        };
        for (name, _) in a.metrics.iter().chain(&b.metrics).filter(|(name, _)| name != "seconds") {
            let (a, b) = (value(a, name), value(b, name));
            if differs(a, b) {
                let epoch = index + 1;
                return Some(format!("{name} of epoch {epoch} is {} and {}", text(a), text(b)));
            }
        }
    }
    None
}

/// Whether two values differ in a bit.
fn differs(a: Option<f64>, b: Option<f64>) -> bool {
    a.map(f64::to_bits) != b.map(f64::to_bits)
}

fn text(value: Option<f64>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"))
}
