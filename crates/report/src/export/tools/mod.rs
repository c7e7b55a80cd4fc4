//! Runs as other tools have them: a folder or a file a tool.

mod events;
pub mod mlflow;
pub mod tensorboard;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use tracking::{EpochMetrics, Experiment, Invocation, Reader, RecordedRun, RunId, Status};

use crate::number_format::short;
use crate::runs::{MeasuredRun, param_names, weights_file};
use crate::wording::count;

/// The runs of an experiment that are handed over.
pub struct Selection {
    /// The experiment.
    pub experiment: Experiment,
    /// Those of its runs that are as they were recorded and that every condition holds of, in the order in which they began.
    pub runs: Vec<RecordedRun>,
    /// Those that count of their trials: the weights in the results folder are theirs.
    pub counting: HashSet<RunId>,
    /// Names of the hyperparameters in which all runs of the experiment differ.
    pub varying: Vec<String>,
}

/// Names of the hyperparameters in which `runs` differ.
pub fn varying(runs: &[MeasuredRun]) -> Vec<String> {
    let differs = |name: &&str| {
        let values = runs.iter().map(|it| it.run.param(name).map(ToString::to_string));
        values.collect::<BTreeSet<_>>().len() > 1
    };
    param_names(runs).into_iter().filter(differs).map(str::to_owned).collect()
}

impl Selection {
    /// Of a run all that is known, read from the store; nothing where its epochs are not as they were recorded.
    pub fn whole(
        &self,
        reader: &Reader,
        results: &Path,
        run: &RecordedRun,
    ) -> Result<Option<Whole>> {
        let (epochs, as_recorded) = reader.checked_epochs(run)?;
        if !as_recorded {
            // So that the reader tells of it.
            reader.epochs(run)?;
            return Ok(None);
        }
        let kept = run.status == Status::Finished && self.counting.contains(&run.id);
        let weights = Some(weights_file(results, run)).filter(|file| kept && file.is_file());
        Ok(Some(Whole { run: run.clone(), epochs, invocation: reader.invocation(run)?, weights }))
    }
}

/// A run with its epochs, and where it comes from.
pub struct Whole {
    /// As recorded.
    pub run: RecordedRun,
    /// Its epochs, in order.
    pub epochs: Vec<EpochMetrics>,
    /// What made it.
    pub invocation: Invocation,
    /// The file of its final weights, where there is one.
    pub weights: Option<PathBuf>,
}

/// One number that a run measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// What was measured.
    pub name: String,
    /// After which epoch; 0 where there was none.
    pub epoch: u32,
    /// The value, which is finite.
    pub value: f64,
    /// When, since 1970.
    pub at: Duration,
}

impl Whole {
    /// When it began, since 1970.
    pub fn began(&self) -> Duration {
        since_1970(&self.run.started_at).unwrap_or_default()
    }

    /// When it ended, since 1970; nothing where it goes on, or where nobody saw it end.
    pub fn ended(&self) -> Option<Duration> {
        since_1970(&self.run.ended_at)
    }

    /// All that was measured: by epoch, then the final metrics at the last one. Of a final metric that the last epoch has too,
    /// another value is named `final_…` (`final_final_…` where that is another's name), and the same is said once. The time of an
    /// epoch is that of the beginning and what the epochs took until then, so that it is the same whenever a run is looked at.
    pub fn points(&self) -> Vec<Point> {
        let mut points = Vec::new();
        let mut at = self.began();
        for epoch in &self.epochs {
            let seconds = epoch
                .metrics
                .iter()
                .find(|(name, _)| name == "seconds")
                .map_or(0.0, |(_, seconds)| *seconds);
            at += Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let point = |(name, value): &(String, f64)| Point {
                name: name.clone(),
                epoch: epoch.epoch,
                value: *value,
                at,
            };
            points.extend(epoch.metrics.iter().map(point));
        }
        let last = self.epochs.last();
        let by_epoch: HashSet<&str> =
            self.epochs.iter().flat_map(|it| &it.metrics).map(|(name, _)| name.as_str()).collect();
        let mut taken: HashSet<String> = by_epoch.iter().map(|name| (*name).to_owned()).collect();
        taken.extend(self.run.results.iter().map(|(name, _)| name.to_string()));
        for (name, value) in &self.run.results {
            let there = last.and_then(|it| it.metrics.iter().find(|(key, _)| **key == **name));
            if there.is_some_and(|(_, there)| there == value) {
                continue;
            }
            let mut name = name.to_string();
            if by_epoch.contains(&*name) {
                while !taken.insert(name.clone()) {
                    name = format!("final_{name}");
                }
            }
            points.push(Point { name, epoch: last.map_or(0, |it| it.epoch), value: *value, at });
        }
        // Nothing records what is not finite, but a store is a file that anybody can write.
        points.retain(|point| point.value.is_finite());
        points
    }

    /// Its hyperparameters of these names, as people write them: `batch_size=32, seed=0`.
    pub fn label(&self, names: &[String]) -> String {
        let one = |name: &String| {
            let value = self.run.param(name)?;
            let text = if let tracking::Value::Real(number) = value {
                short(*number)
            } else {
                value.to_string()
            };
            Some(format!("{name}={text}"))
        };
        let label = names.iter().filter_map(one).collect::<Vec<_>>().join(", ");
        if label.is_empty() { self.run.trial.to_string() } else { label }
    }
}

/// A time of the store.
fn since_1970(text: &str) -> Option<Duration> {
    let time: SystemTime = humantime::parse_rfc3339(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok()
}

/// How many runs an export found how.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// That were not there.
    pub new: usize,
    /// Of which something was missing there.
    pub completed: usize,
    /// That were there already.
    pub same: usize,
    /// That were there, and that somebody deleted there: they stay so.
    pub deleted: usize,
    /// What could not be handed over as it is.
    pub notes: BTreeSet<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} added", count(self.new, "run"))?;
        for (number, what) in [
            (self.completed, "completed"),
            (self.same, "there already"),
            (self.deleted, "deleted there and left so"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}
