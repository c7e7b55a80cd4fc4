//! The hyperparameters of a program: the keys of `[train]` and `[sweep]`.

use std::collections::BTreeSet;

use tracking::Value;

use crate::experiment::file::Entries;
use crate::experiment::learner::{Hyperparameter, Kind, Learner};

/// A program, of which only the experiment file knows the hyperparameters.
#[derive(Debug)]
pub struct ProgramLearner {
    /// The names, sorted: the order of keys in a file has no meaning.
    names: BTreeSet<String>,
}

impl ProgramLearner {
    /// A program whose hyperparameters are the keys of these tables.
    pub fn new(train: &Entries, swept: &Entries) -> Self {
        Self { names: train.iter().chain(swept).map(|(key, _)| key.name.clone()).collect() }
    }
}

impl Learner for ProgramLearner {
    fn hyperparameters(&self) -> Vec<Hyperparameter> {
        let any =
            |name: &String| Hyperparameter { name: name.clone(), kind: Kind::Any, default: None };
        self.names.iter().map(any).collect()
    }

    fn metrics(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Every value is valid. Zero has one form, because the store has one.
    fn check(&self, _: &str, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Real(number) if *number == 0.0 => Value::Real(0.0),
            other => other.clone(),
        })
    }
}
