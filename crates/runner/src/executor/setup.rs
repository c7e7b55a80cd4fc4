//! The loaded data or the program of an experiment, ready to run.

use std::sync::Arc;

use anyhow::Result;
use model::{DeviceChoice, EngineData, EngineKind};
use tracking::{RunHeader, SplitSizes, Status, ValidationSet};

use crate::executor::Executor;
use crate::executor::built_in::{OnDataset, Trainer};
use crate::executor::program::{Code, ENGINE, ProgramExecutor};
use crate::experiment::datasets::{Datasets, ResolvedDataset, as_text};
use crate::experiment::learner::Subject;
use crate::experiment::program_section::ProgramSection;
use crate::experiment::spec::{Spec, Trained};
use crate::sweep::destination::Destination;

/// The loaded data of the built-in model, or a program.
pub enum Setup {
    BuiltIn { resolved: ResolvedDataset, on: OnDataset },
    Program { program: Arc<ProgramSection>, code: Code },
}

/// How the built-in model is trained.
pub struct Hardware {
    pub engine: EngineKind,
    pub choice: DeviceChoice,
    pub device: model::Device,
}

impl Setup {
    /// Loads the data of `spec`, or finds its program.
    pub fn load(spec: &Spec, datasets: &mut Datasets) -> Result<Self> {
        match &spec.trained {
            Trained::BuiltIn(data) => {
                let resolved = datasets.resolve(data)?;
                let info = resolved.dataset.info();
                let on = OnDataset::new(&info.sha256, info.train_len, data.validation);
                Ok(Self::BuiltIn { resolved, on })
            }
            Trained::Program(program) => {
                Ok(Self::Program { code: Code::read(program)?, program: Arc::clone(program) })
            }
        }
    }

    pub fn subject(&self) -> &dyn Subject {
        match self {
            Self::BuiltIn { on, .. } => on,
            Self::Program { code, .. } => code,
        }
    }

    /// The data or the program, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::BuiltIn { resolved, .. } => {
                let dataset = &resolved.dataset;
                format!("{} {} + {}", dataset.name, dataset.train.len(), dataset.test.len())
            }
            Self::Program { program, .. } => program.title(),
        }
    }

    /// The fields that the runs of all trials share.
    pub fn header(&self, experiment: &str, hardware: &Hardware) -> RunHeader {
        let header = RunHeader::new(experiment, Status::Running);
        match self {
            Self::BuiltIn { resolved, on } => RunHeader {
                dataset: resolved.dataset.name.clone(),
                dataset_sha256: resolved.dataset.sha256.clone(),
                dataset_path: resolved.dataset.folder.as_deref().map(as_text),
                fallback_for: resolved.fallback_for.clone(),
                validation: ValidationSet::from(&*on.validation.to_string()),
                split_sizes: split_sizes(resolved, on),
                engine: hardware.engine.name().to_owned(),
                device: hardware.choice.to_string(),
                ..header
            },
            Self::Program { code, .. } => RunHeader {
                validation: ValidationSet::NotStated,
                engine: ENGINE.to_owned(),
                device: String::new(),
                program_sha256: Some(code.sha256.clone()),
                ..header
            },
        }
    }

    /// The executor of the trials of `spec`, whose files go to `destination`. If trials begin `anew`,
    /// it ignores what failed runs saved.
    ///
    /// # Errors
    /// If the data cannot be prepared.
    pub fn executor(
        &self,
        spec: &Spec,
        destination: &Destination,
        hardware: &Hardware,
        anew: bool,
    ) -> Result<Box<dyn Executor>> {
        match self {
            Self::BuiltIn { resolved, on } => {
                let dataset = Arc::clone(&resolved.dataset);
                let data = EngineData::new(hardware.engine, &dataset, &hardware.device)?;
                Ok(Box::new(Trainer::new(dataset, data, on.validation)))
            }
            Self::Program { program, code } => {
                let (results, attempts) = (&destination.results, destination.other_attempts()?);
                Ok(Box::new(ProgramExecutor::new(spec, program, code, results, attempts, anew)?))
            }
        }
    }
}

/// The number of training, validation and test examples of a trial.
fn split_sizes(resolved: &ResolvedDataset, on: &OnDataset) -> SplitSizes {
    let dataset = &resolved.dataset;
    let size = |examples: usize| u64::try_from(examples).ok();
    let held_out = on.validation.held_out(dataset.train.len());
    SplitSizes {
        train: size(on.examples),
        validation: held_out.and_then(size),
        test: size(dataset.test.len()),
    }
}
