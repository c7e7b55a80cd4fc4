//! A setting: its runs, its metrics and its place in the comparison.

use analysis::best::Standing;
use analysis::race::Exit;
use analysis::runs::MeasuredRun;
use analysis::statistics::{CONFIDENCE, Interval, Statistic};
use tracking::{RunId, Status, Value};

/// Numbers of runs by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusCounts {
    /// Finished with results.
    pub finished: usize,
    /// Diverged: the loss was not finite.
    pub diverged: usize,
    /// Failed with an error.
    pub failed: usize,
    /// Stopped before the end.
    pub killed: usize,
    /// Still running.
    pub running: usize,
}

impl StatusCounts {
    pub(super) fn of(runs: &[&MeasuredRun]) -> Self {
        let mut counts = Self::default();
        for measured in runs {
            match measured.run.status {
                Status::Finished => counts.finished += 1,
                Status::Diverged => counts.diverged += 1,
                Status::Failed => counts.failed += 1,
                Status::Killed => counts.killed += 1,
                Status::Running => counts.running += 1,
            }
        }
        counts
    }

    /// The number of all runs.
    pub fn total(&self) -> usize {
        self.finished + self.unfinished().iter().map(|(count, _)| count).sum::<usize>()
    }

    /// Runs without final metrics, by status.
    pub fn unfinished(&self) -> [(usize, &'static str); 4] {
        [
            (self.diverged, "diverged"),
            (self.failed, "failed"),
            (self.killed, "killed"),
            (self.running, "running"),
        ]
    }
}

/// The runs that share the values of all keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// One value per key; `None` if the runs lack the hyperparameter.
    pub values: Vec<Option<Value>>,
    /// Its runs by status.
    pub counts: StatusCounts,
    /// Number of replicates with the ranking metric.
    pub n: usize,
    /// Number of finished runs without the ranking metric.
    pub unmeasured: usize,
    /// Statistics of each metric over the replicates. The value of a replicate is the mean of its
    /// finished runs.
    pub metrics: Vec<(String, Statistic)>,
    /// Its finished runs.
    pub finished: Vec<RunId>,
    /// The value that ranks the setting: the mean of the ranking metric, or the fitted level if
    /// replicates are missing.
    pub level: Option<f64>,
    /// Its comparison with the best.
    pub standing: Standing,
    /// When and why it left the race, if there is one. A rival is the index of a setting.
    pub left: Option<Exit>,
    /// Whether it is marked as the best.
    pub is_best: bool,
    /// Its difference from the reference; `None` for the reference itself, and without common
    /// replicates.
    pub difference: Option<DifferenceFromReference>,
    /// Whether no other setting is both better and quicker.
    pub on_front: bool,
}

impl Setting {
    /// The metric `name`, if a finished run has it.
    pub fn metric(&self, name: &str) -> Option<&Statistic> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, statistic)| statistic)
    }
}

/// The difference of a setting from the reference (the baseline of `--against`, else the best), in
/// the units and direction of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DifferenceFromReference {
    /// Number of common replicates.
    pub n: usize,
    /// Mean of setting − reference over the common replicates.
    pub mean: f64,
    /// `None` against the best: the same data chose it, so this test would be invalid.
    pub test: Option<BaselineTest>,
}

/// A paired t-test against a baseline that the user chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaselineTest {
    /// The 95 % interval of this difference alone.
    pub interval: Interval,
    /// The two-sided p-value of this test alone.
    pub p: f64,
    /// The p-value, corrected for the number of settings by Holm's procedure.
    pub p_corrected: f64,
}

impl BaselineTest {
    /// Whether the difference is significant.
    pub fn is_significant(&self) -> bool {
        self.p_corrected < 1.0 - CONFIDENCE
    }
}
