//! The plan of an experiment with its recorded state, for `--plan`.

use std::collections::HashSet;

use anyhow::Result;
use tracking::{Reader, RecordedRun, StoreError, TrialId};

use crate::executor::description::Description;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::TrialGroup;
use crate::experiment::plan::Plan;
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
}

/// Whether a trial is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    ToRun,
    Done,
    /// The trial has not failed, and `--retry-failed` runs only failed trials.
    NotSelected,
}

impl State {
    /// The name in CSV and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToRun => "to_run",
            Self::Done => "done",
            Self::NotSelected => "not_selected",
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
        let (runs, mut done) = match Reader::open(&destination.results) {
            Ok(reader) => (reader.all_runs(&spec.name)?, reader.completed_trials(&spec.name)?),
            Err(StoreError::NoStore { .. }) => (Vec::new(), HashSet::new()),
            Err(error) => return Err(error.into()),
        };
        done.extend(destination.done_elsewhere(&spec.name)?);
        Ok(Self { spec, description, plan, runs, done })
    }

    /// The trials that `selection` runs.
    pub fn work(&self, selection: Selection) -> Work<'_> {
        selection.work(&self.plan, &self.runs, &self.done)
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
