//! How far an experiment has come in a results folder and the attempts beside it: read from files only, whoever runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use tracking::{DATABASE, Reader, RecordedRun, Shard, Status, TrialId};

use crate::cli::Places;
use crate::cluster::attempt::{self, Found};
use crate::experiment::datasets::Datasets;
use crate::experiment::group::courses;
use crate::experiment::plan::{Plan, Trial};
use crate::experiment::shard::part;
use crate::experiment::spec::Spec;
use crate::output::output;

/// Trials that are named before they are only counted.
const NAMED: usize = 20;
/// The command that submitted the experiment, in the folder of its attempts.
const SUBMITTED: &str = "submitted";

/// An experiment, and what became of its trials.
pub struct Coverage {
    pub spec: Spec,
    pub plan: Plan,
    /// Attempts at parts of this plan; of another plan of the same name, only the results count.
    attempts: Vec<Found>,
    /// What every command needs to find this plan, from the experiment file on.
    options: String,
    /// With their result, anywhere.
    done: HashSet<TrialId>,
    /// With their result in the results folder itself.
    merged: HashSet<TrialId>,
    /// Without, but in hand or failed: in the newest attempt that says so.
    other: HashMap<TrialId, Status>,
}

/// Trials of a part of the plan, or of all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub trials: usize,
    pub done: usize,
    pub running: usize,
    pub failed: usize,
}

impl Tally {
    /// Neither done nor in hand.
    pub fn missing(&self) -> usize {
        self.trials - self.done - self.running
    }
}

impl Coverage {
    /// That of the experiment in `file`.
    ///
    /// # Errors
    /// When it is no experiment, its dataset cannot be had, or the folder cannot be read.
    pub fn of(file: &Path, sets: &[String], places: &Places) -> Result<Self> {
        Self::read(file, sets, places, true)
    }

    /// That of the experiment in `file` in the results folder alone: what is in an attempt only is missing.
    ///
    /// # Errors
    /// As [`Coverage::of`].
    pub fn merged(file: &Path, sets: &[String], places: &Places) -> Result<Self> {
        Self::read(file, sets, places, false)
    }

    fn read(file: &Path, sets: &[String], places: &Places, attempts_too: bool) -> Result<Self> {
        let spec = Spec::read(file, sets)?;
        let (facts, _) = Datasets::new(places, true)?.facts(&spec)?;
        let plan = Plan::new(&spec, &facts)?;
        let (found, this_plan) =
            (attempt::found(&places.results, &spec.name)?, Some(plan.sha256()));
        let (mut done, mut merged, mut other) = (HashSet::new(), HashSet::new(), HashMap::new());
        let mut attempts = Vec::new();
        for it in found.into_iter().filter(|_| attempts_too) {
            if let Ok(reader) = Reader::open(&it.folder) {
                let runs = reader.runs(&spec.name)?;
                let starts = reader.invocations(&runs)?;
                done.extend(reader.completed_trials(&spec.name)?);
                other.extend(unfinished(runs));
                if !starts.is_empty() && starts.iter().all(|start| start.plan_sha256 != this_plan) {
                    continue;
                }
            }
            attempts.push(it);
        }
        if let Ok(reader) = Reader::open(&places.results) {
            merged = reader.completed_trials(&spec.name)?;
            done.extend(merged.iter().cloned());
            other.extend(unfinished(reader.runs(&spec.name)?));
        }
        Ok(Self { options: options(file, sets, places), spec, plan, attempts, done, merged, other })
    }

    fn tally<'a>(&self, trials: impl Iterator<Item = &'a Trial>) -> Tally {
        let mut tally = Tally::default();
        for trial in trials {
            tally.trials += 1;
            if self.done.contains(&trial.id) {
                tally.done += 1;
            } else {
                match self.other.get(&trial.id) {
                    Some(Status::Running) => tally.running += 1,
                    Some(Status::Failed) => tally.failed += 1,
                    _ => {}
                }
            }
        }
        tally
    }

    /// Whether it has its result.
    pub fn is_done(&self, trial: &Trial) -> bool {
        self.done.contains(&trial.id)
    }

    /// Whether all is done, and the results folder has all of it.
    pub fn is_merged(&self) -> bool {
        self.plan.trials.iter().all(|trial| self.merged.contains(&trial.id))
    }

    /// Of all trials.
    pub fn whole(&self) -> Tally {
        self.tally(self.plan.trials.iter())
    }

    /// Of each part into which the newest attempts cut the plan, with its attempts.
    pub fn shards(&self) -> Vec<(Shard, Tally, Vec<&Found>)> {
        let mut attempts: BTreeMap<(u32, u32), Vec<&Found>> = BTreeMap::new();
        for it in &self.attempts {
            attempts.entry((it.shard.count, it.shard.index)).or_default().push(it);
        }
        let newest = self.attempts.iter().max_by_key(|it| written(&it.folder));
        let Some(count) = newest.map(|it| it.shard.count) else { return Vec::new() };
        let all: Vec<&Trial> = self.plan.trials.iter().collect();
        let shard = |index| {
            let shard = Shard { index, count };
            let courses = part(&self.plan, courses(&self.plan, &all), shard);
            let tally = self.tally(courses.iter().flat_map(|course| course.trials.iter().copied()));
            (shard, tally, attempts.remove(&(count, index)).unwrap_or_default())
        };
        (0..count).map(shard).collect()
    }

    /// Whether some trial of `shard` has no result.
    pub fn misses(&self, shard: Shard) -> bool {
        let all: Vec<&Trial> = self.plan.trials.iter().collect();
        let courses = part(&self.plan, courses(&self.plan, &all), shard);
        courses.iter().flat_map(|course| &course.trials).any(|trial| !self.is_done(trial))
    }

    /// The command that runs what is missing, and that alone, and merges it: as this plan was submitted, or here.
    pub fn command(&self, results: &Path) -> String {
        let submitted =
            fs::read_to_string(attempt::folder(results, &self.spec.name).join(SUBMITTED))
                .unwrap_or_default();
        let of_this_plan =
            submitted.split_once('\n').filter(|(plan, _)| *plan == self.plan.sha256());
        let options = &self.options;
        let elsewhere = |trial: &Trial| self.is_done(trial) && !self.merged.contains(&trial.id);
        let done_elsewhere = self.plan.trials.iter().any(elsewhere);
        match (of_this_plan, self.whole().missing() + self.whole().running) {
            (_, 0) => format!("runner merge --attempts {options}"),
            (Some((_, command)), _) => command.trim_end().to_owned(),
            // What attempts have would be run again, were it not merged first.
            (None, _) if done_elsewhere => {
                format!("runner merge --attempts {options}; runner {options}")
            }
            (None, _) => format!("runner {options}"),
        }
    }

    /// Keeps the command that submits this plan, for [`Coverage::command`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn submitted(&self, results: &Path, command: &str) -> Result<()> {
        let folder = attempt::folder(results, &self.spec.name);
        tracking::atomic_file::write(
            &folder.join(SUBMITTED),
            crate::sweep::records::TEMPORARY,
            format!("{}\n{command}\n", self.plan.sha256()).as_bytes(),
        )?;
        Ok(())
    }

    /// Says which trials have no result, and what to do; whether there are any.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn say_what_is_missing(&self, results: &Path) -> Result<bool> {
        let missing: Vec<&Trial> =
            self.plan.trials.iter().filter(|trial| !self.is_done(trial)).collect();
        let mut out = output();
        if missing.is_empty() {
            writeln!(
                out,
                "all {} trials of {} have their result",
                self.plan.trials.len(),
                self.spec.name
            )?;
            return Ok(false);
        }
        writeln!(
            out,
            "{} of {} trials of {} are missing:",
            missing.len(),
            self.plan.trials.len(),
            self.spec.name
        )?;
        for trial in missing.iter().take(NAMED) {
            let status =
                self.other.get(&trial.id).map_or_else(String::new, |status| format!(" ({status})"));
            writeln!(out, "  {} {}{status}", trial.id, trial.title(&self.plan.varying))?;
        }
        if missing.len() > NAMED {
            writeln!(out, "  and {} more", missing.len() - NAMED)?;
        }
        writeln!(
            out,
            "to run these, and only these:\n  {}",
            tracking::printable(&self.command(results))
        )?;
        Ok(true)
    }
}

/// How the runs without a result stand, by their trials.
fn unfinished(runs: Vec<RecordedRun>) -> impl Iterator<Item = (TrialId, Status)> {
    runs.into_iter().filter(|run| !run.has_result()).map(|run| (run.trial, run.status))
}

/// The experiment file, and the options that lead to the same plan, results and dataset.
fn options(file: &Path, sets: &[String], places: &Places) -> String {
    let path = |path: &Path| quoted(&path.to_string_lossy());
    let mut words = vec![path(file), "-r".to_owned(), path(&places.results)];
    words.extend(sets.iter().flat_map(|set| ["--set".to_owned(), quoted(set)]));
    words.extend(places.data_dir.iter().flat_map(|folder| ["--data-dir".to_owned(), path(folder)]));
    words.extend(places.mirrors.iter().flat_map(|mirror| ["--mirror".to_owned(), quoted(mirror)]));
    words.extend(places.offline.then(|| "--offline".to_owned()));
    words.join(" ")
}

/// When something was last recorded in a results folder.
pub fn written(folder: &Path) -> Option<SystemTime> {
    let file = |name: &str| fs::metadata(folder.join(name)).and_then(|it| it.modified()).ok();
    file(DATABASE).max(file("tracking.db-journal"))
}

/// `3 s ago`.
pub fn ago(time: SystemTime) -> String {
    let since = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO);
    let whole =
        if since < Duration::from_secs(60) { since.as_secs() } else { since.as_secs() / 60 * 60 };
    format!("{} ago", humantime::format_duration(Duration::from_secs(whole)))
}

/// As a shell takes it for one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | '=' | ':' | ',' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
