//! The settings of an experiment, compared: runs grouped into settings, each with its metrics, best first, and what can be said of the
//! best. Every format prints what is computed here.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, bail};
use tracking::{Declarations, Direction, Experiment, RunId, Status, Value};

use crate::analysis::best::{Standing, standings};
use crate::analysis::effects::{Effects, Observation, effects};
use crate::analysis::fit::{Levels, levels};
use crate::analysis::power::{difference_found, inflation, replicates_needed};
use crate::analysis::samples::{
    Difference, Place, Resolution, Samples, by_value, difference, replicate_means, samples,
};
use crate::analysis::statistics::{CONFIDENCE, Interval, Statistic, count, holm};
use crate::filter::Condition;
use crate::metric::{self, Metric, Rules, Split, Unit};
use crate::observed::{At, Observed, metric_names, param_names};
use crate::wording;

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

/// Runs that are compared, and how.
struct Group<'a> {
    runs: &'a [&'a Observed],
    finished: Vec<&'a Observed>,
    names: Vec<&'a str>,
    varying: Vec<&'a str>,
    replicate: Option<String>,
    keys: Vec<String>,
    metrics: Vec<Metric>,
    ranked_by: Option<Metric>,
    reported_by: Option<String>,
}

/// What the comparison of the settings says: see the same fields of [`Comparison`].
struct Judged {
    settings: Vec<Setting>,
    promise: Option<Promise>,
    complete: bool,
    cells: Option<[usize; 2]>,
    connected: bool,
    overlapping: bool,
    undecided: Option<Undecided>,
    unselected_mean: Option<f64>,
}

impl<'a> Group<'a> {
    fn new(runs: &'a [&'a Observed], declarations: &Declarations, question: &Question) -> Self {
        let names = param_names(runs.iter().copied());
        let varying: Vec<&str> = names.iter().filter(|name| !is_constant(runs, name)).copied().collect();
        let asked = question.by.as_ref().map(|by| distinct(by.iter().filter(|key| names.contains(&key.as_str()))));
        let is_key = |name: &str| asked.as_ref().is_some_and(|keys| keys.iter().any(|key| *key == name));
        let chosen = question.replicate.as_deref().or(declarations.replicate.as_deref());
        let free = |name: &&str| names.contains(name) && !is_key(name);
        let usual = || {
            let varies = REPLICATES.into_iter().filter(free).find(|name| varying.contains(name));
            varies.or_else(|| REPLICATES.into_iter().find(free))
        };
        let replicate = chosen.filter(free).or_else(usual).map(str::to_owned);
        let repeats = |name: &str| REPLICATES.contains(&name) || Some(name) == replicate.as_deref();
        let keys: Vec<String> = match asked {
            Some(by) => by.into_iter().cloned().collect(),
            None => varying.iter().filter(|name| !repeats(name)).map(|name| (*name).to_owned()).collect(),
        };
        let finished: Vec<&Observed> = runs.iter().filter(|it| it.run.status == Status::Finished).copied().collect();
        let rules = question.rules(declarations);
        let validation = &runs[0].run.validation;
        let known = metric_names(finished.iter().copied());
        let metrics: Vec<Metric> = known.iter().map(|name| metric_of(name, &finished, &rules)).collect();
        let ranked_by = match &question.sort {
            Some(name) => known.iter().find(|it| *it == name).copied(),
            None => rules.ranking(&known, |name| may_rank(name, &finished), validation),
        };
        let reported_by = ranked_by.and_then(|ranking| rules.reported(ranking, &known, validation));
        let ranked_by = ranked_by.and_then(|name| metrics.iter().find(|it| it.name == name)).cloned();
        let ranked_by = ranked_by.filter(|it| it.direction.is_some());
        let reported_by = reported_by.filter(|_| ranked_by.is_some()).map(str::to_owned);
        Self { runs, finished, names, varying, replicate, keys, metrics, ranked_by, reported_by }
    }

    fn is_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key == name)
    }

    /// Hyperparameters that vary within a setting, besides the replicate: their values make cells.
    fn averaged(&self) -> Vec<String> {
        let averaged = |name: &&&str| !self.is_key(name) && Some(**name) != self.replicate.as_deref();
        self.varying.iter().filter(averaged).map(|name| (*name).to_owned()).collect()
    }

    fn compared(&self, experiment: &Experiment, question: &Question) -> Result<Comparison> {
        let first = &self.runs[0].run;
        let value = |name: &&str| first.param(name).map(|value| ((*name).to_owned(), value.clone()));
        let constant = |name: &&&str| !self.varying.contains(name) && !self.is_key(name);
        let averaged = self.averaged();
        let Judged { settings, promise, complete, cells, connected, overlapping, undecided, unselected_mean } =
            self.judged(&averaged, question)?;
        let mut datasets: Vec<String> = self.runs.iter().map(|it| it.run.dataset.clone()).collect();
        datasets.sort();
        datasets.dedup();
        Ok(Comparison {
            experiment: experiment.clone(),
            datasets,
            dataset_sha256: first.dataset_sha256.clone(),
            fallback_for: self.runs.iter().find_map(|it| it.run.fallback_for.clone()),
            validation: first.validation.clone(),
            at: question.at,
            computed: computed(self.runs),
            constants: self.names.iter().filter(constant).filter_map(value).collect(),
            keys: self.keys.clone(),
            replicate: self.replicate.clone(),
            replicates: self.replicate.as_deref().map_or(0, |name| different_values(self.runs, name)),
            ranked_by: self.ranked_by.as_ref().map(|it| it.name.clone()),
            reported_by: self.reported_by.clone(),
            metrics: self.metrics.clone(),
            settings,
            promise,
            complete,
            cells,
            connected,
            overlapping,
            undecided,
            unselected_mean,
            tally: Tally::of(self.runs),
            effects: self.effects(),
            averaged,
        })
    }

    /// The settings by rank, and what is promised of them.
    fn judged(&self, averaged: &[String], question: &Question) -> Result<Judged> {
        let groups = groups(self.runs, &self.keys);
        let mut samples = self.samples(&groups, averaged);
        let cells = keep_common_cells(&mut samples);
        let Levels { of: levels, complete, connected } = levels(&samples);
        let baseline = question.against.as_ref().map(|condition| self.baseline(condition, &groups)).transpose()?;
        let resolution = Resolution::of(&samples, self.grid());
        let standings = match baseline {
            None if cells.is_none_or(|[common, _]| common > 0) => standings(&samples, resolution),
            _ => vec![Standing::default(); samples.len()],
        };
        let settings = groups.iter().zip(&samples).zip(levels).zip(standings);
        let mut settings: Vec<(Setting, Samples, usize)> = settings
            .enumerate()
            .map(|(place, (((runs, samples), level), standing))| {
                (self.setting(runs, samples, level, standing), samples.clone(), place)
            })
            .collect();
        let compared = settings.iter().any(|(it, ..)| it.standing.compared);
        // Stable: equal settings stay in the order of their keys.
        settings.sort_by(|(a, ..), (b, ..)| {
            let outside = |it: &Setting| (it.level.is_none(), compared && !it.standing.compared);
            let level = |it: &Setting| it.level.unwrap_or_default();
            outside(a).cmp(&outside(b)).then(level(b).total_cmp(&level(a)))
        });
        let baseline = baseline.and_then(|place| settings.iter().position(|(.., it)| *it == place));
        let (mut settings, samples): (Vec<Setting>, Vec<Samples>) =
            settings.into_iter().map(|(setting, samples, _)| (setting, samples)).unzip();
        let promise = match baseline {
            Some(place) => Some(Promise::Against(place)),
            None if settings.iter().any(|it| it.standing.may_be_best) => Some(Promise::BestIsAmong),
            None => None,
        };
        if baseline.is_none() {
            mark_best(&mut settings, compared);
        }
        let reference = baseline.or_else(|| settings.iter().position(|it| it.is_best));
        if let (Some(reference), Some(metric)) = (reference, &self.ranked_by) {
            fill_in_differences(&mut settings, &samples, reference, metric, resolution, baseline.is_some());
        }
        let overlapping = compared || overlap(&samples, resolution);
        let undecided = undecided(&settings, &samples, resolution);
        let unselected_mean = complete.then(|| unselected_mean(&settings, &samples)).flatten();
        let turned = |value: f64| self.ranked_by.as_ref().map_or(value, |it| it.worth(value));
        for setting in &mut settings {
            setting.level = setting.level.map(turned);
        }
        if let Some(metric) = &self.ranked_by {
            mark_front(&mut settings, metric);
        }
        let unselected_mean = unselected_mean.map(turned);
        Ok(Judged { settings, promise, complete, cells, connected, overlapping, undecided, unselected_mean })
    }

    /// The ranking metric of each setting, turned so that more is better.
    fn samples(&self, groups: &[Vec<&'a Observed>], averaged: &[String]) -> Vec<Samples> {
        let Some(metric) = &self.ranked_by else { return vec![Samples::new(); groups.len()] };
        let place = |it: &'a Observed| -> Place<'a> {
            let replicate = self.replicate.as_deref().and_then(|name| it.run.param(name));
            (replicate, averaged.iter().map(|name| it.run.param(name)).collect())
        };
        let measured = |it: &&'a Observed| {
            let finished = it.run.status == Status::Finished;
            Some((place(it), metric.worth(it.metric(&metric.name).filter(|_| finished)?)))
        };
        let runs: Vec<Vec<(Place<'_>, f64)>> =
            groups.iter().map(|group| group.iter().filter_map(measured).collect()).collect();
        samples(&runs)
    }

    /// The least step between two values of an accuracy: one over the examples that it was measured on, where these are known.
    fn grid(&self) -> Option<f64> {
        grid(self.ranked_by.as_ref()?, self.finished.iter().copied())
    }

    fn setting(&self, runs: &[&'a Observed], samples: &Samples, level: Option<f64>, standing: Standing) -> Setting {
        let finished: Vec<&Observed> = runs.iter().filter(|it| it.run.status == Status::Finished).copied().collect();
        let metrics = self.metrics.iter().filter_map(|metric| {
            let statistic = Statistic::of(self.by_replicate(&finished, &metric.name))?;
            Some((metric.name.clone(), statistic))
        });
        let has_ranking =
            |it: &&&Observed| self.ranked_by.as_ref().is_none_or(|metric| it.metric(&metric.name).is_some());
        Setting {
            values: self.keys.iter().map(|key| runs[0].run.param(key).cloned()).collect(),
            tally: Tally::of(runs),
            n: if self.ranked_by.is_some() { replicate_means(samples).len() } else { finished.len() },
            unmeasured: finished.len() - finished.iter().filter(has_ranking).count(),
            metrics: metrics.collect(),
            finished: finished.iter().map(|it| it.run.id.clone()).collect(),
            level,
            standing,
            is_best: false,
            difference: None,
            on_front: false,
        }
    }

    /// The metric `name` of each replicate: the mean over its runs, for they share its luck.
    fn by_replicate(&self, runs: &[&Observed], name: &str) -> Vec<f64> {
        let replicate = |it: &Observed| self.replicate.as_deref().and_then(|name| it.run.param(name)).cloned();
        let mut values: Vec<(Option<Value>, f64)> =
            runs.iter().filter_map(|it| Some((replicate(it), it.metric(name)?))).collect();
        values.sort_by(|a, b| by_value(a.0.as_ref(), b.0.as_ref()));
        let same = |a: &(Option<Value>, f64), b: &(Option<Value>, f64)| by_value(a.0.as_ref(), b.0.as_ref()).is_eq();
        let mean = |chunk: &[(Option<Value>, f64)]| Statistic::of(chunk.iter().map(|(_, value)| *value).collect());
        values.chunk_by(same).filter_map(mean).map(|it| it.mean).collect()
    }

    /// The place of the setting that a condition on keys names.
    fn baseline(&self, condition: &Condition, groups: &[Vec<&Observed>]) -> Result<usize> {
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        condition.check(&keys).map_err(|error| error.of("--against"))?;
        let found: Vec<usize> = (0..groups.len()).filter(|place| condition.holds(groups[*place][0])).collect();
        match found.as_slice() {
            [only] => Ok(*only),
            [] => bail!("--against names no setting: expected one of {}", self.named(groups.iter())),
            several => {
                let those = self.named(several.iter().map(|place| &groups[*place]));
                bail!("--against names {} settings, expected one: {those}", several.len())
            }
        }
    }

    /// Settings as a condition names them, the first few.
    fn named<'g>(&self, groups: impl ExactSizeIterator<Item = &'g Vec<&'g Observed>>) -> String {
        const NAMED: usize = 6;
        let more = groups.len().saturating_sub(NAMED);
        let of = |group: &Vec<&Observed>| {
            let value = |key: &String| group[0].run.param(key).map(|it| format!("{key}={}", wording::value(it)));
            format!("'{}'", self.keys.iter().filter_map(value).collect::<Vec<_>>().join(", "))
        };
        let mut names: Vec<String> = groups.take(NAMED).map(of).collect();
        names.extend((more > 0).then(|| format!("and {more} more")));
        names.join(", ")
    }

    fn effects(&self) -> Effects {
        let Some(metric) = &self.ranked_by else { return Effects::default() };
        let observation = |it: &&'a Observed| -> Option<Observation<'a>> {
            Some((self.varying.iter().map(|name| it.run.param(name)).collect(), it.metric(&metric.name)?))
        };
        let observations: Vec<Observation<'_>> = self.finished.iter().filter_map(observation).collect();
        let names: Vec<String> = self.varying.iter().map(|name| (*name).to_owned()).collect();
        let replicate = self.varying.iter().position(|name| Some(*name) == self.replicate.as_deref());
        effects(&observations, &names, replicate)
    }
}

/// The least step between two values of `metric`, in its own unit: of an accuracy one over the examples that it was measured on, where
/// these are known; 0 of what is none.
pub fn grid<'a>(metric: &Metric, runs: impl Iterator<Item = &'a Observed>) -> Option<f64> {
    if !metric.unit.is_points() {
        return Some(0.0);
    }
    let examples = |it: &Observed| {
        let sizes = it.run.split_sizes;
        match metric::split(&metric.name) {
            Split::Train => sizes.train,
            Split::Validation if it.run.validation != "test" => sizes.validation,
            Split::Validation | Split::Test => sizes.test,
            Split::Unsaid => None,
        }
    };
    let least = runs.filter_map(examples).filter(|examples| *examples > 0).min();
    let step = if metric.unit == Unit::Percent { 100.0 } else { 1.0 };
    least.map(|examples| step / count(usize::try_from(examples).unwrap_or(usize::MAX)))
}

/// The metric `name` of `runs`, as its name, its values and the rules say.
pub fn metric_of(name: &str, runs: &[&Observed], rules: &Rules) -> Metric {
    let largest = runs.iter().filter_map(|it| it.metric(name)).map(f64::abs).fold(0.0, f64::max);
    Metric { name: name.to_owned(), direction: rules.direction(name), unit: Unit::of(name, largest) }
}

/// Whether a metric may rank by itself: those of the training set do not, nor, measured by epoch, do those that say no split where
/// Keras means the training set.
pub fn may_rank(name: &str, runs: &[&Observed]) -> bool {
    let is_final = || runs.iter().any(|it| it.run.result(name).is_some());
    !metric::is_of_training(name) || (metric::split(name) != Split::Train && is_final())
}

/// Keeps of every setting the cells that all of them have, so that the means of all are over the same cells. Returns how many these
/// are, of how many; none where nothing was left out. Where there are none, everything is kept, and nothing can be compared.
fn keep_common_cells(settings: &mut [Samples]) -> Option<[usize; 2]> {
    let of = |samples: &Samples| samples.iter().map(|it| it.cell).collect::<BTreeSet<_>>();
    let sets: Vec<BTreeSet<usize>> = settings.iter().filter(|it| !it.is_empty()).map(of).collect();
    let all: BTreeSet<usize> = sets.iter().flatten().copied().collect();
    let common: BTreeSet<usize> = sets.into_iter().reduce(|a, b| &a & &b)?;
    if common.len() == all.len() {
        return None;
    }
    if !common.is_empty() {
        settings.iter_mut().for_each(|samples| samples.retain(|it| common.contains(&it.cell)));
    }
    Some([common.len(), all.len()])
}

/// Whether two settings have two replicates in common.
fn overlap(settings: &[Samples], resolution: Resolution) -> bool {
    let several: Vec<&Samples> = settings.iter().filter(|it| it.len() > 1).collect();
    let scratch = &mut Vec::new();
    let mut of = |a: &Samples, b: &Samples| difference(a, b, resolution, scratch).is_some_and(|it| it.n > 1);
    several.iter().enumerate().any(|(place, a)| several[..place].iter().any(|b| of(a, b)))
}

/// Marks the best-ranked of the settings that may be the best, or of all where none could be compared. Equal levels are best together.
fn mark_best(settings: &mut [Setting], compared: bool) {
    let eligible = |it: &Setting| it.level.is_some() && (it.standing.may_be_best || !compared);
    let several = settings.iter().filter(|it| it.level.is_some()).count() > 1;
    let best = settings.iter().filter(|it| eligible(it)).filter_map(|it| it.level).reduce(f64::max);
    for setting in settings.iter_mut().filter(|it| several && eligible(it)) {
        setting.is_best = setting.level == best;
    }
}

/// Fills in how far all settings are from the one at `reference`; tested where the user chose it.
fn fill_in_differences(
    settings: &mut [Setting],
    samples: &[Samples],
    reference: usize,
    metric: &Metric,
    resolution: Resolution,
    is_baseline: bool,
) {
    let scratch = &mut Vec::new();
    let mut of = |place: usize| difference(&samples[place], &samples[reference], resolution, scratch);
    let differences: Vec<_> = (0..settings.len()).map(|place| of(place).filter(|_| place != reference)).collect();
    let p = |it: &Option<Difference>| it.and_then(|it| it.p()).filter(|_| is_baseline);
    let tests: Vec<f64> = differences.iter().filter_map(p).collect();
    let mut corrected = holm(&tests).into_iter();
    for (setting, difference) in settings.iter_mut().zip(differences) {
        let test = p(&difference).and_then(|p| {
            let interval = difference?.interval()?;
            let (low, high) = (metric.worth(interval.low), metric.worth(interval.high));
            let interval = Interval { low: low.min(high), high: low.max(high) };
            Some(AgainstTest { interval, p, p_corrected: corrected.next()? })
        });
        setting.difference = difference.map(|it| FromReference { n: it.n, mean: metric.worth(it.mean), test });
    }
}

/// What it would take to decide, where several settings may be the best: of those that may, the one that is hardest to tell from the
/// marked one. One that equals it so far says nothing of that.
fn undecided(settings: &[Setting], samples: &[Samples], resolution: Resolution) -> Option<Undecided> {
    let best = settings.iter().position(|it| it.is_best && it.standing.may_be_best)?;
    let scratch = &mut Vec::new();
    let mut inflations: HashMap<usize, f64> = HashMap::new();
    let mut hardest: Option<(f64, f64, Difference, usize)> = None;
    for place in (0..settings.len()).filter(|place| *place != best && settings[*place].standing.may_be_best) {
        let Some(difference) = difference(&samples[best], &samples[place], resolution, scratch) else { continue };
        let Some(error) = difference.error.filter(|_| difference.mean != 0.0) else { continue };
        let deviation = error * count(difference.n).sqrt();
        let inflated = *inflations.entry(difference.n).or_insert_with(|| inflation(difference.n).unwrap_or(1.0));
        let ratio = inflated * deviation / difference.mean.abs();
        if hardest.is_none_or(|(known, ..)| ratio > known) {
            hardest = Some((ratio, deviation, difference, place));
        }
    }
    let (ratio, deviation, difference, rival) = hardest?;
    let compared = settings.iter().filter(|it| it.standing.compared).count();
    Some(Undecided {
        rival,
        n: difference.n,
        found: difference_found(deviation, compared, difference.n),
        seen: difference.mean.abs(),
        needed: replicates_needed(ratio, compared),
    })
}

/// The mean of the best setting where it is chosen without the replicate that it is measured on: for each replicate, the value of the
/// setting that the other replicates rank first. The mean of the setting that all of them choose is too high by the luck that chose it.
fn unselected_mean(settings: &[Setting], samples: &[Samples]) -> Option<f64> {
    let chosen = settings.iter().position(|it| it.is_best)?;
    let means: Vec<Vec<f64>> = samples.iter().map(|it| replicate_means(it)).filter(|it| !it.is_empty()).collect();
    let n = means.first()?.len();
    if n < 2 || means.len() < 2 {
        return None;
    }
    let sums: Vec<f64> = means.iter().map(|it| it.iter().sum()).collect();
    let left_out = |replicate: usize| {
        let without = |setting: usize| sums[setting] - means[setting][replicate];
        let first = (0..means.len()).reduce(|best, it| if without(it) > without(best) { it } else { best });
        first.map_or(0.0, |setting| means[setting][replicate])
    };
    let mean = (0..n).map(left_out).sum::<f64>() / count(n);
    let own = settings[chosen].level?;
    (own - mean > 1e-9 * own.abs()).then_some(mean)
}

/// Each once, in their order.
fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn is_constant(runs: &[&Observed], name: &str) -> bool {
    let first = runs[0].run.param(name);
    runs.iter().all(|it| by_value(it.run.param(name), first).is_eq())
}

fn different_values(runs: &[&Observed], name: &str) -> usize {
    let mut values: Vec<&Value> = runs.iter().filter_map(|it| it.run.param(name)).collect();
    values.sort_by(|a, b| a.total_cmp(b));
    values.dedup_by(|a, b| a.total_cmp(b).is_eq());
    values.len()
}

fn computed(runs: &[&Observed]) -> Vec<String> {
    let mut all: Vec<String> = runs.iter().map(|it| format!("{} on {}", it.run.engine, it.run.device)).collect();
    all.sort();
    all.dedup();
    all
}

/// Marks the settings that no other beats in both `metric` and time. Times that differ by no more than they spread from run to run
/// count as equal; where no setting has run twice nobody knows how they spread, and there is no front.
fn mark_front(settings: &mut [Setting], metric: &Metric) {
    let times = settings.iter().filter_map(|it| it.metric("seconds"));
    let squares = |it: &Statistic| it.deviation.map(|deviation| (deviation.powi(2) * count(it.n - 1), count(it.n - 1)));
    let (squares, freedom) = times.filter_map(squares).fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    if freedom == 0.0 {
        return;
    }
    let spread = (squares / freedom).sqrt();
    let measured =
        |setting: &Setting| Some((metric.worth(setting.metric(&metric.name)?.mean), setting.metric("seconds")?.mean));
    let mut order: Vec<(usize, f64, f64)> = (0..)
        .zip(settings.iter())
        .filter_map(|(place, it)| measured(it).map(|(worth, seconds)| (place, worth, seconds)))
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.2.total_cmp(&b.2)));
    let mut quickest = f64::INFINITY;
    for (place, _, seconds) in order {
        if seconds < quickest - spread {
            settings[place].on_front = true;
        }
        quickest = quickest.min(seconds);
    }
}

/// The runs of each combination of the values of `keys`, in the order of these.
fn groups<'a>(runs: &[&'a Observed], keys: &[String]) -> Vec<Vec<&'a Observed>> {
    let by_keys = |a: &&Observed, b: &&Observed| {
        let pairs = keys.iter().map(|key| by_value(a.run.param(key), b.run.param(key)));
        pairs.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut runs = runs.to_vec();
    runs.sort_by(by_keys);
    runs.chunk_by(|a, b| by_keys(a, b).is_eq()).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests;
