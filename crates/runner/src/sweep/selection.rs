//! Which trials of a plan a sweep runs.

use std::collections::{HashMap, HashSet};

use analysis::race::Decision;
use tracking::{RecordedRun, Shard, Status, TrialId};

use crate::experiment::group::{TrialGroup, groups, trial_count};
use crate::experiment::plan::Plan;
use crate::experiment::shard;
use crate::experiment::trial::Trial;

/// Which trials to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Trials without a result.
    Missing,
    /// All trials.
    All,
    /// Trials whose newest run failed.
    Failed,
}

/// The work of a sweep.
pub struct Work<'a> {
    /// The needed trials of the plan, or those in the shard.
    pub candidates: Vec<TrialGroup<'a>>,
    /// The trials to run.
    pub to_run: Vec<TrialGroup<'a>>,
    /// The number of other candidates that have a result, or failed in this command.
    pub done: usize,
}

impl Work<'_> {
    /// The work without trials that ran before.
    pub fn without(mut self, ran: &HashSet<TrialId>) -> Self {
        let before = trial_count(&self.to_run);
        for group in &mut self.to_run {
            group.trials.retain(|trial| !ran.contains(&trial.id));
        }
        self.to_run.retain(|group| !group.trials.is_empty());
        self.done += before - trial_count(&self.to_run);
        self
    }
}

/// Which trials of a plan a sweep runs.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    pub choice: Choice,
    /// Only the trials of this shard.
    pub shard: Option<Shard>,
}

impl Selection {
    /// The trials of `plan` that are needed so far. A shard of a race runs its part of the current
    /// look, or of all failed trials.
    pub fn trials<'a>(&self, plan: &'a Plan, decision: Option<&Decision>) -> Vec<&'a Trial> {
        let is_part = self.shard.is_some() && self.choice != Choice::Failed;
        match plan.race.as_ref().zip(decision) {
            Some((race, decision)) if is_part => race.current(&plan.trials, decision),
            Some((race, decision)) => race.needed(&plan.trials, decision),
            None => plan.trials.iter().collect(),
        }
    }

    /// The trials of the shard, or all.
    fn candidates<'a>(&self, trials: impl IntoIterator<Item = &'a Trial>) -> Vec<TrialGroup<'a>> {
        let groups = groups(trials);
        match self.shard {
            Some(shard) => shard::part(groups, shard),
            None => groups,
        }
    }

    /// The work on `trials` of the plan, given the `recorded` runs of the experiment, oldest first,
    /// and the trials that are `done`. For [`Choice::Failed`], `recorded` must hold all runs: a
    /// failed run is not effective if an older run of its trial has a result.
    pub fn work<'a>(
        &self,
        trials: impl IntoIterator<Item = &'a Trial>,
        recorded: &[RecordedRun],
        done: &HashSet<TrialId>,
    ) -> Work<'a> {
        let failed = failed_trials(recorded);
        let selected = |trial: &Trial| match self.choice {
            Choice::Missing => !done.contains(&trial.id),
            Choice::All => true,
            Choice::Failed => failed.contains(&trial.id),
        };
        let candidates = self.candidates(trials);
        let trials = candidates.iter().flat_map(|group| &group.trials);
        let others = trials.filter(|trial| !selected(trial));
        let done = others.filter(|trial| done.contains(&trial.id)).count();
        let mut to_run = candidates.clone();
        for group in &mut to_run {
            group.trials.retain(|trial| selected(trial));
        }
        to_run.retain(|group| !group.trials.is_empty());
        Work { candidates, to_run, done }
    }
}

/// Trials whose newest run that ended by itself failed.
fn failed_trials(runs: &[RecordedRun]) -> HashSet<&TrialId> {
    let ended = runs.iter().filter(|run| !matches!(run.status, Status::Running | Status::Killed));
    let newest: HashMap<&TrialId, Status> = ended.map(|run| (&run.trial, run.status)).collect();
    let failed = newest.into_iter().filter(|(_, status)| *status == Status::Failed);
    failed.map(|(trial, _)| trial).collect()
}
