//! Experiments, and the program starts that work on them.

use std::fmt;
use std::ops::Add;

use crate::Process;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its name: a valid [`ExperimentName`](crate::ExperimentName).
    pub name: String,
    /// What the experiment is about, in one line.
    pub description: String,
}

/// One start of a program for one experiment: the provenance that its runs share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// Name and version of the program.
    pub program_version: String,
    /// Git commit that the program was built from.
    pub git_commit: Option<String>,
    /// Whether the sources had uncommitted changes.
    pub git_dirty: Option<bool>,
    /// Version of candle in the program.
    pub candle_version: Option<String>,
    /// Name of the processor.
    pub cpu: String,
    /// Vector instructions in use.
    pub instruction_set: String,
    /// Name and version of the operating system.
    pub os: String,
    /// Number of trials that run at a time.
    pub jobs: u32,
    /// Command line, quoted for a shell. Earlier versions did not quote words with blanks.
    pub command_line: String,
    /// Text of the experiment file.
    pub experiment_file: Option<String>,
    /// The process that works on the runs.
    pub process: Process,
    /// Digest of the plan; `None` without a plan.
    pub plan_sha256: Option<String>,
    /// The part of the plan; `None` for the whole plan.
    pub shard: Option<Shard>,
    /// The work that was planned at the start, from which progress is estimated; `None` if unknown.
    pub work: Option<PlannedWork>,
}

/// Part `index` (from 0) of `count` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Index of the part, from 0.
    pub index: u32,
    /// Number of parts.
    pub count: u32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The work that a program start plans to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedWork {
    /// Trials of the plan, or of its part.
    pub trials: u32,
    /// Trials without a result, which are to run.
    pub to_run: u32,
    /// Weight updates of all trials that are to run, counted as in [`EpochMetrics::step`].
    ///
    /// [`EpochMetrics::step`]: crate::EpochMetrics::step
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

/// The point at which one program start left a run and another start resumed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// Last epoch before the interruption; 0 if no epoch was kept.
    pub epoch: u32,
    /// When the run was resumed, in RFC 3339, UTC.
    pub at: String,
    /// The interrupted program start.
    pub(crate) invocation: i64,
}
