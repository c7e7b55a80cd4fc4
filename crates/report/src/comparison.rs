//! The comparison: runs grouped by setting, and their statistics. Computed once, whatever the format.

use std::collections::{BTreeMap, HashMap};

use tracking::{RecordedRun, RunId, Status, Value};

/// Mean and spread of one metric over the runs of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation (n − 1), from two values on.
    pub sd: Option<f64>,
}

impl Summary {
    /// Of no values there is none.
    #[allow(clippy::cast_precision_loss, reason = "a number of runs")]
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (n > 1).then(|| (squares / (n as f64 - 1.0)).sqrt());
        Some(Self { n, mean, sd })
    }
}

/// The runs of one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Values of the comparison's keys; a run of another program may lack one.
    pub key: Vec<Option<Value>>,
    /// Runs of the setting.
    pub runs: usize,
    /// How many of them ended without results, by status.
    pub without: BTreeMap<Status, usize>,
    /// By metric; what was not measured is absent.
    pub metrics: BTreeMap<String, Summary>,
}

/// Runs of one experiment on one dataset with one validation, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub experiment: String,
    pub description: String,
    pub dataset: String,
    pub fallback_for: Option<String>,
    pub validation: String,
    /// Hyperparameters that all runs share.
    pub constants: Vec<(String, Value)>,
    /// Hyperparameters that tell the groups apart.
    pub keys: Vec<String>,
    /// Best first.
    pub groups: Vec<Group>,
    /// The metric they are ranked by.
    pub ranked_by: String,
    /// Number of different seeds, where runs have one.
    pub seeds: usize,
    /// Runs compared.
    pub runs: usize,
    /// Settings that `--top` left out.
    pub left_out: usize,
}

/// What is asked for.
#[derive(Debug, Default)]
pub struct Question<'a> {
    pub by: &'a [String],
    pub sort: Option<&'a str>,
    pub top: Option<usize>,
}

/// The hyperparameter over whose values a setting is averaged.
const SEED: &str = "seed";

/// Whether less of a metric is better.
pub fn less_is_better(metric: &str) -> bool {
    metric.ends_with("loss") || metric == "seconds"
}

/// Compares `runs`, which share dataset and validation. `last_epoch` has validation metrics of the last epoch by run.
pub fn compare(
    experiment: (&str, &str),
    runs: &[&RecordedRun],
    last_epoch: &BTreeMap<&str, HashMap<RunId, f64>>,
    question: &Question<'_>,
) -> Comparison {
    let names = param_names(runs);
    let varies = |name: &str| runs.windows(2).any(|pair| pair[0].param(name) != pair[1].param(name));
    let keys: Vec<String> = if question.by.is_empty() {
        names.iter().filter(|name| **name != SEED && varies(name)).map(|name| (*name).to_owned()).collect()
    } else {
        question.by.to_vec()
    };
    let constants = names
        .iter()
        .filter(|name| **name != SEED && !varies(name))
        .filter_map(|name| Some(((*name).to_owned(), runs.first()?.param(name)?.clone())))
        .collect();
    let mut seeds: Vec<String> = runs.iter().filter_map(|run| run.param(SEED)).map(ToString::to_string).collect();
    seeds.sort();
    seeds.dedup();

    let mut groups = group(runs, &keys, last_epoch);
    let validation = runs.first().map_or_else(String::new, |run| run.validation.clone());
    let ranked_by = question.sort.map_or_else(|| default_ranking(&validation, &groups), str::to_owned);
    rank(&mut groups, &ranked_by);
    let left_out = question.top.map_or(0, |top| groups.len().saturating_sub(top));
    groups.truncate(groups.len() - left_out);
    Comparison {
        experiment: experiment.0.to_owned(),
        description: experiment.1.to_owned(),
        dataset: runs.first().map_or_else(String::new, |run| run.dataset.clone()),
        fallback_for: runs.iter().find_map(|run| run.fallback_for.clone()),
        validation,
        constants,
        keys,
        groups,
        ranked_by,
        seeds: seeds.len(),
        runs: runs.len(),
        left_out,
    }
}

/// Every hyperparameter's name: those of softmax regression in their order, then others as met.
pub fn param_names<'a>(runs: &[&'a RecordedRun]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| &run.params) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let place = |name: &str| tracking::HYPERPARAMETERS.iter().position(|known| *known == name).unwrap_or(usize::MAX);
    names.sort_by_key(|name| place(name));
    names
}

fn group(runs: &[&RecordedRun], keys: &[String], last_epoch: &BTreeMap<&str, HashMap<RunId, f64>>) -> Vec<Group> {
    let mut members: Vec<(Vec<Option<Value>>, Vec<&RecordedRun>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for run in runs {
        let key: Vec<Option<Value>> = keys.iter().map(|name| run.param(name).cloned()).collect();
        let place = *places.entry(format!("{key:?}")).or_insert_with(|| {
            members.push((key, Vec::new()));
            members.len() - 1
        });
        members[place].1.push(run);
    }
    members.into_iter().map(|(key, runs)| summarise(key, &runs, last_epoch)).collect()
}

fn summarise(
    key: Vec<Option<Value>>,
    runs: &[&RecordedRun],
    last_epoch: &BTreeMap<&str, HashMap<RunId, f64>>,
) -> Group {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut without = BTreeMap::new();
    for run in runs {
        if run.status != Status::Finished {
            *without.entry(run.status).or_insert(0) += 1;
            continue;
        }
        for (name, value) in &run.results {
            values.entry(name.clone()).or_default().push(*value);
        }
        for (name, by_run) in last_epoch {
            if let Some(value) = by_run.get(&run.id) {
                values.entry((*name).to_owned()).or_default().push(*value);
            }
        }
    }
    let metrics = values.into_iter().filter_map(|(name, values)| Some((name, Summary::of(&values)?))).collect();
    Group { key, runs: runs.len(), without, metrics }
}

/// Accuracy on held-out examples where there are some, else on the test set; else whatever was measured.
fn default_ranking(validation: &str, groups: &[Group]) -> String {
    let wanted = if validation == "test" { "test_accuracy" } else { "val_accuracy" };
    let measured = |name: &str| groups.iter().any(|group| group.metrics.contains_key(name));
    let any = || groups.iter().find_map(|group| group.metrics.keys().next().cloned());
    if measured(wanted) { wanted.to_owned() } else { any().unwrap_or_else(|| wanted.to_owned()) }
}

/// Best first; settings without the metric last, in the order of their keys.
fn rank(groups: &mut [Group], metric: &str) {
    groups.sort_by(|a, b| {
        let by_key = || {
            let pairs = a.key.iter().zip(&b.key);
            let orderings = pairs.map(|pair| match pair {
                (Some(a), Some(b)) => a.total_cmp(b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
            orderings.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        let measured = |group: &Group| group.metrics.get(metric).map(|summary| summary.mean);
        match (measured(a), measured(b)) {
            (Some(a), Some(b)) if less_is_better(metric) => a.total_cmp(&b).then_with(by_key),
            (Some(a), Some(b)) => b.total_cmp(&a).then_with(by_key),
            (a, b) => b.is_some().cmp(&a.is_some()).then_with(by_key),
        }
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `numpy.mean`, `numpy.std(ddof=1)` of the tutorial's three seeds at batch 32.
    #[test]
    fn mean_and_deviation_are_numpys() {
        let summary = Summary::of(&[0.9086, 0.9097, 0.9087]).unwrap();
        assert!((summary.mean - 0.909).abs() < 1e-15);
        assert!((summary.sd.unwrap() - 0.000_608_276_253_029_822_4).abs() < 1e-15);
    }

    #[test]
    fn one_value_has_no_spread_and_none_has_nothing() {
        assert_eq!(Summary::of(&[0.5]).unwrap().sd, None);
        assert_eq!(Summary::of(&[]), None);
    }
}
