//! Trials and plans for tests.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use tracking::Value;

use crate::executor::built_in::{BuiltIn, OnDataset};
use crate::executor::program::Code;
use crate::experiment::learner::{Hyperparameter, Learner};
use crate::experiment::plan::Plan;
use crate::experiment::spec::{Spec, Trained};
use crate::experiment::trial::Trial;
use crate::experiment::validation::Validation;

/// A trial of the built-in model on 1,000 training examples.
pub fn trial((batch_size, epochs, seed): (i64, i64, i64)) -> Trial {
    let changed = [("batch_size", batch_size), ("epochs", epochs), ("seed", seed)];
    let value = |name: &str, default| {
        let found = changed.iter().find(|(key, _)| *key == name);
        found.map_or(default, |(_, value)| Value::Integer(*value))
    };
    let params = BuiltIn
        .hyperparameters()
        .into_iter()
        .map(|Hyperparameter { name, default, .. }| (name.clone(), value(&name, default.unwrap())))
        .collect();
    Trial::new(params, &OnDataset::new("00", 1_000, Validation::Test)).unwrap()
}

/// The plan of an experiment file with this text. A dataset has 1,000 training examples.
pub fn plan(text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let spec = Spec::read(&path, &[], Arc::new(BuiltIn)).map_err(|error| error.to_string())?;
    let plan = match &spec.trained {
        Trained::BuiltIn(data) => Plan::new(&spec, &OnDataset::new("00", 1_000, data.validation)),
        Trained::Program(program) => Plan::new(&spec, &Code::read(program).unwrap()),
    };
    plan.map_err(|error| error.to_string())
}
