//! The interface between a plan and what it trains: hyperparameters, metrics and work of a trial.

use tracking::Value;

/// Hyperparameters by name, in the order of [`Learner::hyperparameters`].
pub type Params = Vec<(String, Value)>;

/// A hyperparameter that an experiment file can fix or sweep.
#[derive(Debug, Clone)]
pub struct Hyperparameter {
    pub name: &'static str,
    pub kind: Kind,
    /// The value of an experiment that does not mention it.
    pub default: Value,
}

/// The values that a hyperparameter takes in an experiment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    Integer,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// The work of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub epochs: u32,
    /// Steps of all epochs together.
    pub steps: u64,
    /// Estimated time relative to that of other trials.
    pub cost: u64,
    /// Equal for trials that are the same training, stopped after different numbers of epochs.
    pub trajectory_key: String,
}

/// Hyperparameters that cannot be trained on a dataset.
#[derive(Debug)]
pub struct Misfit {
    /// The hyperparameter to change.
    pub name: &'static str,
    pub message: String,
    /// What was expected.
    pub expected: String,
    pub help: &'static str,
}

/// What a sweep trains, such as the built-in model.
pub trait Learner {
    /// Every hyperparameter, in the order of trial ids, tables and files.
    fn hyperparameters(&self) -> Vec<Hyperparameter>;

    /// Names of the final metrics, which the `[metrics]` section can rank by.
    fn metrics(&self) -> &'static [&'static str];

    /// Validates `value` and returns its canonical form, so that equal values give equal trial ids.
    ///
    /// # Errors
    /// If the hyperparameter `name` cannot have this value: what was expected and what was found.
    fn check(&self, name: &str, value: &Value) -> Result<Value, String>;

    /// The work of a trial on `examples` training examples. `params` are checked.
    ///
    /// # Errors
    /// If `params` are not the checked hyperparameters of this learner.
    fn workload(&self, params: &Params, examples: usize) -> Result<Workload, String>;

    /// Why `trials` cannot all be trained on `examples` training examples.
    fn misfit(&self, trials: &[Params], examples: usize) -> Option<Misfit>;
}

/// The value of a hyperparameter.
pub fn param<'a>(params: &'a Params, name: &str) -> Option<&'a Value> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
