//! Runs for TensorBoard: a folder an experiment, in it a folder a run, in that an event file.
//!
//! There is no record of the experiment's hyperparameters beside the runs: TensorBoard takes one such record for all that it shows,
//! however many there are, and finds out by itself, from the runs, where there is none.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tracking::{Reader, Status, Value};

use super::events::{Events, HParam, HParamKind, Session, SessionEnd, SessionStart, SessionStatus};
use super::{Selection, Tally, Whole};
use crate::atomic_write;

/// TensorBoard reads the files that have `tfevents` in their names.
const FILE: &str = "events.out.tfevents.candle-sweep";
/// Longest name of a run's folder, in bytes, without the run's id.
const LONGEST: usize = 120;

/// Writes the runs into `folder`. What is there already is what would be written again, and stays.
pub fn export(
    folder: &Path,
    reader: &Reader,
    results: &Path,
    selections: &[Selection],
) -> Result<Tally> {
    let mut tally = Tally::default();
    for selection in selections {
        let folder = folder.join(&selection.experiment.name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let there =
            folders(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for run in &selection.runs {
            let Some(whole) = selection.whole(reader, results, run)? else { continue };
            let home = folder.join(name(&whole, &selection.varying));
            let written = settle(there.get(run.id.as_str()), &home)
                .map_err(Into::into)
                .and_then(|()| write(&home.join(FILE), &events(&whole)));
            match written.with_context(|| format!("cannot write {}", home.display()))? {
                Written::New => tally.new += 1,
                Written::Completed => tally.completed += 1,
                Written::Same => tally.same += 1,
            }
        }
    }
    Ok(tally)
}

/// Everything of a run, in the order in which it came to be: of a run that goes on, what is written later begins with what was
/// written before.
fn events(whole: &Whole) -> Vec<u8> {
    let began = whole.began().as_secs_f64();
    let mut events = Events::begun(began);
    let hparams = whole.run.params.iter().map(|(name, value)| (name.to_string(), hparam(value)));
    let start = SessionStart {
        hparams: hparams.collect(),
        group_name: whole.run.id.to_string(),
        start_time_secs: began,
    };
    events.hparams(began, Session::Start(start));
    let points = whole.points();
    for point in &points {
        events.scalar(point.at.as_secs_f64(), point.epoch, &point.name, point.value);
    }
    let status = match whole.run.status {
        // Without an end, a run is running to TensorBoard.
        Status::Running => return events.into_bytes(),
        Status::Finished => SessionStatus::Success,
        Status::Diverged | Status::Failed | Status::Killed => SessionStatus::Failure,
    };
    let last = points.last().map_or(whole.began(), |point| point.at);
    let ended = whole.ended().unwrap_or(last).as_secs_f64();
    events.hparams(ended, Session::End(SessionEnd { status: status.into(), end_time_secs: ended }));
    events.into_bytes()
}

#[allow(clippy::cast_precision_loss, reason = "TensorBoard knows no other numbers")]
fn hparam(value: &Value) -> HParam {
    let kind = match value {
        Value::Integer(number) => HParamKind::Number(*number as f64),
        Value::Real(number) => HParamKind::Number(*number),
        Value::Text(text) => HParamKind::Text(text.clone()),
    };
    HParam { kind: Some(kind) }
}

/// A folder's name that people can read, and that ends with the run's id.
fn name(whole: &Whole, varying: &[String]) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "=,.+-_".contains(c) { c } else { '_' };
    let mut label: String = whole.label(varying).replace(", ", ",").chars().map(plain).collect();
    while label.len() > LONGEST {
        label.pop();
    }
    format!("{label}.{}", whole.run.id)
}

/// The runs' folders that are there, by the ids at their ends.
fn folders(folder: &Path) -> std::io::Result<HashMap<String, PathBuf>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let id = path.extension().map(|id| id.to_string_lossy().into_owned());
        found.extend(id.map(|id| (id, path)));
    }
    Ok(found)
}

/// Makes the folder of a run, or brings it to the name that it has now: another hyperparameter may vary than before.
fn settle(there: Option<&PathBuf>, home: &Path) -> std::io::Result<()> {
    match there {
        Some(there) if there != home => fs::rename(there, home),
        Some(_) => Ok(()),
        None => fs::create_dir_all(home),
    }
}

/// What was done to a file.
enum Written {
    New,
    Completed,
    Same,
}

/// Makes a file hold `bytes`. Where it holds the beginning of them the rest is added, so that a TensorBoard that follows it sees what
/// is new; it waits where a record is not whole yet. Else the file is replaced.
fn write(path: &Path, bytes: &[u8]) -> Result<Written> {
    let there = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        there => Some(there?),
    };
    match there {
        Some(there) if there == bytes => return Ok(Written::Same),
        Some(there) => match bytes.strip_prefix(there.as_slice()) {
            Some(rest) => fs::OpenOptions::new().append(true).open(path)?.write_all(rest)?,
            None => atomic_write::file(path, |out| Ok(out.write_all(bytes)?))?,
        },
        None => {
            atomic_write::file(path, |out| Ok(out.write_all(bytes)?))?;
            return Ok(Written::New);
        }
    }
    Ok(Written::Completed)
}
