//! The plan of an experiment with its recorded state, for `--plan`.

use std::collections::{HashMap, HashSet};

use analysis::race::Raced;
use anyhow::Result;
use tracking::{Reader, RecordedRun, StoreError, TrialId};

use crate::executor::description::Description;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::TrialGroup;
use crate::experiment::plan::Plan;
use crate::experiment::race::PlannedRace;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::sweep::destination::Destination;
use crate::sweep::selection::{Selection, Work};

/// The plan of an experiment, and what is recorded of it.
pub struct Planned<'a> {
    pub spec: &'a Spec,
    pub description: Description,
    pub plan: Plan,
    /// All runs of the experiment, oldest first.
    pub runs: Vec<RecordedRun>,
    /// The trials with a result.
    pub done: HashSet<TrialId>,
    /// What the runs decide, if the experiment is a race.
    pub raced: Option<Raced>,
}

/// Whether a trial is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    ToRun,
    Done,
    /// The trial has not failed, and `--retry-failed` runs only failed trials.
    NotSelected,
    /// A later look of the race may need it.
    Later,
    /// Its setting left the race, or the race is over.
    NotNeeded,
}

impl State {
    /// The name in CSV and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToRun => "to_run",
            Self::Done => "done",
            Self::NotSelected => "not_selected",
            Self::Later => "later",
            Self::NotNeeded => "not_needed",
        }
    }
}

impl<'a> Planned<'a> {
    /// Expands `spec` and reads what is recorded. Runs, downloads and writes nothing.
    ///
    /// # Errors
    /// If the experiment has no valid plan, or the store cannot be read.
    pub fn read(
        spec: &'a Spec,
        destination: &Destination,
        datasets: &mut Datasets,
    ) -> Result<Self> {
        let description = Description::find(spec, datasets)?;
        let plan = Plan::new(spec, description.subject())?;
        let reader = match Reader::open(&destination.results) {
            Ok(reader) => Some(reader),
            Err(StoreError::NoStore { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let (runs, mut done) = match &reader {
            Some(reader) => (reader.all_runs(&spec.name)?, reader.completed_trials(&spec.name)?),
            None => (Vec::new(), HashSet::new()),
        };
        done.extend(destination.done_elsewhere(&spec.name)?);
        let read = |race: &PlannedRace| race.read(spec, destination.merged_results());
        let raced = plan.race.as_ref().map(read).transpose()?;
        Ok(Self { spec, description, plan, runs, done, raced })
    }

    /// The trials that `selection` runs.
    pub fn work(&self, selection: Selection) -> Work<'_> {
        let decision = self.raced.as_ref().map(|raced| &raced.decision);
        selection.work(selection.trials(&self.plan, decision), &self.runs, &self.done)
    }

    /// The trials of the plan and their states, in its order: all trials, or those of the shard that
    /// `selection` names.
    pub fn all_trials(&self, selection: Selection) -> Vec<(&Trial, State)> {
        let selected = self.trials(&self.work(selection));
        let Some((planned, raced)) = self.plan.race.as_ref().zip(self.raced.as_ref()) else {
            return selected;
        };
        if selection.shard.is_some() {
            return selected;
        }
        let states: HashMap<&TrialId, State> =
            selected.into_iter().map(|(trial, state)| (&trial.id, state)).collect();
        let possible = planned.possible(&self.plan.trials, &raced.decision);
        let later: HashSet<&TrialId> = possible.into_iter().map(|trial| &trial.id).collect();
        let state = |trial: &Trial| match states.get(&trial.id) {
            Some(state) => *state,
            None if self.done.contains(&trial.id) => State::Done,
            None if later.contains(&trial.id) => State::Later,
            None => State::NotNeeded,
        };
        self.plan.trials.iter().map(|trial| (trial, state(trial))).collect()
    }

    /// The candidates of `work` and their states, in the order of the plan.
    pub fn trials(&self, work: &Work<'_>) -> Vec<(&Trial, State)> {
        let (candidates, to_run) = (ids(&work.candidates), ids(&work.to_run));
        let candidates = self.plan.trials.iter().filter(|trial| candidates.contains(&trial.id));
        let state =
            |trial: &Trial| match (to_run.contains(&trial.id), self.done.contains(&trial.id)) {
                (true, _) => State::ToRun,
                (false, true) => State::Done,
                (false, false) => State::NotSelected,
            };
        candidates.map(|trial| (trial, state(trial))).collect()
    }
}

fn ids<'a>(groups: &[TrialGroup<'a>]) -> HashSet<&'a TrialId> {
    groups.iter().flat_map(|group| &group.trials).map(|trial| &trial.id).collect()
}
