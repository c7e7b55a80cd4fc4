//! What is recorded: experiments, starts of a program, runs and what they measured.

use std::fmt;
use std::ops::Add;
use std::sync::Arc;
use std::time::SystemTime;

use crate::{ErrorAnalysis, Process, RunId, Status, TrialId, Value, checksum};

/// An experiment, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// One to 64 of `a-z 0-9 _ -`: it names a folder.
    pub name: String,
    /// One line for people.
    pub description: String,
}

/// One start of a program for one experiment: the provenance that its runs share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// Version of the program.
    pub program_version: String,
    /// Commit it was built from.
    pub git_commit: Option<String>,
    /// Whether its sources differed from that commit.
    pub git_dirty: Option<bool>,
    /// Version of candle in it.
    pub candle_version: Option<String>,
    /// Name of the processor.
    pub cpu: String,
    /// Vector instructions it has.
    pub instruction_set: String,
    /// Name and version of the operating system.
    pub os: String,
    /// Trials at a time.
    pub jobs: u32,
    /// The command as typed.
    pub command_line: String,
    /// Text of the experiment file.
    pub experiment_file: Option<String>,
    /// Who works on the runs.
    pub process: Process,
    /// Digest of the plan, where there is one.
    pub plan_sha256: Option<String>,
    /// Which part of the plan, where it is not all of it.
    pub shard: Option<Shard>,
    /// What there is to do, where that is known when it starts: who watches is told how much is left.
    pub work: Option<PlannedWork>,
}

/// Part `index` (from 0) of `count` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 0.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What a start of a program sets out to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedWork {
    /// Trials of its plan, or of its part of it.
    pub trials: u32,
    /// Those of them that are to run; the others have their result.
    pub to_run: u32,
    /// Weight updates that these take together, counted as [`EpochMetrics::step`] counts them.
    pub steps: u64,
}

impl Add for PlannedWork {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trials: self.trials.saturating_add(other.trials),
            to_run: self.to_run.saturating_add(other.to_run),
            steps: self.steps.saturating_add(other.steps),
        }
    }
}

/// A run was left, and gone on with by another start of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// The last epoch that it kept; 0 where there was none.
    pub epoch: u32,
    /// When it was gone on with, RFC 3339 in UTC.
    pub at: String,
    /// The start of the program that had come so far.
    pub(crate) invocation: i64,
}

/// What a training goes on from: the model after an epoch that is recorded whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The epoch.
    pub epoch: u32,
    /// Time that the run took until then.
    pub seconds: f64,
    /// The model, as the training program writes it.
    pub model: Vec<u8>,
}

/// Metrics of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps taken since the run began.
    pub step: u64,
    /// Names and values. A value that is not finite is not recorded.
    pub metrics: Vec<(String, f64)>,
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

/// A run, as it is to be recorded: whole, or as far as it is known when it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its identity, where another run names it before it is recorded; else it gets one then.
    pub id: Option<RunId>,
    /// The run whose training this one is a part of: it was recorded on the way there, not trained again.
    pub shared_from: Option<RunId>,
    /// Name of its experiment.
    pub experiment: String,
    /// What was run.
    pub trial: TrialId,
    /// How it ended.
    pub status: Status,
    /// Name of the dataset used.
    pub dataset: String,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// Folder of a user's own dataset: its path, or a `file://` URL if the path is not UTF-8.
    pub dataset_path: Option<String>,
    /// The dataset that was asked for, when this one stood in for it.
    pub fallback_for: Option<String>,
    /// `test`, or the fraction of the training set held out.
    pub validation: String,
    /// Number of examples in each split.
    pub split_sizes: SplitSizes,
    /// How it was computed.
    pub engine: String,
    /// Where it was computed.
    pub device: String,
    /// When it began.
    pub started_at: SystemTime,
    /// Position among the runs of its trial.
    pub order: Order,
    /// When it ended.
    pub ended_at: SystemTime,
    /// Why it did not finish.
    pub error: Option<String>,
    /// Hyperparameters, in the order that tables show.
    pub params: Vec<(String, Value)>,
    /// Its epochs, in order.
    pub epochs: Vec<EpochMetrics>,
    /// Final metrics. A value that is not finite is not recorded.
    pub results: Vec<(String, f64)>,
    /// What the final weights make of the test set, for people to look at.
    pub error_analysis: Option<ErrorAnalysis>,
}

impl Run {
    /// A run without data or measurements, ended now: the base to fill in with `..`.
    #[must_use]
    pub fn new(experiment: &str, status: Status, started_at: SystemTime) -> Self {
        Self {
            id: None,
            shared_from: None,
            experiment: experiment.to_owned(),
            trial: TrialId::of(&[]),
            status,
            dataset: String::new(),
            dataset_sha256: String::new(),
            dataset_path: None,
            fallback_for: None,
            validation: "test".to_owned(),
            split_sizes: SplitSizes::default(),
            engine: String::new(),
            device: "cpu".to_owned(),
            started_at,
            order: Order::Next,
            ended_at: SystemTime::now(),
            error: None,
            params: Vec::new(),
            epochs: Vec::new(),
            results: Vec::new(),
            error_analysis: None,
        }
    }
}

/// A run as read from the store, without its epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// Its identity.
    pub id: RunId,
    /// The run whose training this one is a part of.
    pub shared_from: Option<RunId>,
    /// Name of its experiment.
    pub experiment: String,
    /// What was run.
    pub trial: TrialId,
    /// How it ended.
    pub status: Status,
    /// Name of the dataset used.
    pub dataset: String,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// Folder of a user's own dataset: its path, or a `file://` URL if the path is not UTF-8.
    pub dataset_path: Option<String>,
    /// The dataset that was asked for, when this one stood in for it.
    pub fallback_for: Option<String>,
    /// `test`, or the fraction of the training set held out.
    pub validation: String,
    /// Number of examples in each split.
    pub split_sizes: SplitSizes,
    /// How it was computed.
    pub engine: String,
    /// Where it was computed.
    pub device: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended, RFC 3339 in UTC.
    pub ended_at: String,
    /// Why it did not finish.
    pub error: Option<String>,
    /// Hyperparameters, in order.
    pub params: Vec<(Arc<str>, Value)>,
    /// Final metrics, by name.
    pub results: Vec<(Arc<str>, f64)>,
    /// Its last epoch in the store; 0 where there is none.
    pub last_epoch: u32,
    pub(crate) invocation: i64,
    pub(crate) sequence: i64,
    pub(crate) ordered_at: Option<i64>,
    pub(crate) metric_count: Option<i64>,
    pub(crate) checksum: Option<i64>,
}

impl RecordedRun {
    /// The hyperparameter `name`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Value> {
        self.params.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
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

    /// Whether its trial has its result, so that it need not run again.
    #[must_use]
    pub fn has_result(&self) -> bool {
        matches!(self.status, Status::Finished | Status::Diverged)
    }

    /// Whether it is as it was recorded, as far as anybody can know: it fits its checksum, or has none.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        match self.checksum {
            Some(expected) => expected == checksum::of_run(self),
            // Only earlier schemas recorded without one, and they did not count metrics either.
            None => self.metric_count.is_none(),
        }
    }

    /// Whether it ended by itself: with its result, or failed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, Status::Running | Status::Killed)
    }

    /// The final metric `name`.
    #[must_use]
    pub fn result(&self, name: &str) -> Option<f64> {
        self.results.iter().find(|(key, _)| &**key == name).map(|(_, value)| *value)
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
