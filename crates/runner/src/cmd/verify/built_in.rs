//! Repeats runs of the built-in model, which a record describes completely.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use data::Dataset;
use model::{DeviceChoice, EngineData, EngineKind};
use tracking::RecordedRun;

use super::repetition::Repetition;
use super::subject::{Subject, is_built_in};
use crate::cli::VerifyArgs;
use crate::executor::built_in::{BuiltIn, OnDataset, Trainer};
use crate::experiment::datasets;
use crate::experiment::trial::Trial;
use crate::experiment::validation::Validation;
use crate::sweep::experiment_sweep::jobs;
use crate::sweep::stop::Stop;

/// What a run needs to be repeated. Runs with equal requirements share the dataset in memory.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Requirements {
    dataset: String,
    path: Option<String>,
    sha256: String,
    validation: String,
    engine: String,
    device: String,
}

impl Requirements {
    fn of(run: &RecordedRun) -> Self {
        Self {
            dataset: run.dataset.clone(),
            path: run.dataset_path.clone(),
            sha256: run.dataset_sha256.clone(),
            validation: run.validation.key().to_owned(),
            engine: run.engine.clone(),
            device: run.device.clone(),
        }
    }
}

/// Repeats the subjects that the built-in model trained.
pub fn repeat(args: &VerifyArgs, subjects: &mut [Subject], stop: &Stop) -> Result<()> {
    let mut groups: BTreeMap<Requirements, Vec<usize>> = BTreeMap::new();
    for (index, Subject { recorded, .. }) in subjects.iter().enumerate() {
        if is_built_in(&recorded.run) {
            groups.entry(Requirements::of(&recorded.run)).or_default().push(index);
        }
    }
    // All datasets are checked before any run is repeated.
    let prepared: Vec<_> = groups
        .into_iter()
        .map(|(requirements, members)| (dataset(args, &requirements), requirements, members))
        .collect();
    for (dataset, requirements, members) in prepared {
        match dataset.and_then(|dataset| trainer(&requirements, dataset)) {
            Ok((trainer, on)) => {
                let mut repetition = Repetition::new(subjects, &args.paths.results);
                for index in members {
                    repetition.add(index, |run| Trial::recorded(run, &BuiltIn, &on));
                }
                repetition.run(&trainer, jobs(args.jobs), stop)?;
            }
            Err(reason) => {
                for index in members {
                    subjects[index].differences = Some(vec![reason.clone()]);
                }
            }
        }
    }
    Ok(())
}

/// The dataset of the runs, or why they cannot be repeated on it.
fn dataset(args: &VerifyArgs, requirements: &Requirements) -> Result<Arc<Dataset>, String> {
    let Requirements { dataset: name, path, sha256, .. } = requirements;
    let dataset = datasets::recorded(&args.paths, name, path.as_deref())
        .map_err(|error| format!("its dataset is unavailable: {error:#}"))?;
    if dataset.sha256 == *sha256 {
        return Ok(Arc::new(dataset));
    }
    Err(format!(
        "the dataset '{name}' has changed: expected {sha256}, found {}; nothing was run on it",
        dataset.sha256
    ))
}

/// What trains the runs, or why they cannot be repeated.
fn trainer(
    requirements: &Requirements,
    dataset: Arc<Dataset>,
) -> Result<(Trainer, OnDataset), String> {
    let Requirements { engine, device, sha256, validation, .. } = requirements;
    let kind = EngineKind::from_name(engine);
    let opened = device.parse::<DeviceChoice>().ok().and_then(|device| device.open().ok());
    let (Some(kind), Some(opened)) = (kind, opened) else {
        return Err(format!("this machine cannot run the {engine} engine on {device}"));
    };
    let validation = Validation::recorded(validation)?;
    let on = OnDataset::new(sha256, dataset.train.len(), validation);
    let data = EngineData::new(kind, &dataset, &opened).map_err(|error| error.to_string())?;
    Ok((Trainer::new(dataset, data, validation), on))
}
