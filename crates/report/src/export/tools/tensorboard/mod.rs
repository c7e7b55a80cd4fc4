//! Runs for TensorBoard: one folder per experiment, in it one folder per run with one event file.
//!
//! The export does not declare the hyperparameters of an experiment: TensorBoard accepts only one
//! such declaration for everything that it shows. Without a declaration, it reads the
//! hyperparameters from the runs.

mod events;
mod messages;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tracking::{Reader, Status, Value};

use super::exported_run::ExportedRun;
use super::selection::ExportSelection;
use super::summary::ExportSummary;
use crate::atomic_write;
use events::EventFile;
use messages::{HParam, HParamKind, Session, SessionEnd, SessionStart, SessionStatus};

/// Name of an event file. TensorBoard reads the files with `tfevents` in their name.
const FILE_NAME: &str = "events.out.tfevents.candle-sweep";
/// Largest length of the name of a run's folder, in bytes, without the id of the run.
const MAX_NAME: usize = 120;

/// Writes the runs into `folder`. Complete event files stay as they are.
pub fn export(
    folder: &Path,
    reader: &Reader,
    results: &Path,
    selections: &[ExportSelection],
) -> Result<ExportSummary> {
    let mut summary = ExportSummary::default();
    for selection in selections {
        let folder = folder.join(&selection.experiment.name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let existing =
            run_folders(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for run in &selection.runs {
            let Some(exported) = selection.read_run(reader, results, run)? else { continue };
            let run_folder = folder.join(folder_name(&exported, &selection.varying));
            let written = make_folder(existing.get(run.id.as_str()), &run_folder)
                .map_err(Into::into)
                .and_then(|()| write(&run_folder.join(FILE_NAME), &event_file(&exported)));
            match written.with_context(|| format!("cannot write {}", run_folder.display()))? {
                Written::New => summary.added += 1,
                Written::Completed => summary.completed += 1,
                Written::Unchanged => summary.unchanged += 1,
            }
        }
    }
    Ok(summary)
}

/// The event file of a run. Its events are in the order in which they happened, so the file of a
/// running run is the beginning of its later file.
fn event_file(exported: &ExportedRun) -> Vec<u8> {
    let started = exported.started().as_secs_f64();
    let mut file = EventFile::new(started);
    let hparams = exported.run.params.iter().map(|(name, value)| (name.to_string(), hparam(value)));
    let start = SessionStart {
        hparams: hparams.collect(),
        group_name: exported.run.id.to_string(),
        start_time_secs: started,
    };
    file.add_session(started, Session::Start(start));
    let points = exported.points();
    for point in &points {
        file.add_scalar(point.time.as_secs_f64(), point.epoch, &point.name, point.value);
    }
    let status = match exported.run.status {
        // To TensorBoard, a run without an end is running.
        Status::Running => return file.into_bytes(),
        Status::Finished => SessionStatus::Success,
        Status::Diverged | Status::Failed | Status::Killed => SessionStatus::Failure,
    };
    let last = points.last().map_or(exported.started(), |point| point.time);
    let ended = exported.ended().unwrap_or(last).as_secs_f64();
    let end = SessionEnd { status: status.into(), end_time_secs: ended };
    file.add_session(ended, Session::End(end));
    file.into_bytes()
}

#[allow(clippy::cast_precision_loss, reason = "TensorBoard has no other numbers")]
fn hparam(value: &Value) -> HParam {
    let kind = match value {
        Value::Integer(number) => HParamKind::Number(*number as f64),
        Value::Real(number) => HParamKind::Number(*number),
        Value::Text(text) => HParamKind::Text(text.clone()),
    };
    HParam { kind: Some(kind) }
}

/// Name of the folder of a run: its varying hyperparameters and its id.
fn folder_name(exported: &ExportedRun, varying: &[String]) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "=,.+-_".contains(c) { c } else { '_' };
    let mut label: String = exported.label(varying).replace(", ", ",").chars().map(safe).collect();
    while label.len() > MAX_NAME {
        label.pop();
    }
    format!("{label}.{}", exported.run.id)
}

/// The folders of runs in `folder`, by the run id at the end of their names.
fn run_folders(folder: &Path) -> io::Result<HashMap<String, PathBuf>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let id = path.extension().map(|id| id.to_string_lossy().into_owned());
        found.extend(id.map(|id| (id, path)));
    }
    Ok(found)
}

/// Makes the folder of a run, or renames its `existing` folder. The name changes if another
/// hyperparameter varies since the last export.
fn make_folder(existing: Option<&PathBuf>, run_folder: &Path) -> io::Result<()> {
    match existing {
        Some(existing) if existing != run_folder => fs::rename(existing, run_folder),
        Some(_) => Ok(()),
        None => fs::create_dir_all(run_folder),
    }
}

/// How [`write()`] changed a file.
enum Written {
    New,
    Completed,
    Unchanged,
}

/// Makes the file at `path` hold `bytes`.
///
/// If the file holds the beginning of `bytes`, the rest is appended. A TensorBoard that follows the
/// file then reads the new events, and waits for the rest of an incomplete event. Any other file is
/// replaced.
fn write(path: &Path, bytes: &[u8]) -> Result<Written> {
    let existing = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        existing => Some(existing?),
    };
    let replace = || atomic_write::file(path, |out| Ok(out.write_all(bytes)?));
    let Some(existing) = existing else {
        replace()?;
        return Ok(Written::New);
    };
    match bytes.strip_prefix(existing.as_slice()) {
        Some([]) => return Ok(Written::Unchanged),
        Some(rest) => fs::OpenOptions::new().append(true).open(path)?.write_all(rest)?,
        None => replace()?,
    }
    Ok(Written::Completed)
}
