//! An experiment file that the user names: only it can start a program again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tracking::{RecordedRun, TrialId};

use super::repetition::Repetition;
use super::subject::{Subject, is_built_in};
use crate::cli::VerifyArgs;
use crate::executor::built_in::BuiltIn;
use crate::executor::description::Description;
use crate::executor::program::{Code, ProgramExecutor};
use crate::experiment::datasets::Datasets;
use crate::experiment::plan::Plan;
use crate::experiment::spec::{Spec, Trained};
use crate::experiment::trial::Trial;
use crate::sweep::experiment_sweep::jobs;
use crate::sweep::stop::Stop;

/// An experiment file and the trials of its plan.
pub struct ExperimentFile {
    spec: Spec,
    trials: HashMap<TrialId, Trial>,
}

impl ExperimentFile {
    /// Reads the experiment files of the command line.
    ///
    /// # Errors
    /// If one of them is not valid.
    pub fn read_all(args: &VerifyArgs) -> Result<Vec<Self>> {
        let mut datasets = Datasets::new(&args.paths, true)?;
        args.files().map(|file| Self::read(Path::new(file), args, &mut datasets)).collect()
    }

    fn read(file: &Path, args: &VerifyArgs, datasets: &mut Datasets) -> Result<Self> {
        let spec = Spec::read(file, &args.settings.sets(), Arc::new(BuiltIn))?;
        let plan = Plan::new(&spec, Description::find(&spec, datasets)?.subject())?;
        let trials = plan.trials.into_iter().map(|trial| (trial.id.clone(), trial)).collect();
        Ok(Self { spec, trials })
    }

    /// Whether the plan has the trial of a run.
    pub fn has(&self, run: &RecordedRun) -> bool {
        *run.experiment == *self.spec.name && self.trials.contains_key(&run.trial)
    }

    /// Repeats the subjects that the program of this file trained.
    pub fn repeat(&self, args: &VerifyArgs, subjects: &mut [Subject], stop: &Stop) -> Result<()> {
        let Trained::Program(program) = &self.spec.trained else { return Ok(()) };
        let is_member = |(_, subject): &(usize, &Subject)| {
            let run = &subject.recorded.run;
            !is_built_in(run) && self.has(run)
        };
        let members: Vec<usize> =
            subjects.iter().enumerate().filter(is_member).map(|(index, _)| index).collect();
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let code = Code::read(program)?;
        let executor =
            ProgramExecutor::new(&self.spec, program, &code, folder.path(), Vec::new(), true)?;
        let mut repetition = Repetition::new(subjects, &args.paths.results);
        for index in members {
            repetition.add(index, |run| {
                let trial = self.trials.get(&run.trial).cloned();
                trial.ok_or_else(|| format!("{} has no such trial", self.spec.name))
            });
        }
        repetition.run(&executor, jobs(args.jobs.or(Some(program.jobs))), stop)
    }
}
