//! Runs and their measurements.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::SystemTime;

use crate::{ErrorAnalysis, RunId, Status, TrialId, ValidationSet, Value, checksum};

/// The state of a training after an epoch, from which it can resume.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Training time until the end of the epoch, in seconds.
    pub seconds: f64,
    /// The model, in a format of the training program.
    pub model: Vec<u8>,
}

/// Metrics of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Weight updates since the run began.
    pub step: u64,
    /// Names and values. A value that is not finite is not recorded.
    pub metrics: Vec<(String, f64)>,
}

/// The final value of a metric: the one in `results`, or else the last one in `by_epoch`, which has
/// the metrics of all epochs in order. The last epoch may lack the metric.
///
/// ```
/// let by_epoch = [("loss", 0.3), ("f1", 0.8), ("loss", 0.2)];
/// let value = |name| tracking::final_value(name, &[("loss", 0.1)], &by_epoch);
/// assert_eq!((value("loss"), value("f1"), value("wer")), (Some(0.1), Some(0.8), None));
/// ```
#[must_use]
pub fn final_value<'a, R, E>(
    name: &str,
    results: &[(R, f64)],
    by_epoch: impl IntoIterator<IntoIter: DoubleEndedIterator<Item = &'a (E, f64)>>,
) -> Option<f64>
where
    R: AsRef<str>,
    E: AsRef<str> + 'a,
{
    let recorded = results.iter().find(|(key, _)| key.as_ref() == name);
    recorded.map(|(_, value)| *value).or_else(|| {
        let last = by_epoch.into_iter().rev().find(|(key, _)| key.as_ref() == name);
        last.map(|(_, value)| *value)
    })
}

/// The number of examples in each split of a run's data, where known. An accuracy on n examples is
/// a multiple of 1/n, so different accuracies differ by at least 1/n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SplitSizes {
    /// Training examples.
    pub train: Option<u64>,
    /// Examples held out of the training set.
    pub validation: Option<u64>,
    /// Test examples.
    pub test: Option<u64>,
}

/// The position of a run among the runs of its trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// After all runs of the trial in the store, regardless of the clock.
    #[default]
    Next,
    /// The position that another store assigned, in microseconds since 1970; `None` for a run of an
    /// earlier schema.
    Assigned(Option<i64>),
}

/// The fields that a [`Run`] and a [`RecordedRun`] share: identity, status, data and engine. Both
/// dereference to it, so `run.status` reads `run.header.status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHeader {
    /// The run whose training includes this run. This run was recorded during that training; it was
    /// not trained separately.
    pub shared_from: Option<RunId>,
    /// Name of the experiment.
    pub experiment: String,
    /// The trial that ran.
    pub trial: TrialId,
    /// State of the run, or how it ended.
    pub status: Status,
    /// Why the run did not finish.
    pub error: Option<String>,
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 digest of the dataset.
    pub dataset_sha256: String,
    /// Folder of a user's own dataset: its path, or a `file://` URL if the path is not UTF-8.
    pub dataset_path: Option<String>,
    /// The requested dataset, if `dataset` replaced it because it was unavailable.
    pub fallback_for: Option<String>,
    /// Data of the `val_…` metrics.
    pub validation: ValidationSet,
    /// Number of examples in each split.
    pub split_sizes: SplitSizes,
    /// SHA-256 digest of the program that the runner started: its command, directory, environment
    /// and files. `None` for the built-in model and for programs that record their own runs.
    pub program_sha256: Option<String>,
    /// Name of the engine that computed the run.
    pub engine: String,
    /// Name of the device that computed the run.
    pub device: String,
}

impl RunHeader {
    /// A header without a dataset and an engine, for the trial without hyperparameters on the CPU.
    /// Use it as the base of a struct update (`..RunHeader::new(…)`).
    #[must_use]
    pub fn new(experiment: &str, status: Status) -> Self {
        Self {
            shared_from: None,
            experiment: experiment.to_owned(),
            trial: TrialId::of(&[]),
            status,
            error: None,
            dataset: String::new(),
            dataset_sha256: String::new(),
            dataset_path: None,
            fallback_for: None,
            validation: ValidationSet::Test,
            split_sizes: SplitSizes::default(),
            program_sha256: None,
            engine: String::new(),
            device: "cpu".to_owned(),
        }
    }

    /// Whether the trial has a result, so that it need not run again.
    #[must_use]
    pub fn has_result(&self) -> bool {
        matches!(self.status, Status::Finished | Status::Diverged)
    }

    /// Whether the run ended by itself: it finished, diverged or failed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, Status::Running | Status::Killed)
    }
}

/// A run to be recorded, either complete or as far as it is known at its start.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The id, if another run refers to it before it is recorded; otherwise the store assigns one.
    pub id: Option<RunId>,
    /// Identity, status, data and engine.
    pub header: RunHeader,
    /// Start time.
    pub started_at: SystemTime,
    /// Position among the runs of the trial.
    pub order: Order,
    /// End time.
    pub ended_at: SystemTime,
    /// Hyperparameters, in the column order of tables.
    pub params: Vec<(String, Value)>,
    /// Metrics of each epoch, in order.
    pub epochs: Vec<EpochMetrics>,
    /// Final metrics. A value that is not finite is not recorded.
    pub results: Vec<(String, f64)>,
    /// Confusion matrix and mistakes of the final weights on the test set.
    pub error_analysis: Option<ErrorAnalysis>,
}

impl Run {
    /// A run without hyperparameters and measurements that ends now. Use it as the base of a struct
    /// update (`..Run::new(…)`).
    #[must_use]
    pub fn new(header: RunHeader, started_at: SystemTime) -> Self {
        Self {
            id: None,
            header,
            started_at,
            order: Order::Next,
            ended_at: SystemTime::now(),
            params: Vec::new(),
            epochs: Vec::new(),
            results: Vec::new(),
            error_analysis: None,
        }
    }

    /// Returns the run after `change`.
    ///
    /// ```
    /// # use tracking::{Run, RunHeader, Status};
    /// # let run = Run::new(RunHeader::new("wine", Status::Finished), std::time::SystemTime::now());
    /// let run = run.with(|run| run.dataset = "wine".into());
    /// assert_eq!(run.dataset, "wine");
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Deref for Run {
    type Target = RunHeader;

    fn deref(&self) -> &RunHeader {
        &self.header
    }
}

impl DerefMut for Run {
    fn deref_mut(&mut self) -> &mut RunHeader {
        &mut self.header
    }
}

/// A run in the store, without its epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// The id.
    pub id: RunId,
    /// Identity, status, data and engine.
    pub header: RunHeader,
    /// Start time, in RFC 3339, UTC.
    pub started_at: String,
    /// End time, in RFC 3339, UTC; empty while the run is running.
    pub ended_at: String,
    /// Hyperparameters, in order.
    pub params: Vec<(Arc<str>, Value)>,
    /// Final metrics.
    pub results: Vec<(Arc<str>, f64)>,
    /// Last recorded epoch; 0 if there is none.
    pub last_epoch: u32,
    pub(crate) invocation: i64,
    pub(crate) sequence: i64,
    pub(crate) ordered_at: Option<i64>,
    pub(crate) metric_count: Option<i64>,
    pub(crate) checksum: Option<i64>,
}

impl Deref for RecordedRun {
    type Target = RunHeader;

    fn deref(&self) -> &RunHeader {
        &self.header
    }
}

impl RecordedRun {
    /// The hyperparameter `name`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Value> {
        self.params.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// The final metric `name`.
    #[must_use]
    pub fn result(&self, name: &str) -> Option<f64> {
        self.results.iter().find(|(key, _)| &**key == name).map(|(_, value)| *value)
    }

    /// The number of the program start that made the run, or the last one that resumed it. Numbers
    /// grow in the order of recording; two stores can use the same numbers.
    #[must_use]
    pub fn invocation_number(&self) -> i64 {
        self.invocation
    }

    /// Sort key of runs: `ordered_at`, or the start time for a run of an earlier schema. The run id
    /// breaks ties, so the order is the same in every store after a merge. Runs of earlier schemas
    /// are the exception: `sequence` breaks their ties, and it depends on the store.
    pub(crate) fn order(&self) -> (i64, i64, &str) {
        match self.ordered_at {
            Some(micros) => (micros, i64::MIN, self.id.as_str()),
            None => (micros_of(&self.started_at), self.sequence, self.id.as_str()),
        }
    }

    /// Whether the run matches its checksum. A run of an early schema has no checksum and counts as
    /// intact.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        match self.checksum {
            Some(expected) => expected == checksum::of_run(self),
            // The schemas without checksums did not count metrics either. A run with a count has
            // lost its checksum.
            None => self.metric_count.is_none(),
        }
    }
}

/// Microseconds since 1970; 0 for earlier times.
pub(crate) fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// [`micros`] of a timestamp in the store; 0 if the timestamp is invalid.
pub(crate) fn micros_of(time: &str) -> i64 {
    humantime::parse_rfc3339(time).map_or(0, micros)
}
