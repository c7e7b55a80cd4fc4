//! The result of a comparison, which all formats print.

use analysis::effects::Effects;
use analysis::metric::{Metric, Unit};
use analysis::runs::EpochChoice;
use tracking::metric::{self, Split};
use tracking::{Experiment, ValidationSet, Value};

use super::race::RaceState;
use super::setting::{Setting, StatusCounts};

/// What a comparison promises, with 95 % confidence if nothing else is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The best setting is in the list of settings that may be the best.
    BestIsAmong,
    /// The best setting of a race is still in it, with the confidence of the race.
    BestIsInRace,
    /// No setting that equals the baseline, at this index, is reported as different.
    Against(usize),
}

/// The settings of one experiment on one dataset with one validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The experiment.
    pub experiment: Experiment,
    /// Names of the dataset. Several names can stand for the same bytes.
    pub datasets: Vec<String>,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// The dataset that was unavailable, so that this one replaced it.
    pub fallback_for: Option<String>,
    /// The validation of the runs, if all programs stated it.
    pub validation: ValidationSet,
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
    /// Best first; then settings that left a race, the latest look first; then settings that could
    /// not be compared; then settings without the ranking metric.
    pub settings: Vec<Setting>,
    /// The promise that holds, if any.
    pub promise: Option<Promise>,
    /// The race that answers the comparison, if there is one.
    pub race: Option<RaceState>,
    /// The options that were given, if the results of a race decided how many replicates each
    /// setting got, but the comparison asks another question. Nothing is tested then.
    pub beyond_race: Option<Vec<&'static str>>,
    /// Whether all settings with the ranking metric have it on the same replicates and cells.
    pub complete: bool,
    /// Number of common cells and of all cells, if they differ. Only common cells are compared.
    pub cells: Option<[usize; 2]>,
    /// Whether replicates connect all settings, which makes their levels comparable.
    pub connected: bool,
    /// Whether any two settings share two replicates. If so, and nothing was compared, the reason
    /// is that their differences have no spread.
    pub overlapping: bool,
    /// The replicates that would decide among several settings that may be the best.
    pub undecided: Option<Undecided>,
    /// The leave-one-replicate-out mean of the chosen setting, if it differs from its own mean.
    pub unselected_mean: Option<f64>,
    /// All runs by status.
    pub counts: StatusCounts,
    /// Numbers that only runs outside the selection have, for each of the keys.
    pub tried_elsewhere: Vec<Vec<f64>>,
    /// Effects of the hyperparameters on the ranking metric.
    pub effects: Effects,
}

/// The replicates that would decide among several settings that may be the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecided {
    /// The index of the rival that needs most replicates.
    pub rival: usize,
    /// Number of common replicates of the best setting and this rival.
    pub n: usize,
    /// The smallest difference that these replicates find with a probability of 80 %.
    pub detectable: f64,
    /// The observed difference between the two.
    pub observed: f64,
    /// Number of replicates that would find the observed difference; `None` above a thousand.
    pub needed: Option<usize>,
}

impl Comparison {
    /// The setting that is marked as the best; with ties, the first.
    pub fn best(&self) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.is_best)
    }

    /// The ranking metric.
    pub fn ranking(&self) -> Option<&Metric> {
        self.metric(self.ranked_by.as_deref()?)
    }

    /// The metric `name`.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// How numbers of the metric `name` are shown.
    pub fn unit(&self, name: &str) -> Unit {
        self.metric(name).map_or(Unit::Number, |metric| metric.unit)
    }

    /// Settings that may be the best.
    pub fn candidates(&self) -> Vec<&Setting> {
        self.settings.iter().filter(|setting| setting.standing.may_be_best).collect()
    }

    /// Number of compared settings.
    pub fn compared(&self) -> usize {
        self.settings.iter().filter(|setting| setting.standing.compared).count()
    }

    /// Whether more than 20 settings, and more than half of those compared, may be the best. Views
    /// then do not mark them one by one.
    pub fn is_open(&self) -> bool {
        const MAX_MARKED: usize = 20;
        let candidates = self.candidates().len();
        candidates > MAX_MARKED && 2 * candidates > self.compared()
    }

    /// Whether settings are ranked by a fit, because they lack replicates. In a race, they are
    /// ranked by the replicates of each look.
    pub fn ranks_by_fit(&self) -> bool {
        !self.complete && self.race.as_ref().is_none_or(|race| race.looks == 0)
    }

    /// Whether results decided how many replicates each setting got.
    pub fn is_raced(&self) -> bool {
        self.race.is_some() || self.beyond_race.is_some()
    }

    /// The baseline of `--against`.
    pub fn baseline(&self) -> Option<&Setting> {
        match self.promise? {
            Promise::Against(index) => self.settings.get(index),
            Promise::BestIsAmong | Promise::BestIsInRace => None,
        }
    }

    /// Settings on the front, quickest first.
    pub fn front(&self) -> Vec<&Setting> {
        let mut front: Vec<&Setting> =
            self.settings.iter().filter(|setting| setting.on_front).collect();
        let seconds =
            |setting: &Setting| setting.metric("seconds").map_or(f64::INFINITY, |time| time.mean);
        front.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        front
    }

    /// Whether the ranking metric was measured on the test set, which makes the best look better
    /// than it is.
    pub fn is_optimistic(&self) -> bool {
        self.ranked_by.as_deref().is_some_and(|name| self.examples_of(name) == Split::Test)
    }

    /// Whether the reported and the ranking metric come from the same examples.
    pub fn reports_on_ranking_examples(&self) -> bool {
        let examples = |name: &Option<String>| name.as_deref().map(|name| self.examples_of(name));
        examples(&self.ranked_by) == examples(&self.reported_by)
    }

    /// The examples that a metric was measured on. If the test set is the validation, metrics of
    /// the validation count as metrics of the test set.
    fn examples_of(&self, metric: &str) -> Split {
        match metric::split(metric) {
            Split::Validation if self.validation == ValidationSet::Test => Split::Test,
            split => split,
        }
    }
}
