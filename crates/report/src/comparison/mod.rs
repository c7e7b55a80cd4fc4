//! The settings of an experiment, compared: runs grouped into settings, each with its metrics, best first, and what can be said of the
//! best. Every format prints what is computed here.

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
use crate::observed::{At, Observed};
use group::Group;

/// Hyperparameters whose values repeat a setting, in the order in which they are looked for.
pub const REPLICATES: [&str; 5] = ["seed", "random_state", "random_seed", "fold", "replicate"];

/// How many runs ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// With their results.
    pub finished: usize,
    /// With a loss that was not finite.
    pub diverged: usize,
    /// With an error.
    pub failed: usize,
    /// Stopped before their end.
    pub killed: usize,
    /// Not ended yet.
    pub running: usize,
}

impl Tally {
    fn of(runs: &[&Observed]) -> Self {
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

    /// Those that have no final metrics, by how they ended.
    pub fn unfinished(&self) -> [(usize, &'static str); 4] {
        [(self.diverged, "diverged"), (self.failed, "failed"), (self.killed, "killed"), (self.running, "running")]
    }
}

/// The runs that share the values of all keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// One value a key of the comparison; absent where the runs have no such hyperparameter.
    pub values: Vec<Option<Value>>,
    /// How its runs ended.
    pub tally: Tally,
    /// Replicates that have the ranking metric.
    pub n: usize,
    /// Runs that finished without the ranking metric.
    pub unmeasured: usize,
    /// Each metric over the replicates that have it: the mean of each over its runs that finished.
    pub metrics: Vec<(String, Statistic)>,
    /// Its runs that finished.
    pub finished: Vec<RunId>,
    /// What ranks it: the mean of the ranking metric, or the fitted one where settings lack replicates that others have.
    pub level: Option<f64>,
    /// How it stands beside the best.
    pub standing: Standing,
    /// Whether it is marked as the best.
    pub is_best: bool,
    /// Its difference from the reference; absent from the reference itself, and where nothing pairs them.
    pub difference: Option<FromReference>,
    /// No other setting is both better and quicker.
    pub on_front: bool,
}

impl Setting {
    /// The metric `name`, if a run that finished has it.
    pub fn metric(&self, name: &str) -> Option<&Statistic> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, statistic)| statistic)
    }
}

/// The difference of a setting from the reference: the baseline of `--against`, or else the best. More is more, whatever is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FromReference {
    /// Replicates that both have.
    pub n: usize,
    /// Setting − reference, the mean over these.
    pub mean: f64,
    /// Against a baseline only: the best is chosen by the same data, which would make such a test false.
    pub test: Option<AgainstTest>,
}

/// A paired t-test against a baseline that the user chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstTest {
    /// The 95 % interval of this difference alone.
    pub interval: Interval,
    /// Two-sided, of this test alone.
    pub p: f64,
    /// Held to the number of settings, by Holm's procedure.
    pub p_corrected: f64,
}

impl AgainstTest {
    /// Whether the setting differs from the baseline.
    pub fn is_significant(&self) -> bool {
        self.p_corrected < 1.0 - CONFIDENCE
    }
}

/// What a comparison promises, with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The best setting is among those that may be the best.
    BestIsAmong,
    /// No setting that equals the baseline, which is at this place, is said to differ from it.
    Against(usize),
}

/// What is asked of the runs.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Group by these; else by all that vary, except replicates.
    pub by: Option<Vec<String>>,
    /// Rank by this; else by what the validation says.
    pub sort: Option<String>,
    /// Which epoch counts.
    pub at: At,
    /// Directions of metrics that the user gives.
    pub directions: Vec<(String, Direction)>,
    /// What repeats a setting; else the seed or what usually does.
    pub replicate: Option<String>,
    /// The baseline that all other settings are compared with.
    pub against: Option<Condition>,
}

impl Question {
    /// What holds of the metrics of an experiment that declares `declarations`.
    pub fn rules(&self, declarations: &Declarations) -> Rules {
        Rules::new(&self.directions, declarations)
    }
}

/// The settings of one experiment on one dataset with one validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Whose runs these are.
    pub experiment: Experiment,
    /// Names of the dataset: several names may mean the same bytes.
    pub datasets: Vec<String>,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// The dataset that this one stands in for.
    pub fallback_for: Option<String>,
    /// `test`, or the fraction of the training set held out.
    pub validation: String,
    /// Which epoch of each run counts.
    pub at: At,
    /// How the runs were computed: engines and devices, each once.
    pub computed: Vec<String>,
    /// Hyperparameters that all runs share.
    pub constants: Vec<(String, Value)>,
    /// Hyperparameters that tell the settings apart.
    pub keys: Vec<String>,
    /// Hyperparameters that vary within a setting, besides the replicate.
    pub averaged: Vec<String>,
    /// The hyperparameter that repeats a setting.
    pub replicate: Option<String>,
    /// How many different replicates there are.
    pub replicates: usize,
    /// Metrics that some run that finished has, in the order of tables.
    pub metrics: Vec<Metric>,
    /// The metric that ranks the settings; none where no run has one that can.
    pub ranked_by: Option<String>,
    /// The metric that tells how good the chosen setting is, where another one chooses.
    pub reported_by: Option<String>,
    /// Best first; those that could not be compared after those that could, those without the ranking metric last.
    pub settings: Vec<Setting>,
    /// What holds with 95 % confidence, if anything.
    pub promise: Option<Promise>,
    /// Whether every setting with the ranking metric has it on the same replicates, in the same cells.
    pub complete: bool,
    /// Where not all cells are in every setting: how many are, of how many. Only these are compared.
    pub cells: Option<[usize; 2]>,
    /// Whether replicates connect all settings, so that their levels can be compared.
    pub connected: bool,
    /// Whether two settings have two replicates in common: where nothing was compared all the same, they differ by the same on each.
    pub overlapping: bool,
    /// What it would take to decide among several that may be the best.
    pub undecided: Option<Undecided>,
    /// The mean of the chosen setting on replicates that it was not chosen by, where that differs from its own mean.
    pub unselected_mean: Option<f64>,
    /// How all the runs ended.
    pub tally: Tally,
    /// What moves the ranking metric.
    pub effects: Effects,
}

/// Several settings may be the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecided {
    /// The place of the rival that is hardest to tell from the marked setting.
    pub rival: usize,
    /// Replicates that the marked setting and this rival have in common.
    pub n: usize,
    /// Smaller differences are often missed with so many.
    pub found: f64,
    /// The difference that was seen between the two.
    pub seen: f64,
    /// Replicates that would find it, if fewer than a thousand would.
    pub needed: Option<usize>,
}

impl Comparison {
    /// The setting that is marked as the best: of several, the first.
    pub fn best(&self) -> Option<&Setting> {
        self.settings.iter().find(|it| it.is_best)
    }

    /// The metric that ranks.
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

    /// How many settings were compared.
    pub fn compared(&self) -> usize {
        self.settings.iter().filter(|it| it.standing.compared).count()
    }

    /// Whether the data tell too little to mark single settings: hundreds that may be the best are no answer.
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

    /// Settings that nobody dominates, the quickest first.
    pub fn front(&self) -> Vec<&Setting> {
        let mut front: Vec<&Setting> = self.settings.iter().filter(|it| it.on_front).collect();
        let seconds = |it: &Setting| it.metric("seconds").map_or(f64::INFINITY, |it| it.mean);
        front.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        front
    }

    /// Whether what ranks was measured on the test set: then the best looks better than it is.
    pub fn is_optimistic(&self) -> bool {
        self.ranked_by.as_deref().is_some_and(|name| self.examples_of(name) == Split::Test)
    }

    /// Whether the reported metric comes from the same examples as the ranking one, which chose.
    pub fn reports_what_chose(&self) -> bool {
        let of = |name: &Option<String>| name.as_deref().map(|name| self.examples_of(name));
        of(&self.ranked_by) == of(&self.reported_by)
    }

    /// The examples that a metric was measured on: the validation may be the test set.
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
/// When `--against` names no setting, or several.
pub fn compare(
    experiment: &Experiment,
    declarations: &Declarations,
    runs: &[Observed],
    question: &Question,
) -> Result<Vec<Comparison>> {
    let mut groups: Vec<Vec<&Observed>> = Vec::new();
    for it in runs {
        match groups.iter_mut().find(|group| data(group[0]) == data(it)) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups.sort_by(|a, b| (&a[0].run.dataset, data(a[0])).cmp(&(&b[0].run.dataset, data(b[0]))));
    groups.iter().map(|group| Group::new(group, declarations, question).compared(experiment, question)).collect()
}

/// What must be the same for runs to be compared: the bytes of the dataset, whatever its name, or its name where no digest is known.
fn data(it: &Observed) -> (&str, &str) {
    let run = &it.run;
    let dataset = if run.dataset_sha256.is_empty() { &run.dataset } else { &run.dataset_sha256 };
    (dataset, &run.validation)
}
