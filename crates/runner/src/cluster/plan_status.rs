//! How many trials of a plan are done, in a results folder and in the attempts at its shards.
//!
//! Everything is read from files, so it works while other machines run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use analysis::race::Raced;
use anyhow::Result;
use tracking::{
    DATABASE, Invocation, Race, Reader, RecordedRun, Shard, Status, StoreError, TrialId, shell,
};

use crate::cli::{PathArgs, SettingArgs};
use crate::cluster::attempt::{self, AttemptFolder};
use crate::executor::built_in::BuiltIn;
use crate::executor::description::Description;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::groups;
use crate::experiment::plan::Plan;
use crate::experiment::shard;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::output::output;
use crate::sweep::records::TEMPORARY;

/// The largest number of missing trials that are listed by name.
const LISTED: usize = 20;
/// File with the command that submitted the experiment, in the folder of its attempts.
const SUBMITTED: &str = "submitted";

/// Which attempts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The results folder and all attempts.
    All,
    /// The results folder alone: what only an attempt has is missing.
    Merged,
}

/// A plan and the status of its trials.
pub struct PlanStatus {
    pub spec: Spec,
    pub description: Description,
    pub plan: Plan,
    /// What the merged runs decide, if the experiment is a race.
    raced: Option<Raced>,
    /// The race that the results folder declares.
    pub declared_race: Option<Race>,
    /// Attempts at shards of this plan. Of attempts at another plan of the same name, only the
    /// results count.
    attempts: Vec<AttemptFolder>,
    /// The arguments by which any command of the runner finds this plan.
    options: String,
    /// Trials with a result, anywhere.
    done: HashSet<TrialId>,
    /// Trials with a result in the results folder.
    merged: HashSet<TrialId>,
    /// The status of trials without a result, in the newest attempt that has them.
    unfinished: HashMap<TrialId, Status>,
    /// What is damaged in the stores, in words. Damaged runs are no results.
    pub issues: Vec<String>,
}

/// Numbers of trials by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusCounts {
    pub trials: usize,
    pub done: usize,
    pub running: usize,
    pub failed: usize,
}

impl StatusCounts {
    /// Trials that are neither done nor running.
    pub fn missing(&self) -> usize {
        self.trials - self.done - self.running
    }
}

impl PlanStatus {
    /// Reads the status of the experiment in `file`.
    ///
    /// # Errors
    /// If the file is not valid, its dataset is unavailable, or a folder cannot be read.
    pub fn read(
        file: &Path,
        settings: &SettingArgs,
        paths: &PathArgs,
        scope: Scope,
    ) -> Result<Self> {
        let spec = Spec::read(file, &settings.sets(), Arc::new(BuiltIn))?;
        let description = Description::find(&spec, &mut Datasets::new(paths, true)?)?;
        let plan = Plan::new(&spec, description.subject())?;
        let mut status = Self {
            options: options(file, settings, paths),
            spec,
            description,
            plan,
            raced: None,
            declared_race: None,
            attempts: Vec::new(),
            done: HashSet::new(),
            merged: HashSet::new(),
            unfinished: HashMap::new(),
            issues: Vec::new(),
        };
        if scope == Scope::All {
            status.read_attempts(&paths.results)?;
        }
        match Reader::open(&paths.results) {
            Ok(reader) => {
                (_, status.merged) = status.read_runs(&reader)?;
                status.declared_race = reader.declarations(&status.spec.name)?.race;
            }
            Err(StoreError::NoStore { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let raced = status.plan.race.as_ref();
        let raced = raced.map(|race| race.read(&status.spec, &paths.results));
        status.raced = raced.transpose()?;
        Ok(status)
    }

    fn read_attempts(&mut self, results: &Path) -> Result<()> {
        let (name, this_plan) = (self.spec.name.clone(), Some(self.plan.sha256()));
        for attempt in attempt::find(results, &name)? {
            // The attempts that are readable count, as in a merge.
            match Reader::open(&attempt.path) {
                Ok(reader) => {
                    let starts = reader.invocations_of(&self.read_runs(&reader)?.0)?;
                    let is_of_plan = |start: &Invocation| start.plan_sha256 == this_plan;
                    if !starts.is_empty() && !starts.iter().any(is_of_plan) {
                        continue;
                    }
                }
                Err(StoreError::NoStore { .. }) => {}
                Err(error) => self.issues.push(format!("skipped: {error}")),
            }
            self.attempts.push(attempt);
        }
        Ok(())
    }

    /// Adds the results, the unfinished runs and the damage of a store. Returns its runs and its
    /// trials with a result.
    fn read_runs(&mut self, reader: &Reader) -> Result<(Vec<RecordedRun>, HashSet<TrialId>)> {
        let runs = reader.runs(&self.spec.name)?;
        let completed = reader.completed_trials(&self.spec.name)?;
        for run in &runs {
            if !run.has_result() {
                self.unfinished.insert(run.trial.clone(), run.status);
            } else if !completed.contains(&run.trial) {
                // Its epochs are damaged. The reader reports that when it reads them.
                reader.epochs(run)?;
            }
        }
        self.done.extend(completed.iter().cloned());
        self.issues.extend(reader.integrity_issues().iter().map(ToString::to_string));
        Ok((runs, completed))
    }

    fn count<'a>(&self, trials: impl IntoIterator<Item = &'a Trial>) -> StatusCounts {
        let mut counts = StatusCounts::default();
        for trial in trials {
            counts.trials += 1;
            if self.is_done(trial) {
                counts.done += 1;
            } else {
                match self.unfinished.get(&trial.id) {
                    Some(Status::Running) => counts.running += 1,
                    Some(Status::Failed) => counts.failed += 1,
                    _ => {}
                }
            }
        }
        counts
    }

    /// Whether a trial has a result.
    pub fn is_done(&self, trial: &Trial) -> bool {
        self.done.contains(&trial.id)
    }

    /// The trials of the plan, or of the current look of a race. Of a race that is over, all trials
    /// that it needed.
    pub fn trials(&self) -> Vec<&Trial> {
        let trials = &self.plan.trials;
        match (&self.plan.race, &self.raced) {
            (Some(planned), Some(raced)) if raced.decision.end.is_some() => {
                planned.needed(trials, &raced.decision)
            }
            (Some(planned), Some(raced)) => planned.current(trials, &raced.decision),
            _ => trials.iter().collect(),
        }
    }

    /// Whether the results folder has a result of every trial, or of every trial that a race needed.
    pub fn is_merged(&self) -> bool {
        match &self.raced {
            Some(raced) => raced.decision.end.is_some(),
            None => self.plan.trials.iter().all(|trial| self.merged.contains(&trial.id)),
        }
    }

    /// The owner of the [trials](PlanStatus::trials) as text: the experiment, or the look of its race.
    pub fn subject(&self) -> String {
        let name = &self.spec.name;
        match (&self.plan.race, &self.raced) {
            (Some(_), Some(raced)) if raced.decision.end.is_some() => format!("the race of {name}"),
            (Some(planned), Some(raced)) => {
                let (look, looks) = (raced.decision.looks + 1, planned.race.rules.looks().len());
                format!("look {look} of {looks} of {name}")
            }
            _ => name.to_string(),
        }
    }

    /// Says that no trial must run. Only a race ends without the result of a failed trial.
    pub fn completion(&self) -> String {
        let (StatusCounts { trials, done, .. }, subject) = (self.counts(), self.subject());
        match trials - done {
            0 => format!("all {trials} trials of {subject} have their result"),
            failed => format!("{subject} is over; {failed} of {trials} trials have no result"),
        }
    }

    /// Whether all looks so far are merged and no trial of the next has run.
    fn is_between_looks(&self) -> bool {
        let is_later = self.raced.as_ref().is_some_and(|raced| raced.decision.looks > 0);
        let has_run =
            |trial: &&Trial| self.is_done(trial) || self.unfinished.contains_key(&trial.id);
        is_later && !self.trials().iter().any(has_run)
    }

    /// Counts [`PlanStatus::trials`].
    pub fn counts(&self) -> StatusCounts {
        self.count(self.trials())
    }

    /// Counts the trials of each shard, by the newest attempt's number of shards, and lists the
    /// attempts at it.
    pub fn shards(&self) -> Vec<(Shard, StatusCounts, Vec<&AttemptFolder>)> {
        let mut attempts: BTreeMap<(u32, u32), Vec<&AttemptFolder>> = BTreeMap::new();
        for attempt in &self.attempts {
            let key = (attempt.shard.count, attempt.shard.index);
            attempts.entry(key).or_default().push(attempt);
        }
        let newest = self.attempts.iter().max_by_key(|attempt| last_write(&attempt.path));
        let Some(count) = newest.map(|attempt| attempt.shard.count) else { return Vec::new() };
        let shard = |index| {
            let shard = Shard { index, count };
            let counts = self.count(self.trials_of(shard));
            (shard, counts, attempts.remove(&(count, index)).unwrap_or_default())
        };
        (0..count).map(shard).collect()
    }

    fn trials_of(&self, shard: Shard) -> impl Iterator<Item = &Trial> {
        shard::part(groups(self.trials()), shard).into_iter().flat_map(|group| group.trials)
    }

    /// Whether some trial of `shard` has no result.
    pub fn is_incomplete(&self, shard: Shard) -> bool {
        self.trials_of(shard).any(|trial| !self.is_done(trial))
    }

    /// The command that runs the missing trials and merges them: as the plan was submitted, or on
    /// this machine.
    pub fn command(&self, results: &Path) -> String {
        let file = attempt::folder(results, &self.spec.name).join(SUBMITTED);
        let submitted = fs::read_to_string(file).unwrap_or_default();
        let submitted = submitted.split_once('\n');
        let submitted = submitted.filter(|(plan, _)| *plan == self.plan.sha256());
        let start = |verb| shell::command(&shell::invocation_of("runner", verb));
        let run = || format!("{} {}", start("run"), self.options);
        let merge = || format!("{} --attempts {}", start("merge"), self.options);
        let only_in_attempts =
            |trial: &Trial| self.is_done(trial) && !self.merged.contains(&trial.id);
        let counts = self.counts();
        match (submitted, counts.missing() + counts.running) {
            (_, 0) => merge(),
            (Some((_, command)), _) => command.trim_end().to_owned(),
            // Without a merge, the trials that only attempts have would run again.
            (None, _) if self.trials().into_iter().any(only_in_attempts) => {
                format!("{}; {}", merge(), run())
            }
            (None, _) => run(),
        }
    }

    /// Stores the command that submits this plan, for [`PlanStatus::command`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_command(&self, results: &Path, command: &str) -> Result<()> {
        let folder = attempt::folder(results, &self.spec.name);
        let text = format!("{}\n{command}\n", self.plan.sha256());
        let file = folder.join(SUBMITTED);
        tracking::atomic_file::write(&file, TEMPORARY, text.as_bytes())?;
        Ok(())
    }

    /// Prints the trials without a result and the command that runs them. Returns whether there are
    /// any.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print_missing(&self, results: &Path) -> Result<bool> {
        let (trials, subject) = (self.trials(), self.subject());
        let missing: Vec<&Trial> =
            trials.iter().copied().filter(|trial| !self.is_done(trial)).collect();
        let mut out = output();
        if missing.is_empty() || self.is_merged() {
            writeln!(out, "{}", self.completion())?;
            return Ok(false);
        }
        let command = self.command(results);
        let command = tracking::printable(&command);
        if self.is_between_looks() {
            writeln!(out, "{subject} needs {} trials; to run them:\n  {command}", trials.len())?;
            return Ok(false);
        }
        writeln!(out, "{} of {} trials of {subject} are missing:", missing.len(), trials.len())?;
        for trial in missing.iter().take(LISTED) {
            let status = self.unfinished.get(&trial.id);
            let status = status.map_or_else(String::new, |status| format!(" ({status})"));
            writeln!(out, "  {} {}{status}", trial.id, trial.title(&self.plan.varying))?;
        }
        if missing.len() > LISTED {
            writeln!(out, "  and {} more", missing.len() - LISTED)?;
        }
        writeln!(out, "to run only these:\n  {command}")?;
        Ok(true)
    }
}

/// The experiment file, and the options that select the same plan, results and dataset.
fn options(file: &Path, settings: &SettingArgs, paths: &PathArgs) -> String {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut words = vec![text(file)];
    words.extend(shell::results_option(&paths.results));
    words.extend(settings.words());
    words.extend(paths.data_dir.iter().flat_map(|folder| ["--data-dir".to_owned(), text(folder)]));
    words.extend(paths.mirrors.iter().flat_map(|url| ["--mirror".to_owned(), url.clone()]));
    words.extend(paths.offline.then(|| "--offline".to_owned()));
    shell::command(&words)
}

/// When a results folder was last written.
pub fn last_write(folder: &Path) -> Option<SystemTime> {
    let modified = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified());
    modified(DATABASE).ok().max(modified("tracking.db-journal").ok())
}

/// A time as an age, such as `3s ago`.
pub fn ago(time: SystemTime) -> String {
    let age = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    let rounded = if age < 60 { age } else { age / 60 * 60 };
    format!("{} ago", humantime::format_duration(Duration::from_secs(rounded)))
}
