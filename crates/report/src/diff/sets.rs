//! Two sets of runs, paired and compared metric by metric.

use analysis::metric::{Metric, Unit};
use analysis::runs::{MeasuredRun, is_final, metric_names, metric_of, param_names};
use analysis::samples::{Coordinates, by_value};
use tracking::metric::Rules;
use tracking::typed_name::{find, is_same};
use tracking::{REPLICATES, Status, ValidationSet, Value};

use super::metric::MetricDifference;
use super::pair::{Matches, Pair, have_common_value, match_runs};

/// Two paired sets of runs. Arrays hold the left and the right part.
#[derive(Debug)]
pub struct PairedSets<'a> {
    /// The hyperparameters of both sides that match runs.
    pub params: Vec<&'a str>,
    /// The hyperparameters that have one value on each side, but not the same: what is compared.
    /// Matching ignores them.
    pub compared: Vec<Compared<'a>>,
    /// The hyperparameters of one side only. Matching ignores them.
    pub one_sided_params: [Vec<&'a str>; 2],
    /// The metrics that finished runs of both sides have.
    pub common_metrics: Vec<&'a str>,
    /// The metrics of one side only.
    pub one_sided_metrics: [Vec<&'a str>; 2],
    /// The hyperparameters without a common value. They prevent every match.
    pub disjoint_params: Vec<&'a str>,
    /// Runs without a counterpart.
    pub unmatched: [usize; 2],
    /// Runs with several possible counterparts.
    pub ambiguous: [usize; 2],
    /// The pairs in which a run did not finish.
    pub unfinished: Vec<Pair<'a>>,
    /// The finished pairs, ordered by the trial on the left.
    pub pairs: Vec<Pair<'a>>,
    /// The number of finished pairs with equal bits in all common metrics except durations.
    pub equal: usize,
    /// The metrics of the finished pairs, in the order of tables.
    pub metrics: Vec<MetricDifference>,
    /// The ranking metric.
    pub ranked_by: Option<String>,
    /// The replicate. Pairs with the same value of it are not independent.
    pub replicate: Option<&'a str>,
}

/// A hyperparameter with its value on the left and on the right.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared<'a> {
    pub name: &'a str,
    pub values: [&'a Value; 2],
}

impl<'a> PairedSets<'a> {
    /// Pairs and compares two sets with one run per trial each. `replicate` and `rank` override the
    /// usual replicate and ranking metric.
    pub fn new(
        sets: [&'a [MeasuredRun]; 2],
        rules: &Rules,
        replicate: Option<&str>,
        rank: Option<&str>,
    ) -> Self {
        let (mut params, one_sided_params) = partition(sets.map(param_names));
        let is_replicate = |name: &str| match replicate {
            Some(replicate) => is_same(replicate, name),
            None => REPLICATES.contains(&name),
        };
        let compared: Vec<Compared> = params
            .iter()
            .filter(|name| !is_replicate(name))
            .filter_map(|name| Compared::of(sets, name))
            .collect();
        params.retain(|name| compared.iter().all(|compared| compared.name != *name));
        let Matches { mut pairs, unmatched, ambiguous } = match_runs(sets, &params);
        let is_open = |pair: &mut Pair| !is_finished(pair.left) || !is_finished(pair.right);
        let unfinished = pairs.extract_if(.., is_open).collect();
        pairs.sort_by(|a, b| a.left.run.trial.cmp(&b.left.run.trial));

        let names = sets.map(|runs| metric_names(runs.iter().filter(|run| is_finished(run))));
        let (names, one_sided_metrics) = partition(names);
        let results = || names.iter().filter(|name| Unit::of(name, 0.0) != Unit::Seconds);
        let is_equal = |pair: &&Pair| results().all(|name| pair.has_equal_bits(name));
        let replicate = choose_replicate(&params, &pairs, replicate);
        let metrics = metric_differences(&names, &params, replicate, &pairs, rules);
        Self {
            one_sided_params,
            one_sided_metrics,
            disjoint_params: params
                .iter()
                .filter(|name| !have_common_value(sets, name))
                .copied()
                .collect(),
            params,
            compared,
            unmatched,
            ambiguous,
            unfinished,
            equal: pairs.iter().filter(is_equal).count(),
            ranked_by: choose_ranking(&metrics, &pairs, rules, rank),
            metrics,
            pairs,
            replicate,
            common_metrics: names,
        }
    }

    /// The number of pairs, finished or not.
    pub fn matched(&self) -> usize {
        self.pairs.len() + self.unfinished.len()
    }

    /// Compares a metric over some of the pairs.
    pub fn difference(&self, pairs: &[Pair<'a>], metric: Metric) -> Option<MetricDifference> {
        metric_difference(metric, &self.params, self.replicate, pairs)
    }

    /// The difference of the ranking metric.
    pub fn ranking(&self) -> Option<&MetricDifference> {
        self.metrics.iter().find(|metric| Some(&metric.metric.name) == self.ranked_by.as_ref())
    }

    /// The pairs that differ in the ranking metric and their differences, largest first.
    pub fn largest_differences(&self) -> Vec<(Pair<'a>, f64)> {
        let Some(metric) = self.ranked_by.as_deref() else { return Vec::new() };
        let differing = self.pairs.iter().filter(|pair| !pair.has_equal_bits(metric));
        let mut pairs: Vec<_> = differing
            .filter_map(|pair| pair.difference(metric).map(|difference| (*pair, difference)))
            .collect();
        // Stable sort: equal differences keep the order of trials.
        pairs.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        pairs
    }
}

impl<'a> Compared<'a> {
    /// `None` if a side has several values of the hyperparameter `name`, or both have the same.
    fn of(sets: [&'a [MeasuredRun]; 2], name: &'a str) -> Option<Self> {
        let only = |runs: &'a [MeasuredRun]| {
            let mut values = runs.iter().map(|run| run.run.param(name));
            let first = values.next()??;
            let is_constant = values.all(|value| by_value(value, Some(first)).is_eq());
            is_constant.then_some(first)
        };
        let values = [only(sets[0])?, only(sets[1])?];
        values[0].total_cmp(values[1]).is_ne().then_some(Self { name, values })
    }
}

pub fn is_finished(run: &MeasuredRun) -> bool {
    run.run.status == Status::Finished
}

/// Splits names into those of both sides and those of one side only.
fn partition<'a>([left, right]: [Vec<&'a str>; 2]) -> (Vec<&'a str>, [Vec<&'a str>; 2]) {
    let only = |names: &[&'a str], others: &[&str]| {
        names.iter().filter(|name| !others.contains(name)).copied().collect()
    };
    let one_sided = [only(&left, &right), only(&right, &left)];
    (left.into_iter().filter(|name| right.contains(name)).collect(), one_sided)
}

/// The replicate: the requested hyperparameter, else the first usual name that varies, else the
/// first usual name.
fn choose_replicate<'a>(
    params: &[&'a str],
    pairs: &[Pair],
    requested: Option<&str>,
) -> Option<&'a str> {
    let usual = || REPLICATES.into_iter().filter(|name| params.contains(name));
    requested
        .and_then(|name| find(name, params))
        .or_else(|| usual().find(|name| varies(pairs, name)))
        .or_else(|| usual().next())
}

/// Whether the pairs have several values of the hyperparameter `name`.
pub fn varies(pairs: &[Pair], name: &str) -> bool {
    let first = pairs.first().and_then(|pair| pair.param(name));
    pairs.iter().any(|pair| by_value(pair.param(name), first).is_ne())
}

/// Compares each metric.
fn metric_differences(
    names: &[&str],
    params: &[&str],
    replicate: Option<&str>,
    pairs: &[Pair],
    rules: &Rules,
) -> Vec<MetricDifference> {
    let runs = runs_of(pairs);
    let metrics = names.iter().map(|name| metric_of(name, &runs, rules));
    metrics.filter_map(|metric| metric_difference(metric, params, replicate, pairs)).collect()
}

/// Compares a metric. A cell is a combination of all hyperparameters except the replicate.
fn metric_difference<'a>(
    metric: Metric,
    params: &[&str],
    replicate: Option<&str>,
    pairs: &[Pair<'a>],
) -> Option<MetricDifference> {
    let cell: Vec<&str> = params.iter().filter(|name| Some(**name) != replicate).copied().collect();
    let coordinates = |pair: &Pair<'a>| -> Coordinates<'a> {
        let replicate = replicate.and_then(|name| pair.param(name));
        (replicate, cell.iter().map(|name| pair.param(name)).collect())
    };
    MetricDifference::of(metric, pairs, &coordinates)
}

/// The ranking metric: the requested one, else that of the rules.
fn choose_ranking(
    metrics: &[MetricDifference],
    pairs: &[Pair],
    rules: &Rules,
    requested: Option<&str>,
) -> Option<String> {
    let names: Vec<&str> = metrics.iter().map(|metric| metric.metric.name.as_str()).collect();
    let validation = pairs.first().map_or(&ValidationSet::Test, |pair| &pair.left.run.validation);
    let runs = runs_of(pairs);
    let requested = requested.and_then(|name| find(name, &names));
    requested
        .or_else(|| rules.ranking(&names, |name| is_final(name, &runs), validation))
        .map(str::to_owned)
}

fn runs_of<'a>(pairs: &[Pair<'a>]) -> Vec<&'a MeasuredRun> {
    pairs.iter().flat_map(|pair| [pair.left, pair.right]).collect()
}
