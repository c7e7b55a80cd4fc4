//! Runs for MLflow: into a folder with a database that it opens, or to a server.

mod client;
mod database;
mod described;
mod names;
mod server;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use tracking::{Experiment, Reader};

use super::{Selection, Tally};
use described::{Described, Metric};

pub use database::Database;
pub use server::Server;

/// The tag by which a run is found again: its id in the store.
const RUN: &str = "candle_sweep.run";
/// The tag of runs, and of the experiment that they are in, that says which experiment of the store that is.
const EXPERIMENT: &str = "candle_sweep.experiment";
/// How names of our tags begin.
const OURS: &str = "candle_sweep.";
/// The tag that says what a run was when all of it was there.
const DIGEST: &str = "candle_sweep.digest";

/// A run as an earlier export left it.
pub struct Known {
    /// MLflow's id of it.
    id: String,
    /// MLflow's word for its status.
    status: String,
    /// The last digest of all of it.
    digest: Option<String>,
    /// Whether somebody deleted it there.
    deleted: bool,
}

/// An experiment there.
pub enum Opened {
    /// The runs that earlier exports left in it, by their ids in the store.
    Runs(HashMap<String, Known>),
    /// Somebody deleted it: nothing can be added. MLflow's id of it.
    Deleted(String),
}

/// Where MLflow keeps its runs.
pub trait Place {
    /// Opens an experiment, whatever it is called there now, and makes it where it is not there.
    fn open(&mut self, experiment: &Experiment) -> Result<Opened>;
    /// Adds a run of that experiment without anything in it, running; MLflow's id of it.
    fn create(&mut self, run: &Described) -> Result<String>;
    /// What a run has measured of these names.
    fn logged(&mut self, id: &str, names: &[&str]) -> Result<Vec<Metric>>;
    /// Keeps a file of a run.
    fn put(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()>;
    /// Adds to a run metrics that it has not, hyperparameters and tags; the digest goes last.
    fn log(&mut self, id: &str, run: &Described, missing: &[Metric]) -> Result<()>;
    /// Names of the tags of a run that exports set.
    fn tags(&mut self, id: &str) -> Result<Vec<String>>;
    /// Takes a tag from a run.
    fn untag(&mut self, id: &str, tag: &str) -> Result<()>;
    /// Gives a run its status.
    fn end(&mut self, id: &str, run: &Described) -> Result<()>;
    /// Leaves one of runs that two exports at once have added.
    fn settle(&mut self) -> Result<()>;
    /// Keeps what was done, and says what could not be.
    fn close(&mut self) -> Result<Option<String>>;
}

/// Hands the runs to MLflow: those that are there already are completed. What is done in between is such that an export that was
/// stopped anywhere is completed by the next: the digest and the status of a run come last.
pub fn export(
    place: &mut dyn Place,
    reader: &Reader,
    results: &Path,
    selections: &[Selection],
) -> Result<Tally> {
    let mut tally = Tally::default();
    for selection in selections {
        let name = &selection.experiment.name;
        let known = match place.open(&selection.experiment)? {
            Opened::Runs(known) => known,
            Opened::Deleted(id) => {
                tally.deleted += selection.runs.len();
                tally.notes.insert(format!(
                    "the experiment '{name}' was deleted in MLflow: mlflow experiments restore --experiment-id {id} brings it back, \
                     mlflow gc --experiment-ids {id} deletes it for good"
                ));
                continue;
            }
        };
        let before = tally.new;
        for run in &selection.runs {
            let Some(whole) = selection.whole(reader, results, run)? else { continue };
            let mut described = Described::of(&whole, &selection.varying)?;
            tally.notes.extend(std::mem::take(&mut described.notes));
            match known.get(run.id.as_str()) {
                Some(it) if it.deleted => tally.deleted += 1,
                Some(it)
                    if it.status == described.status
                        && it.digest.as_ref() == Some(&described.digest) =>
                {
                    tally.same += 1;
                }
                Some(it) => {
                    complete(place, it, &described)?;
                    tally.completed += 1;
                }
                None => {
                    add(place, &described)?;
                    tally.new += 1;
                }
            }
        }
        if tally.new > before {
            place.settle()?;
        }
    }
    tally.notes.extend(place.close()?);
    Ok(tally)
}

fn add(place: &mut dyn Place, run: &Described) -> Result<()> {
    let id = place.create(run)?;
    fill(place, &id, run, &run.metrics)?;
    if run.status == described::RUNNING { Ok(()) } else { place.end(&id, run) }
}

/// Adds what is missing of a run. A metric is there if its name, its epoch and its value are.
fn complete(place: &mut dyn Place, known: &Known, run: &Described) -> Result<()> {
    let logged: HashSet<(String, i64, u64)> =
        place.logged(&known.id, &run.metric_names())?.into_iter().map(|it| it.identity()).collect();
    let missing: Vec<Metric> =
        run.metrics.iter().filter(|metric| !logged.contains(&metric.identity())).cloned().collect();
    // What is not so any more, such as why it was stopped.
    let stays = |tag: &str| tag == DIGEST || run.tags.iter().any(|(name, _)| name == tag);
    for tag in place.tags(&known.id)?.iter().filter(|tag| !stays(tag)) {
        place.untag(&known.id, tag)?;
    }
    fill(place, &known.id, run, &missing)?;
    if known.status == run.status { Ok(()) } else { place.end(&known.id, run) }
}

fn fill(place: &mut dyn Place, id: &str, run: &Described, missing: &[Metric]) -> Result<()> {
    for (path, bytes) in &run.files {
        place.put(id, path, bytes)?;
    }
    place.log(id, run, missing)
}
