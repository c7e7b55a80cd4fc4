//! The interfaces between a plan and what it trains: hyperparameters, metrics and work of a trial.

use tracking::Value;

/// Hyperparameters by name, in the order of [`Learner::hyperparameters`].
pub type Params = Vec<(String, Value)>;

/// A hyperparameter that an experiment file can fix or sweep.
#[derive(Debug, Clone)]
pub struct Hyperparameter {
    pub name: String,
    pub kind: Kind,
    /// The value of an experiment that does not mention it; without it, its trials lack the
    /// hyperparameter.
    pub default: Option<Value>,
}

/// The values that a hyperparameter takes in an experiment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    Integer,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number, a text or a boolean.
    Any,
}

/// The work of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The number of epochs, if it is known before the training.
    pub epochs: Option<u32>,
    /// Steps of all epochs together; 1 if their number is not known.
    pub steps: u64,
    /// Estimated time relative to that of other trials.
    pub cost: u64,
    /// Equal for trials that are the same training, stopped after different numbers of epochs.
    pub trajectory_key: String,
}

/// Hyperparameters that cannot be trained.
#[derive(Debug)]
pub struct Misfit {
    /// The hyperparameter to change.
    pub name: String,
    pub message: String,
    /// What was expected.
    pub expected: String,
    pub help: &'static str,
}

/// The hyperparameters and metrics of what a sweep trains.
pub trait Learner: std::fmt::Debug + Send + Sync {
    /// Every hyperparameter, in the order of trial ids, tables and files.
    fn hyperparameters(&self) -> Vec<Hyperparameter>;

    /// Names of the final metrics, which the `[metrics]` section can rank by; `None` if they are
    /// not known before the training.
    fn metrics(&self) -> Option<&'static [&'static str]>;

    /// Validates `value` and returns its canonical form, so that equal values give equal trial ids.
    ///
    /// # Errors
    /// If the hyperparameter `name` cannot have this value: what was expected and what was found.
    fn check(&self, name: &str, value: &Value) -> Result<Value, String>;
}

/// The subject of all trials of a plan: the built-in model on one dataset, or one version of a
/// program.
pub trait Subject {
    /// The fields whose hash is the id of a trial: what identifies the subject, then `params`.
    fn id_fields(&self, params: &Params) -> Vec<(String, String)>;

    /// The work of a trial. `params` are checked.
    ///
    /// # Errors
    /// If `params` are not the checked hyperparameters of the learner.
    fn workload(&self, params: &Params) -> Result<Workload, String>;

    /// Why `trials` cannot all be trained.
    fn misfit(&self, trials: &[Params]) -> Option<Misfit>;
}

/// The value of a hyperparameter.
pub fn param<'a>(params: &'a Params, name: &str) -> Option<&'a Value> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
