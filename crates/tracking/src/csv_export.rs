//! The CSV files of an experiment, `runs.csv` and `epochs.csv`, for people and spreadsheets.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::atomic_file::{self, AtomicFile};
use crate::{
    ColumnNames, EpochMetrics, ExperimentName, RecordedRun, RunId, Status, StoreError, Value,
    csv_id, final_value, printable,
};

/// The hyperparameters of softmax regression, in the column order of tables. Other hyperparameters
/// follow in the order in which they were recorded.
pub const HYPERPARAMETERS: [&str; 7] =
    ["learning_rate", "decay", "batch_size", "epochs", "seed", "init", "last_batch"];

/// The final metrics, in the column order of tables. `seconds` has a separate column.
pub const RESULTS: [&str; 6] =
    ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"];

/// The metrics of an epoch, in the column order of tables.
const METRICS: [&str; 6] =
    ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"];

/// Makes text safe for a CSV cell, so that no spreadsheet reads it as a formula and no terminal as
/// a command. Text that starts with `=`, `+`, `-` or `@` gets an apostrophe in front. Control
/// characters, such as a leading tab or carriage return, are escaped.
#[must_use]
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    let safe = printable(text);
    if safe.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{safe}")) } else { safe }
}

/// Waits until no other program exports `experiment`, then locks its folder until the handle is
/// dropped. Returns `None` if the file system has no locks. Without a lock the files are still
/// complete, because each one is replaced atomically.
pub(crate) fn lock_folder(folder: &Path, experiment: &str) -> Result<Option<File>, StoreError> {
    let folder = folder.join(ExperimentName::new(experiment)?);
    std::fs::create_dir_all(&folder)
        .map_err(|cause| StoreError::Export { path: folder.clone(), cause })?;
    Ok(File::open(folder).ok().filter(|handle| handle.lock().is_ok()))
}

/// Writes `runs.csv` and `epochs.csv` of `experiment`.
pub(crate) fn export(
    folder: &Path,
    experiment: &str,
    runs: &[RecordedRun],
    epochs: &HashMap<RunId, Vec<EpochMetrics>>,
) -> Result<(), StoreError> {
    let folder = folder.join(experiment);
    let params = ordered_names(&HYPERPARAMETERS, runs.iter().flat_map(|run| &run.params));
    let mut runs: Vec<&RecordedRun> = runs.iter().collect();
    runs.sort_by(|a, b| compare(a, b, &params));
    let write = |name: &str, table: &dyn Fn(&mut dyn Write) -> csv::Result<()>| {
        let path = folder.join(name);
        replace(&path, table).map_err(|cause| StoreError::Export { path: path.clone(), cause })
    };
    write("runs.csv", &|out| runs_csv(out, &runs, &params, epochs))?;
    write("epochs.csv", &|out| epochs_csv(out, &runs, &params, epochs))
}

/// Returns the known names, then all other names in order of first appearance.
fn ordered_names<'a, N: AsRef<str> + 'a, T: 'a>(
    known: &[&'a str],
    found: impl Iterator<Item = &'a (N, T)>,
) -> Vec<&'a str> {
    let mut names = known.to_vec();
    for (name, _) in found {
        if !names.contains(&name.as_ref()) {
            names.push(name.as_ref());
        }
    }
    names
}

/// Orders runs by hyperparameters, then dataset, then trial. The order does not depend on which run
/// finished first.
fn compare(a: &RecordedRun, b: &RecordedRun, params: &[&str]) -> Ordering {
    let by_param = |name: &&str| match (a.param(name), b.param(name)) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    params
        .iter()
        .map(by_param)
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| (&a.dataset, &a.trial).cmp(&(&b.dataset, &b.trial)))
}

/// Replaces a file atomically, so that a reader sees either the complete old file or the complete
/// new one.
fn replace(path: &Path, table: &dyn Fn(&mut dyn Write) -> csv::Result<()>) -> io::Result<()> {
    let mut file = AtomicFile::create(atomic_file::folder_of(path), atomic_file::CSV_PREFIX)?;
    table(&mut file).map_err(io::Error::from)?;
    file.sync()?;
    file.persist(path)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| Value::Real(value).to_string())
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::Text(text)) => escape_formula(text).into_owned(),
        Some(value) => value.to_string(),
    }
}

/// The final value of a metric in `runs.csv`. The epochs supply it only for validation metrics of
/// finished runs. The view `run_table` has the same values.
fn result(
    run: &RecordedRun,
    name: &str,
    epochs: &HashMap<RunId, Vec<EpochMetrics>>,
) -> Option<f64> {
    let is_finished_validation = run.status == Status::Finished && name.starts_with("val_");
    let epochs = epochs.get(&run.id).filter(|_| is_finished_validation);
    final_value(name, &run.results, epochs.into_iter().flatten().flat_map(|epoch| &epoch.metrics))
}

fn runs_csv(
    out: &mut dyn Write,
    runs: &[&RecordedRun],
    params: &[&str],
    epochs: &HashMap<RunId, Vec<EpochMetrics>>,
) -> csv::Result<()> {
    let results: Vec<_> = ordered_names(&RESULTS, runs.iter().flat_map(|run| &run.results))
        .into_iter()
        .filter(|name| *name != "seconds")
        .collect();
    let mut csv = csv::Writer::from_writer(out);
    let (first, last) = (["run", "trial", "status", "dataset"], ["seconds", "started_at"]);
    let mut columns = ColumnNames::new(first.into_iter().chain(last));
    let mut header: Vec<String> = first.map(str::to_owned).to_vec();
    header.extend(params.iter().map(|name| columns.claim(name, "param_")));
    header.extend(results.iter().map(|name| columns.claim(name, "metric_")));
    header.extend(last.map(str::to_owned));
    // Only runs of different programs need it.
    let has_program = runs.iter().any(|run| run.program_sha256.is_some());
    header.extend(has_program.then(|| columns.claim("program_sha256", "run_")));
    csv.write_record(header)?;
    for run in runs {
        let mut record = vec![
            csv_id(run.id.as_str()).into_owned(),
            csv_id(run.trial.as_str()).into_owned(),
            run.status.to_string(),
            escape_formula(&run.dataset).into_owned(),
        ];
        record.extend(params.iter().map(|name| cell(run.param(name))));
        record.extend(results.iter().map(|name| number(result(run, name, epochs))));
        record.push(number(run.result("seconds")));
        record.push(run.started_at.clone());
        record.extend(has_program.then(|| run.program_sha256.clone().unwrap_or_default()));
        csv.write_record(&record)?;
    }
    csv.flush()?;
    Ok(())
}

fn epochs_csv(
    out: &mut dyn Write,
    runs: &[&RecordedRun],
    params: &[&str],
    epochs: &HashMap<RunId, Vec<EpochMetrics>>,
) -> csv::Result<()> {
    let metrics =
        ordered_names(&METRICS, epochs.values().flatten().flat_map(|epoch| &epoch.metrics));
    let mut csv = csv::Writer::from_writer(out);
    let (ids, position) = (["run", "trial"], ["epoch", "step"]);
    let mut columns = ColumnNames::new(ids.into_iter().chain(position));
    let mut header: Vec<String> = ids.map(str::to_owned).to_vec();
    header.extend(params.iter().map(|name| columns.claim(name, "param_")));
    header.extend(position.map(str::to_owned));
    // A metric with the name of a hyperparameter gets the prefix `epoch_`.
    header.extend(metrics.iter().map(|name| columns.claim(name, "epoch_")));
    csv.write_record(header)?;
    for run in runs {
        for epoch in epochs.get(&run.id).into_iter().flatten() {
            let mut record =
                vec![csv_id(run.id.as_str()).into_owned(), csv_id(run.trial.as_str()).into_owned()];
            record.extend(params.iter().map(|name| cell(run.param(name))));
            record.extend([epoch.epoch.to_string(), epoch.step.to_string()]);
            let value = |name: &&str| {
                epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
            };
            record.extend(metrics.iter().map(|name| number(value(name))));
            csv.write_record(&record)?;
        }
    }
    csv.flush()?;
    Ok(())
}
