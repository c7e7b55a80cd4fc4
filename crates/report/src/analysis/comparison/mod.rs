//! Compares the settings of an experiment: groups runs into settings, ranks these and finds which may be the best. All formats print
//! this comparison.

mod group;
mod judge;
#[cfg(test)]
mod tests;

use anyhow::Result;
use tracking::{Declarations, Direction, Experiment, RunId, Status, Value};

use crate::analysis::best::Standing;
use crate::analysis::effects::Effects;
use crate::analysis::statistics::{CONFIDENCE, Interval, Statistic};
use crate::filter::Condition;
use crate::metric::{self, Metric, Rules, Split, Unit};
use crate::runs::{EpochChoice, MeasuredRun};
use group::Group;

/// Numbers of runs by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
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

impl Tally {
    fn of(runs: &[&MeasuredRun]) -> Self {
        let mut tally = Self::default();
        for it in runs {
            match it.run.status {
                Status::Finished => tally.finished += 1,
                Status::Diverged => tally.diverged += 1,
                Status::Failed => tally.failed += 1,
                Status::Killed => tally.killed += 1,
                Status::Running => tally.running += 1,
            }
        }
        tally
    }

    /// All of them.
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
    pub tally: Tally,
    /// Number of replicates with the ranking metric.
    pub n: usize,
    /// Number of finished runs without the ranking metric.
    pub unmeasured: usize,
    /// Each metric over its replicates, where a replicate counts with the mean of its finished runs.
    pub metrics: Vec<(String, Statistic)>,
    /// Its finished runs.
    pub finished: Vec<RunId>,
    /// What ranks it: the mean of the ranking metric, or the fitted level if replicates are missing.
    pub level: Option<f64>,
    /// Its comparison with the best.
    pub standing: Standing,
    /// Whether it is marked as the best.
    pub is_best: bool,
    /// Its difference from the reference; `None` for the reference itself, and without common replicates.
    pub difference: Option<FromReference>,
    /// No other setting is both better and quicker.
    pub on_front: bool,
}

impl Setting {
    /// The metric `name`, if a finished run has it.
    pub fn metric(&self, name: &str) -> Option<&Statistic> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, statistic)| statistic)
    }
}

/// The difference of a setting from the reference (the baseline of `--against`, else the best), in the units and direction of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FromReference {
    /// Number of common replicates.
    pub n: usize,
    /// Mean of setting − reference over these.
    pub mean: f64,
    /// `None` against the best: the same data chose it, so this test would be invalid.
    pub test: Option<AgainstTest>,
}

/// A paired t-test against a baseline that the user chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstTest {
    /// The 95 % interval of this difference alone.
    pub interval: Interval,
    /// The two-sided p-value of this test alone.
    pub p: f64,
    /// Corrected for the number of settings by Holm's procedure.
    pub p_corrected: f64,
}

impl AgainstTest {
    /// Whether the difference is significant.
    pub fn is_significant(&self) -> bool {
        self.p_corrected < 1.0 - CONFIDENCE
    }
}

/// What a comparison promises, with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The best setting is in the list of settings that may be the best.
    BestIsAmong,
    /// No setting that equals the baseline, at this index, is reported as different.
    Against(usize),
}

/// Options of a comparison.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// Keys to group by; by default all hyperparameters that vary, except the replicate.
    pub by: Option<Vec<String>>,
    /// The ranking metric; by default that of the validation.
    pub sort: Option<String>,
    /// The epoch that counts.
    pub epoch: EpochChoice,
    /// Directions of metrics from the command line.
    pub directions: Vec<(String, Direction)>,
    /// The replicate; by default the seed or another usual name.
    pub replicate: Option<String>,
    /// The baseline, if chosen.
    pub against: Option<Condition>,
}

impl CompareOptions {
    /// The metrics of an experiment with these `declarations`.
    pub fn rules(&self, declarations: &Declarations) -> Rules {
        Rules::new(&self.directions, declarations)
    }
}

/// The settings of one experiment on one dataset with one validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Name of the experiment.
    pub experiment: Experiment,
    /// Names of the dataset: several may mean the same bytes.
    pub datasets: Vec<String>,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// The dataset that this one replaces.
    pub fallback_for: Option<String>,
    /// `test`, or the fraction of the training set held out.
    pub validation: String,
    /// The epoch of each run that counts.
    pub epoch: EpochChoice,
    /// Engines and devices of the runs, without repetition.
    pub computed: Vec<String>,
    /// Hyperparameters that all runs share.
    pub constants: Vec<(String, Value)>,
    /// Keys: the hyperparameters that define a setting.
    pub keys: Vec<String>,
    /// Hyperparameters that vary within a setting, besides the replicate.
    pub averaged: Vec<String>,
    /// The replicate.
    pub replicate: Option<String>,
    /// Number of distinct replicates.
    pub replicates: usize,
    /// Metrics of the finished runs, in the order of tables.
    pub metrics: Vec<Metric>,
    /// The ranking metric; `None` if no metric of the runs may rank.
    pub ranked_by: Option<String>,
    /// The metric that estimates the quality of the chosen setting, if another one ranks.
    pub reported_by: Option<String>,
    /// Best first; then settings that could not be compared; then settings without the ranking metric.
    pub settings: Vec<Setting>,
    /// The promise that holds with 95 % confidence, if any.
    pub promise: Option<Promise>,
    /// Whether all settings with the ranking metric have it on the same replicates and cells.
    pub complete: bool,
    /// Number of common cells and of all cells, if they differ. Only common cells are compared.
    pub cells: Option<[usize; 2]>,
    /// Whether replicates connect all settings, which makes their levels comparable.
    pub connected: bool,
    /// Whether any two settings share two replicates. If they do and nothing was compared, their differences have no spread.
    pub overlapping: bool,
    /// What it would take to decide among several settings that may be the best.
    pub undecided: Option<Undecided>,
    /// The leave-one-replicate-out mean of the chosen setting, if it differs from its own mean.
    pub unselected_mean: Option<f64>,
    /// All runs by status.
    pub tally: Tally,
    /// Effects of the hyperparameters on the ranking metric.
    pub effects: Effects,
}

/// What it would take to decide among several settings that may be the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecided {
    /// The index of the rival that needs most replicates.
    pub rival: usize,
    /// Number of common replicates of the marked setting and this rival.
    pub n: usize,
    /// The smallest difference that these replicates find with a probability of 80 %.
    pub found: f64,
    /// The observed difference between the two.
    pub seen: f64,
    /// Number of replicates that would find it; `None` above a thousand.
    pub needed: Option<usize>,
}

impl Comparison {
    /// The marked setting; with ties, the first.
    pub fn best(&self) -> Option<&Setting> {
        self.settings.iter().find(|it| it.is_best)
    }

    /// The ranking metric.
    pub fn ranking(&self) -> Option<&Metric> {
        self.metric(self.ranked_by.as_deref()?)
    }

    /// The metric `name`.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|it| it.name == name)
    }

    /// How numbers of the metric `name` are shown.
    pub fn unit(&self, name: &str) -> Unit {
        self.metric(name).map_or(Unit::Number, |it| it.unit)
    }

    /// Settings that may be the best.
    pub fn candidates(&self) -> Vec<&Setting> {
        self.settings.iter().filter(|it| it.standing.may_be_best).collect()
    }

    /// Number of compared settings.
    pub fn compared(&self) -> usize {
        self.settings.iter().filter(|it| it.standing.compared).count()
    }

    /// Whether so many settings may be the best that single ones are not marked.
    pub fn is_open(&self) -> bool {
        const TELLING: usize = 20;
        let candidates = self.candidates().len();
        candidates > TELLING && 2 * candidates > self.compared()
    }

    /// The baseline of `--against`.
    pub fn baseline(&self) -> Option<&Setting> {
        match self.promise? {
            Promise::Against(place) => self.settings.get(place),
            Promise::BestIsAmong => None,
        }
    }

    /// Settings on the front, quickest first.
    pub fn front(&self) -> Vec<&Setting> {
        let mut front: Vec<&Setting> = self.settings.iter().filter(|it| it.on_front).collect();
        let seconds = |it: &Setting| it.metric("seconds").map_or(f64::INFINITY, |it| it.mean);
        front.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        front
    }

    /// Whether the ranking metric was measured on the test set, which makes the best look better than it is.
    pub fn is_optimistic(&self) -> bool {
        self.ranked_by.as_deref().is_some_and(|name| self.examples_of(name) == Split::Test)
    }

    /// Whether the reported and the ranking metric come from the same examples.
    pub fn reports_what_chose(&self) -> bool {
        let of = |name: &Option<String>| name.as_deref().map(|name| self.examples_of(name));
        of(&self.ranked_by) == of(&self.reported_by)
    }

    /// The split that a metric was measured on: the validation may be the test set.
    fn examples_of(&self, metric: &str) -> Split {
        match metric::split(metric) {
            Split::Validation if self.validation == "test" => Split::Test,
            split => split,
        }
    }
}

/// Compares the runs of `experiment`, separately for each dataset and validation, in the order of these.
///
/// # Errors
/// If `--against` selects no setting or several.
pub fn compare(
    experiment: &Experiment,
    declarations: &Declarations,
    runs: &[MeasuredRun],
    options: &CompareOptions,
) -> Result<Vec<Comparison>> {
    let mut groups: Vec<Vec<&MeasuredRun>> = Vec::new();
    for it in runs {
        match groups.iter_mut().find(|group| data(group[0]) == data(it)) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups.sort_by(|a, b| (&a[0].run.dataset, data(a[0])).cmp(&(&b[0].run.dataset, data(b[0]))));
    groups
        .iter()
        .map(|group| Group::new(group, declarations, options).compared(experiment, options))
        .collect()
}

/// Only runs with equal keys are comparable. A dataset counts by its digest, or by its name if the digest is unknown.
fn data(it: &MeasuredRun) -> (&str, &str) {
    let run = &it.run;
    let dataset = if run.dataset_sha256.is_empty() { &run.dataset } else { &run.dataset_sha256 };
    (dataset, &run.validation)
}
