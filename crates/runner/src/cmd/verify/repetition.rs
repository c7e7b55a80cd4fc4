//! Runs trials of recorded runs again, and compares instead of recording.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tracking::{RecordedRun, RunId, TrialId};

use super::subject::Subject;
use crate::cmd::differences::differences;
use crate::executor::{ClaimedGroup, Execution, Executor, Outcome};
use crate::experiment::group::groups;
use crate::experiment::trial::Trial;
use crate::sweep::progress::Progress;
use crate::sweep::protocol::{ClaimReply, Event, EventSink};
use crate::sweep::scheduler::sweep;
use crate::sweep::stop::Stop;
use crate::sweep::worker::WorkerContext;

/// Recorded runs to repeat with one executor.
pub struct Repetition<'s> {
    subjects: &'s mut [Subject],
    trials: Vec<Trial>,
    /// Indices of the subjects of each trial.
    runs_of_trial: HashMap<TrialId, Vec<usize>>,
    /// The results folder, which has the weights.
    results: &'s Path,
}

impl<'s> Repetition<'s> {
    pub fn new(subjects: &'s mut [Subject], results: &'s Path) -> Self {
        Self { subjects, trials: Vec::new(), runs_of_trial: HashMap::new(), results }
    }

    /// Adds a subject. `trial` finds the trial of its run, or the reason why there is none.
    pub fn add(&mut self, index: usize, trial: impl Fn(&RecordedRun) -> Result<Trial, String>) {
        match trial(&self.subjects[index].recorded.run) {
            Ok(trial) => {
                let runs = self.runs_of_trial.entry(trial.id.clone()).or_default();
                runs.push(index);
                if runs.len() == 1 {
                    self.trials.push(trial);
                }
            }
            Err(reason) => self.subjects[index].differences = Some(vec![reason]),
        }
    }

    /// Trains each trial once, and compares it with its recorded runs.
    pub fn run(mut self, executor: &dyn Executor, jobs: usize, stop: &Stop) -> Result<()> {
        let progress = Progress::silent();
        let workers =
            WorkerContext { executor, save_model: &|_, _| Ok(()), progress: &progress, stop };
        let trials = std::mem::take(&mut self.trials);
        sweep(groups(&trials), jobs, workers, Duration::ZERO, &mut self)
    }
}

impl<'a> EventSink<'a> for Repetition<'_> {
    fn handle(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        for event in events {
            match event {
                Event::Claim { group, reply } => {
                    let runs =
                        group.trials.iter().map(|_| RunId::random()).collect::<Result<_, _>>()?;
                    let claimed = Some(ClaimedGroup { group, runs, resume: None });
                    // A worker that has ended needs no reply.
                    let _ = reply.send(ClaimReply { claimed, busy: None });
                }
                Event::Epochs { .. } => {}
                Event::Ended(ended) => {
                    for index in self.runs_of_trial.remove(&ended.trial.id).unwrap_or_default() {
                        let subject = &mut self.subjects[index];
                        subject.differences = match &ended.result {
                            Ok(Execution { outcome: Outcome::Stopped, .. }) => None,
                            Ok(execution) => {
                                Some(differences(&subject.recorded, execution, self.results))
                            }
                            Err(error) => Some(vec![format!("it failed when repeated: {error}")]),
                        };
                    }
                }
            }
        }
        Ok(())
    }
}
