//! Groups comparable runs into settings.

use std::cmp::Ordering;

use analysis::best::Standing;
use analysis::effects::{Effects, Observation, effects};
use analysis::metric::Metric;
use analysis::runs::{MeasuredRun, distinct, grid, is_final, metric_names, metric_of, param_names};
use analysis::samples::{
    Coordinates, Resolution, Samples, by_value, replicate_means, samples, sorted_distinct,
};
use analysis::statistics::Statistic;
use anyhow::Result;
use tracking::{Declarations, Experiment, REPLICATES, Status, ValidationSet, Value};

use super::baseline::baseline;
use super::options::CompareOptions;
use super::race::Racing;
use super::rank::{RankOptions, Ranking, keep_common_cells, rank};
use super::result::Comparison;
use super::setting::{Setting, StatusCounts};

/// How to find the best settings.
#[derive(Clone, Copy)]
pub(super) enum Method<'a> {
    /// By tests of all runs.
    Tests,
    /// Not at all, because no test is valid: a race decided which settings got more replicates.
    Untested,
    /// By the race that these runs belong to.
    Race(&'a Racing<'a>),
}

/// Comparable runs, with the roles of their hyperparameters and metrics.
pub(super) struct Group<'a> {
    runs: &'a [&'a MeasuredRun],
    finished: Vec<&'a MeasuredRun>,
    /// Names of all hyperparameters.
    names: Vec<&'a str>,
    /// Names of the hyperparameters that vary.
    varying: Vec<&'a str>,
    replicate: Option<String>,
    keys: Vec<String>,
    /// Metrics of the finished runs, in the order of tables.
    metrics: Vec<Metric>,
    ranked_by: Option<Metric>,
    reported_by: Option<String>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        runs: &'a [&'a MeasuredRun],
        declarations: &Declarations,
        options: &CompareOptions,
    ) -> Self {
        let names = param_names(runs.iter().copied());
        let varying: Vec<&str> =
            names.iter().filter(|name| !is_constant(runs, name)).copied().collect();
        let chosen_keys = options
            .by
            .as_ref()
            .map(|by| distinct(by.iter().map(String::as_str).filter(|key| names.contains(key))));
        let chosen = options.replicate.as_deref().or(declarations.replicate.as_deref());
        let keys = chosen_keys.as_deref().unwrap_or_default();
        let replicate = replicate(&names, &varying, keys, chosen);
        let is_key = |name: &&str| !REPLICATES.contains(name) && Some(*name) != replicate;
        let keys = chosen_keys.unwrap_or_else(|| varying.iter().copied().filter(is_key).collect());
        let finished = finished(runs);
        let rules = options.rules(declarations);
        let validation = &runs[0].run.validation;
        let known = metric_names(finished.iter().copied());
        let metrics: Vec<Metric> =
            known.iter().map(|name| metric_of(name, &finished, &rules)).collect();
        let ranking_name = match &options.sort {
            Some(name) => known.iter().find(|known| *known == name).copied(),
            None => rules.ranking(&known, |name| is_final(name, &finished), validation),
        };
        let ranked_by = metrics
            .iter()
            .find(|metric| Some(metric.name.as_str()) == ranking_name && metric.direction.is_some())
            .cloned();
        let reported_by = ranked_by
            .as_ref()
            .and_then(|metric| rules.reported(&metric.name, &known, validation))
            .map(str::to_owned);
        Self {
            runs,
            finished,
            names,
            varying,
            replicate: replicate.map(str::to_owned),
            keys: keys.into_iter().map(str::to_owned).collect(),
            metrics,
            ranked_by,
            reported_by,
        }
    }

    fn is_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key == name)
    }

    /// Hyperparameters that vary within a setting, besides the replicate. Each combination of their
    /// values is a cell.
    fn averaged(&self) -> Vec<String> {
        let is_averaged =
            |name: &&&str| !self.is_key(name) && Some(**name) != self.replicate.as_deref();
        self.varying.iter().filter(is_averaged).map(|name| (*name).to_owned()).collect()
    }

    /// Whether `race` compares these settings: they differ from run to run only in its replicate,
    /// and its metric ranks them, unless nothing has finished. A race of one setting compares none.
    pub(super) fn is_of(&self, race: &Racing<'_>) -> bool {
        let key = |metric: &Metric| (metric.name.clone(), metric.direction);
        let is_same_metric = self.ranked_by.as_ref().map(key) == race.metric().map(key)
            && (self.ranked_by.is_some() || self.finished.is_empty());
        is_same_metric
            && (race.has_rivals() || self.rows().len() == 1)
            && self.averaged().is_empty()
            && self.replicate.as_ref() == Some(race.replicate())
    }

    /// The runs of each setting, in the order of their keys.
    pub(super) fn rows(&self) -> Vec<Vec<&'a MeasuredRun>> {
        groups(self.runs, &self.keys)
    }

    /// Hyperparameters with one value in each setting: the keys, then the shared hyperparameters.
    fn fixed(&self) -> Vec<&str> {
        let keys = self.keys.iter().map(String::as_str);
        let constants = self.names.iter().filter(|name| !self.varying.contains(name)).copied();
        distinct(keys.chain(constants))
    }

    /// Compares the settings.
    ///
    /// # Errors
    /// If `--against` selects no setting or several.
    pub(super) fn compare(
        &self,
        experiment: &Experiment,
        options: &CompareOptions,
        method: Method<'_>,
    ) -> Result<Comparison> {
        let first = &self.runs[0].run;
        let averaged = self.averaged();
        let groups = self.rows();
        let baseline = options
            .against
            .as_ref()
            .map(|condition| baseline(&self.keys, &self.fixed(), condition, &groups))
            .transpose()?;
        let mut samples = self.samples(&groups, &averaged);
        let cells = keep_common_cells(&mut samples);
        let ranking = self.ranking(&groups, samples, cells, baseline, method);
        let datasets = self.runs.iter().map(|measured| measured.run.dataset.clone());
        Ok(Comparison {
            experiment: experiment.clone(),
            datasets: sorted_distinct(datasets, String::cmp),
            dataset_sha256: first.dataset_sha256.clone(),
            fallback_for: self.runs.iter().find_map(|measured| measured.run.fallback_for.clone()),
            validation: common_validation(self.runs),
            epoch: options.epoch,
            computed: engines_and_devices(self.runs),
            constants: self.constants(),
            keys: self.keys.clone(),
            replicate: self.replicate.clone(),
            replicates: self.replicate.as_deref().map_or(0, |name| count_values(self.runs, name)),
            ranked_by: self.ranked_by.as_ref().map(|metric| metric.name.clone()),
            reported_by: self.reported_by.clone(),
            metrics: self.metrics.clone(),
            settings: ranking.settings,
            promise: ranking.promise,
            race: None,
            beyond_race: None,
            complete: ranking.complete,
            cells,
            connected: ranking.connected,
            overlapping: ranking.overlapping,
            undecided: ranking.undecided,
            unselected_mean: ranking.unselected_mean,
            counts: StatusCounts::of(self.runs),
            tried_elsewhere: Vec::new(),
            effects: self.effects(),
            averaged,
        })
    }

    /// Ranks the settings by `samples`, which are reduced to common `cells`.
    fn ranking(
        &self,
        groups: &[Vec<&'a MeasuredRun>],
        samples: Vec<Samples>,
        cells: Option<[usize; 2]>,
        baseline: Option<usize>,
        method: Method<'_>,
    ) -> Ranking {
        let settings = groups
            .iter()
            .zip(&samples)
            .map(|(runs, samples)| self.setting(runs, samples))
            .collect();
        let options = RankOptions {
            comparable: cells.is_none_or(|[common, _]| common > 0),
            tested: !matches!(method, Method::Untested),
            baseline,
            places: match method {
                Method::Race(race) => race.places(groups),
                Method::Tests | Method::Untested => None,
            },
            metric: self.ranked_by.as_ref(),
            resolution: Resolution::of(&samples, self.grid()),
        };
        rank(settings, samples, options)
    }

    /// The hyperparameters that all runs share, except keys.
    fn constants(&self) -> Vec<(String, Value)> {
        let is_constant = |name: &&&str| !self.varying.contains(name) && !self.is_key(name);
        let value = |name: &&str| {
            self.runs[0].run.param(name).map(|value| ((*name).to_owned(), value.clone()))
        };
        self.names.iter().filter(is_constant).filter_map(value).collect()
    }

    /// The ranking metric of each setting, negated if lower is better.
    fn samples(&self, groups: &[Vec<&'a MeasuredRun>], averaged: &[String]) -> Vec<Samples> {
        let Some(metric) = &self.ranked_by else { return vec![Samples::new(); groups.len()] };
        let coordinates = |measured: &'a MeasuredRun| -> Coordinates<'a> {
            let replicate = self.replicate.as_deref().and_then(|name| measured.run.param(name));
            (replicate, averaged.iter().map(|name| measured.run.param(name)).collect())
        };
        let sample = |measured: &&'a MeasuredRun| {
            let is_finished = measured.run.status == Status::Finished;
            let value = measured.metric(&metric.name).filter(|_| is_finished)?;
            Some((coordinates(measured), metric.oriented(value)))
        };
        let runs: Vec<Vec<(Coordinates<'_>, f64)>> =
            groups.iter().map(|group| group.iter().filter_map(sample).collect()).collect();
        samples(&runs)
    }

    /// The grid step of an accuracy: 1 / examples of its split, if known.
    fn grid(&self) -> Option<f64> {
        grid(self.ranked_by.as_ref()?, self.finished.iter().copied())
    }

    fn setting(&self, runs: &[&'a MeasuredRun], samples: &Samples) -> Setting {
        let finished = finished(runs);
        let metrics = self.metrics.iter().filter_map(|metric| {
            let statistic = Statistic::of(self.by_replicate(&finished, &metric.name))?;
            Some((metric.name.clone(), statistic))
        });
        let has_ranking_metric = |run: &&&MeasuredRun| {
            self.ranked_by.as_ref().is_none_or(|metric| run.metric(&metric.name).is_some())
        };
        Setting {
            values: self.keys.iter().map(|key| runs[0].run.param(key).cloned()).collect(),
            counts: StatusCounts::of(runs),
            n: if self.ranked_by.is_some() {
                replicate_means(samples).len()
            } else {
                finished.len()
            },
            unmeasured: finished.len() - finished.iter().filter(has_ranking_metric).count(),
            metrics: metrics.collect(),
            finished: finished.iter().map(|measured| measured.run.id.clone()).collect(),
            level: None,
            standing: Standing::default(),
            left: None,
            is_best: false,
            difference: None,
            on_front: false,
        }
    }

    /// The metric `name`, averaged over the runs of each replicate, which are not independent.
    fn by_replicate(&self, runs: &[&MeasuredRun], name: &str) -> Vec<f64> {
        let replicate = |measured: &MeasuredRun| {
            self.replicate.as_deref().and_then(|name| measured.run.param(name)).cloned()
        };
        let mut values: Vec<(Option<Value>, f64)> =
            runs.iter().filter_map(|run| Some((replicate(run), run.metric(name)?))).collect();
        values.sort_by(|a, b| by_value(a.0.as_ref(), b.0.as_ref()));
        let same = |a: &(Option<Value>, f64), b: &(Option<Value>, f64)| {
            by_value(a.0.as_ref(), b.0.as_ref()).is_eq()
        };
        let mean = |chunk: &[(Option<Value>, f64)]| {
            Statistic::of(chunk.iter().map(|(_, value)| *value).collect())
        };
        values.chunk_by(same).filter_map(mean).map(|statistic| statistic.mean).collect()
    }

    fn effects(&self) -> Effects {
        let Some(metric) = &self.ranked_by else { return Effects::default() };
        let observation = |measured: &&'a MeasuredRun| -> Option<Observation<'a>> {
            Some((
                self.varying.iter().map(|name| measured.run.param(name)).collect(),
                measured.metric(&metric.name)?,
            ))
        };
        let observations: Vec<Observation<'_>> =
            self.finished.iter().filter_map(observation).collect();
        let names: Vec<String> = self.varying.iter().map(|name| (*name).to_owned()).collect();
        let replicate =
            self.varying.iter().position(|name| Some(*name) == self.replicate.as_deref());
        effects(&observations, &names, replicate)
    }
}

/// The replicate: the `chosen` one, else a usual name, preferably of a hyperparameter that varies.
/// A key is not the replicate.
fn replicate<'n>(
    names: &[&'n str],
    varying: &[&str],
    keys: &[&str],
    chosen: Option<&str>,
) -> Option<&'n str> {
    let is_free = |name: &&str| names.contains(name) && !keys.contains(name);
    let usual = || REPLICATES.into_iter().filter(is_free);
    let found = chosen
        .filter(is_free)
        .or_else(|| usual().find(|name| varying.contains(name)))
        .or_else(|| usual().next())?;
    names.iter().find(|name| **name == found).copied()
}

fn finished<'a>(runs: &[&'a MeasuredRun]) -> Vec<&'a MeasuredRun> {
    runs.iter().filter(|measured| measured.run.status == Status::Finished).copied().collect()
}

fn is_constant(runs: &[&MeasuredRun], name: &str) -> bool {
    let first = runs[0].run.param(name);
    runs.iter().all(|measured| by_value(measured.run.param(name), first).is_eq())
}

/// The number of distinct values of the hyperparameter `name`.
fn count_values(runs: &[&MeasuredRun], name: &str) -> usize {
    let values = runs.iter().filter_map(|measured| measured.run.param(name));
    sorted_distinct(values, |a, b| a.total_cmp(b)).len()
}

/// The validation of the runs, if all programs stated it.
fn common_validation(runs: &[&MeasuredRun]) -> ValidationSet {
    let first = &runs[0].run.validation;
    let is_common = runs.iter().all(|measured| measured.run.validation == *first);
    if is_common { first.clone() } else { ValidationSet::NotStated }
}

/// The distinct engines and devices of the runs.
fn engines_and_devices(runs: &[&MeasuredRun]) -> Vec<String> {
    let name = |measured: &&MeasuredRun| {
        let (engine, device) = (&measured.run.engine, &measured.run.device);
        if device.is_empty() { engine.clone() } else { format!("{engine} on {device}") }
    };
    sorted_distinct(runs.iter().map(name), String::cmp)
}

/// The runs of each combination of values of `keys`, in the order of the values.
fn groups<'a>(runs: &[&'a MeasuredRun], keys: &[String]) -> Vec<Vec<&'a MeasuredRun>> {
    let by_keys = |a: &&MeasuredRun, b: &&MeasuredRun| {
        let pairs = keys.iter().map(|key| by_value(a.run.param(key), b.run.param(key)));
        pairs.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut runs = runs.to_vec();
    runs.sort_by(by_keys);
    runs.chunk_by(|a, b| by_keys(a, b).is_eq()).map(<[_]>::to_vec).collect()
}
