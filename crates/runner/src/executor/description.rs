//! The data or the program of an experiment as its plan needs it. Loads no data and runs nothing.

use std::time::Duration;

use anyhow::Result;
use data::DatasetInfo;
use model::EngineKind;
use tracking::{RecordedRun, Status};

use crate::executor::built_in::OnDataset;
use crate::executor::built_in::estimate::Estimate;
use crate::executor::program::Code;
use crate::experiment::datasets::Datasets;
use crate::experiment::group::{TrialGroup, trial_count};
use crate::experiment::learner::Subject;
use crate::experiment::spec::{Spec, Trained};

/// The data of the built-in model, or a program.
pub enum Description {
    BuiltIn { on: OnDataset, info: DatasetInfo, title: String },
    Program { code: Code, title: String },
}

/// An estimate of time, and the number of earlier runs that it comes from.
pub struct TimeEstimate {
    pub time: Duration,
    pub measured_runs: usize,
}

impl Description {
    /// Finds what `spec` trains. Reads and downloads no more data than necessary.
    pub fn find(spec: &Spec, datasets: &mut Datasets) -> Result<Self> {
        match &spec.trained {
            Trained::BuiltIn(data) => {
                let (info, title) = datasets.info(data)?;
                let on = OnDataset::new(&info.sha256, info.train_len, data.validation);
                Ok(Self::BuiltIn { on, info, title })
            }
            Trained::Program(program) => {
                Ok(Self::Program { code: Code::read(program)?, title: program.title() })
            }
        }
    }

    pub fn subject(&self) -> &dyn Subject {
        match self {
            Self::BuiltIn { on, .. } => on,
            Self::Program { code, .. } => code,
        }
    }

    /// The data or the program, in one line.
    pub fn line(&self) -> String {
        match self {
            Self::BuiltIn { on, info, title } => format!(
                "{title} · {} training and {} test examples · validation on {}",
                on.examples,
                info.test_len,
                on.validation.describe()
            ),
            Self::Program { code, title } => format!("program {title} · code {}", code.short()),
        }
    }

    /// The time to train `groups`, `jobs` at a time: from the earlier `runs` of the experiment, or
    /// by a rule of thumb; `None` if nothing is known.
    pub fn time(
        &self,
        engine: EngineKind,
        runs: &[RecordedRun],
        groups: &[TrialGroup<'_>],
        jobs: usize,
    ) -> Option<TimeEstimate> {
        match self {
            Self::BuiltIn { on, .. } => {
                let same_data = runs.iter().filter(|run| run.dataset_sha256 == on.dataset_sha256);
                let estimate = Estimate::from_runs(engine, same_data, on.examples);
                let time = estimate.time(groups, jobs);
                Some(TimeEstimate { time, measured_runs: estimate.measured_runs })
            }
            Self::Program { .. } => program_time(runs, groups, jobs),
        }
    }
}

/// Each trial takes the mean time of the finished runs.
fn program_time(
    runs: &[RecordedRun],
    groups: &[TrialGroup<'_>],
    jobs: usize,
) -> Option<TimeEstimate> {
    let finished = runs.iter().filter(|run| run.status == Status::Finished);
    let seconds: Vec<f64> = finished.filter_map(|run| run.result("seconds")).collect();
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let [measured, trials, jobs] =
        [seconds.len(), trial_count(groups), jobs.clamp(1, groups.len().max(1))].map(|n| n as f64);
    let time = Duration::try_from_secs_f64(seconds.iter().sum::<f64>() / measured * trials / jobs);
    Some(TimeEstimate { time: time.ok()?, measured_runs: seconds.len() })
}
