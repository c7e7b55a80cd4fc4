//! Compares a recorded run with its repetition.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use tracking::{EpochMetrics, ErrorAnalysis, RecordedRun, Status};

use crate::executor::Execution;
use crate::sweep::records::{model_path, results, status};

/// A recorded run and its parts to compare.
pub struct Recorded {
    pub run: RecordedRun,
    pub epochs: Vec<EpochMetrics>,
    /// The recorded error analysis, if it is intact.
    pub error_analysis: Option<ErrorAnalysis>,
    /// Whether the weights in the results folder belong to this run.
    pub has_weights: bool,
}

/// The differences in words: the first of the epochs and the first of the final metrics, the
/// status, the weights and the error analysis.
pub fn differences(
    recorded: &Recorded,
    execution: &Execution,
    results_folder: &Path,
) -> Vec<String> {
    let found = [
        epoch_difference(&recorded.epochs, &execution.epochs),
        status_difference(recorded, execution),
        result_difference(recorded, execution),
        weights_difference(recorded, execution, results_folder),
        error_analysis_difference(recorded, execution),
    ];
    let mut found: Vec<String> = found.into_iter().flatten().collect();
    if found.is_empty() && !recorded.run.is_intact() {
        found.push(
            "its record was changed after it was recorded: it does not match its checksum"
                .to_owned(),
        );
    }
    found
}

fn status_difference(Recorded { run, .. }: &Recorded, execution: &Execution) -> Option<String> {
    let (status, error) = status(Ok(execution));
    let describe = |status: Status, error: &Option<String>| match error {
        Some(error) => format!("{status} ({error})"),
        None => status.to_string(),
    };
    let (old, new) = (describe(run.status, &run.error), describe(status, &error));
    (old != new).then(|| format!("it was {old} and is {new}"))
}

/// The first epoch and metric that differ.
fn epoch_difference(recorded: &[EpochMetrics], repeated: &[EpochMetrics]) -> Option<String> {
    let (recorded, repeated) = (by_number(recorded), by_number(repeated));
    let numbers: BTreeSet<u32> = recorded.keys().chain(repeated.keys()).copied().collect();
    numbers.into_iter().find_map(|number| {
        let (old, new) = (recorded.get(&number).copied(), repeated.get(&number).copied());
        let epochs = [&new, &old].into_iter().flatten();
        let names = epochs.flat_map(|epoch| &epoch.metrics).map(|(name, _)| name.as_str());
        names
            .into_iter()
            .find_map(|name| {
                let (old, new) = (value(old, name), value(new, name));
                // Earlier versions did not measure the test set after every epoch.
                let is_unrecorded_test = name.starts_with("test_") && old.is_none();
                if is_unrecorded_test { None } else { difference(name, old, new) }
            })
            .map(|difference| format!("epoch {number}, {difference}"))
    })
}

fn by_number(epochs: &[EpochMetrics]) -> BTreeMap<u32, &EpochMetrics> {
    epochs.iter().map(|epoch| (epoch.epoch, epoch)).collect()
}

fn value(epoch: Option<&EpochMetrics>, name: &str) -> Option<f64> {
    let mut metrics = epoch?.metrics.iter();
    metrics.find(|(key, value)| key == name && value.is_finite()).map(|(_, value)| *value)
}

/// The first final metric that differs.
fn result_difference(Recorded { run, .. }: &Recorded, execution: &Execution) -> Option<String> {
    let repeated = results(execution);
    let new = |name: &str| {
        let value = repeated.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        value.filter(|value| value.is_finite())
    };
    let names = repeated.iter().map(|(name, _)| name.as_str());
    let mut names = names.chain(run.results.iter().map(|(name, _)| &**name));
    names.find_map(|name| difference(name, run.result(name), new(name)))
}

/// How two values of a metric differ, bit by bit. Times always differ and do not count.
fn difference(name: &str, recorded: Option<f64>, repeated: Option<f64>) -> Option<String> {
    if tracking::metric::is_time(name) || recorded.map(f64::to_bits) == repeated.map(f64::to_bits) {
        return None;
    }
    let text =
        |value: Option<f64>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
    Some(format!("{name}: {} was recorded, {} is computed", text(recorded), text(repeated)))
}

fn weights_difference(
    recorded: &Recorded,
    execution: &Execution,
    results_folder: &Path,
) -> Option<String> {
    let model = execution.model.as_ref().filter(|_| recorded.has_weights)?;
    let path = model_path(results_folder, &recorded.run.experiment, &recorded.run.trial);
    match std::fs::read(&path) {
        Ok(bytes) if bytes == *model => None,
        Ok(_) => Some(format!("the weights in {} differ", path.display())),
        // Imported runs have no weights.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(format!("cannot read the weights in {}: {error}", path.display())),
    }
}

fn error_analysis_difference(recorded: &Recorded, execution: &Execution) -> Option<String> {
    let old = without_pictures(recorded.error_analysis.as_ref()?);
    let new = without_pictures(execution.error_analysis.as_ref()?);
    (old != new).then(|| "the confusion matrix or the mistakes differ".to_owned())
}

/// Pictures show the dataset, which has a checksum of its own; their compression may change.
fn without_pictures(analysis: &ErrorAnalysis) -> ErrorAnalysis {
    let mut analysis = analysis.clone();
    analysis.mistakes.iter_mut().for_each(|mistake| mistake.picture.clear());
    analysis
}
