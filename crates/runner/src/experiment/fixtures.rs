//! Trials for tests.
#![allow(clippy::unwrap_used)]

use tracking::Value;

use crate::executor::built_in::{BuiltIn, OnDataset};
use crate::experiment::learner::{Hyperparameter, Learner};
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
