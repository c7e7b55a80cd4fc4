//! Which trials of a plan a sweep runs.

use std::collections::{HashMap, HashSet};

use tracking::{RecordedRun, Shard, Status, TrialId};

use crate::experiment::group::{TrialGroup, groups};
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

/// Which trials of a plan a sweep runs.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    pub choice: Choice,
    /// Only the trials of this shard.
    pub shard: Option<Shard>,
}

impl Selection {
    /// All trials of the shard, or of the plan.
    pub fn candidates<'a>(&self, plan: &'a Plan) -> Vec<TrialGroup<'a>> {
        let groups = groups(&plan.trials);
        match self.shard {
            Some(shard) => shard::part(groups, shard),
            None => groups,
        }
    }

    /// The trials to run, given the `recorded` runs of the experiment, oldest first, and the trials
    /// that are `done`. For [`Choice::Failed`], `recorded` must hold all runs: a failed run is not
    /// effective if an older run of its trial has a result.
    pub fn trials_to_run<'a>(
        &self,
        plan: &'a Plan,
        recorded: &[RecordedRun],
        done: &HashSet<TrialId>,
    ) -> Vec<TrialGroup<'a>> {
        let failed = failed_trials(recorded);
        let selected = |trial: &Trial| match self.choice {
            Choice::Missing => !done.contains(&trial.id),
            Choice::All => true,
            Choice::Failed => failed.contains(&trial.id),
        };
        let mut groups = self.candidates(plan);
        for group in &mut groups {
            group.trials.retain(|trial| selected(trial));
        }
        groups.retain(|group| !group.trials.is_empty());
        groups
    }
}

/// Trials whose newest run that ended by itself failed.
fn failed_trials(runs: &[RecordedRun]) -> HashSet<&TrialId> {
    let ended = runs.iter().filter(|run| !matches!(run.status, Status::Running | Status::Killed));
    let newest: HashMap<&TrialId, Status> = ended.map(|run| (&run.trial, run.status)).collect();
    let failed = newest.into_iter().filter(|(_, status)| *status == Status::Failed);
    failed.map(|(trial, _)| trial).collect()
}
