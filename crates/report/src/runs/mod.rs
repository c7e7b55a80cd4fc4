//! Runs as the report sees them: with every metric that can be compared.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use tracking::{Direction, EpochMetrics, Reader, RecordedRun, Status, StoreError, Value};

use crate::analysis::statistics::count;
use crate::metric::{self, Metric, Rules, Split, Unit};

/// A run with its final metrics and the last values of its per-epoch metrics.
#[derive(Debug, Clone)]
pub struct MeasuredRun {
    /// The run as recorded.
    pub run: RecordedRun,
    /// Per-epoch metrics that count as final metrics.
    pub by_epoch: Vec<(Arc<str>, f64)>,
}

/// Usual names of the replicate, first match wins.
pub const REPLICATES: [&str; 5] = ["seed", "random_state", "random_seed", "fold", "replicate"];

/// What a condition can be about, besides hyperparameters and metrics.
pub const FACTS: [&str; 8] =
    ["status", "dataset", "trial", "run", "engine", "device", "started_at", "ended_at"];

impl MeasuredRun {
    /// The metric `name`.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let by_epoch =
            || self.by_epoch.iter().find(|(key, _)| &**key == name).map(|(_, value)| *value);
        // Nothing records what is not finite, but a store is a file that anybody can write.
        self.run.result(name).or_else(by_epoch).filter(|value| value.is_finite())
    }

    /// The fact, hyperparameter or metric `name`. What a program calls its dataset, engine or device is what it means; where its name
    /// for a hyperparameter or a metric is that of another fact, `param_` or `metric_` before it means the program's own.
    pub fn value(&self, name: &str) -> Option<Value> {
        match name {
            "dataset" | "engine" | "device" if self.run.param(name).is_some() => {
                self.run.param(name).cloned()
            }
            "status" => Some(self.run.status.as_str().into()),
            "dataset" => Some(self.run.dataset.as_str().into()),
            "trial" => Some(self.run.trial.as_str().into()),
            "run" => Some(self.run.id.as_str().into()),
            "engine" => Some(self.run.engine.as_str().into()),
            "device" => Some(self.run.device.as_str().into()),
            "started_at" => Some(self.run.started_at.as_str().into()),
            // Of a run that goes on it is empty.
            "ended_at" => {
                Some(self.run.ended_at.as_str()).filter(|time| !time.is_empty()).map(Value::from)
            }
            _ => {
                let own = |prefix| name.strip_prefix(prefix);
                let param = || self.run.param(own("param_")?).cloned();
                let metric = || self.metric(own("metric_")?).map(Value::Real);
                let named =
                    self.run.param(name).cloned().or_else(|| self.metric(name).map(Value::Real));
                named.or_else(param).or_else(metric)
            }
        }
    }
}

/// Which epoch of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EpochChoice {
    /// The last one, with the evaluation of the final weights.
    #[default]
    Last,
    /// The one that is best by the metric that ranks; of equals the first.
    Best,
    /// This one.
    Epoch(u32),
}

impl FromStr for EpochChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            "best" => Ok(Self::Best),
            number => match number.parse() {
                Ok(epoch) if epoch > 0 => Ok(Self::Epoch(epoch)),
                _ => Err("expected last, best, or the number of an epoch, from 1".to_owned()),
            },
        }
    }
}

/// The effective run of each trial of `experiment`, at the chosen epoch. The best epoch is chosen by
/// the metric `sort`, or else by the metric that `rules` rank by.
pub fn measured_runs(
    reader: &Reader,
    experiment: &str,
    at: EpochChoice,
    rules: &Rules,
    sort: Option<&str>,
) -> Result<Vec<MeasuredRun>, StoreError> {
    let runs = reader.runs(experiment)?;
    if at == EpochChoice::Last {
        return measured_at_end(reader, runs);
    }
    let runs = with_test_sizes(reader, runs)?;
    let epochs: Vec<Vec<EpochMetrics>> = runs
        .iter()
        .map(|run| Ok(renamed(reader.epochs(run)?, &run.validation)))
        .collect::<Result<_, StoreError>>()?;
    let logged =
        distinct(epochs.iter().flatten().flat_map(|it| &it.metrics).map(|(name, _)| &**name));
    let may_rank = |name: &str| !metric::is_of_training(name) && !metric::is_bookkeeping(name);
    let observed = runs.iter().zip(&epochs).map(|(run, epochs)| {
        let position = match at {
            EpochChoice::Epoch(number) => epochs.iter().position(|it| it.epoch == number),
            EpochChoice::Best | EpochChoice::Last => {
                let asked = sort.filter(|name| logged.contains(name));
                let chosen = asked.or_else(|| rules.ranking(&logged, may_rank, &run.validation));
                chosen.and_then(|name| best(epochs, name, rules))
            }
        };
        at_epoch(run.clone(), epochs, position)
    });
    Ok(observed.collect())
}

/// Adds the last values of per-epoch metrics to `runs`. Training metrics count only if the program
/// recorded no final metric.
pub fn measured_at_end(
    reader: &Reader,
    runs: Vec<RecordedRun>,
) -> Result<Vec<MeasuredRun>, StoreError> {
    let runs = with_test_sizes(reader, runs)?;
    let mut last = reader.last_values(&runs)?;
    let observed = |run: RecordedRun| {
        let mut by_epoch = last.remove(&run.id).unwrap_or_default();
        let ended_without = run.status == Status::Finished
            && run.results.iter().all(|(name, _)| &**name == "seconds");
        let counts = |name: &str| !metric::is_of_training(name) || ended_without;
        by_epoch.retain(|(name, _)| {
            counts(name) && !metric::is_bookkeeping(name) && run.param(name).is_none()
        });
        MeasuredRun { run, by_epoch }
    };
    Ok(runs.into_iter().map(observed).collect())
}

/// Adds the size of the test set to runs of earlier schemas, which did not record it. The confusion
/// matrix of one run gives the size for all runs on the same dataset.
fn with_test_sizes(
    reader: &Reader,
    mut runs: Vec<RecordedRun>,
) -> Result<Vec<RecordedRun>, StoreError> {
    let known =
        |run: &&RecordedRun| run.split_sizes.test.is_some() || run.status != Status::Finished;
    let mut unknown: HashSet<String> =
        runs.iter().filter(|run| !known(run)).map(|run| run.dataset_sha256.clone()).collect();
    unknown.remove("");
    for digest in unknown {
        let first = runs.iter().find(|run| run.dataset_sha256 == digest && !known(run));
        let Some(examples) = first.map(|run| reader.error_analysis(run)).transpose()?.flatten()
        else {
            continue;
        };
        let total = examples
            .confusion
            .iter()
            .map(|it| it.count)
            .fold(examples.left_out, u64::saturating_add);
        for run in runs.iter_mut().filter(|run| run.dataset_sha256 == digest) {
            run.split_sizes.test.get_or_insert(total);
        }
    }
    Ok(runs)
}

/// Renames per-epoch metrics to the names of final metrics. If the test set is the validation,
/// `val_…` becomes `test_…`, unless the program logs both.
fn renamed(mut epochs: Vec<EpochMetrics>, validation: &str) -> Vec<EpochMetrics> {
    if validation != "test" {
        return epochs;
    }
    for epoch in &mut epochs {
        for place in 0..epoch.metrics.len() {
            let on_test =
                epoch.metrics[place].0.strip_prefix("val_").map(|rest| format!("test_{rest}"));
            if let Some(name) =
                on_test.filter(|name| epoch.metrics.iter().all(|(known, _)| known != name))
            {
                epoch.metrics[place].0 = name;
            }
        }
    }
    epochs
}

/// The state of `run` after the epoch at `position`. The metrics of that epoch replace the final
/// metrics, and the time ends with that epoch.
fn at_epoch(mut run: RecordedRun, epochs: &[EpochMetrics], position: Option<usize>) -> MeasuredRun {
    run.results.clear();
    let Some(position) = position else { return MeasuredRun { run, by_epoch: Vec::new() } };
    let epoch = &epochs[position];
    let seconds: Option<f64> = epochs[..=position].iter().map(|it| value(it, "seconds")).sum();
    let kept = epoch
        .metrics
        .iter()
        .filter(|(name, _)| !metric::is_bookkeeping(name) && run.param(name).is_none());
    let by_epoch = kept.map(|(name, value)| (name.as_str().into(), *value)).collect();
    run.results.push(("epoch".into(), f64::from(epoch.epoch)));
    run.results.extend(seconds.map(|seconds| ("seconds".into(), seconds)));
    MeasuredRun { run, by_epoch }
}

fn value(epoch: &EpochMetrics, name: &str) -> Option<f64> {
    epoch
        .metrics
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| *value)
        .filter(|value| value.is_finite())
}

/// The first epoch with the best value of the metric `name`; `None` if its direction is unknown.
fn best(epochs: &[EpochMetrics], name: &str, rules: &Rules) -> Option<usize> {
    let sign = match rules.direction(name)? {
        Direction::Minimize => -1.0,
        Direction::Maximize => 1.0,
    };
    let worth =
        |(position, epoch): (usize, &EpochMetrics)| Some((position, sign * value(epoch, name)?));
    let better = |best: (usize, f64), it: (usize, f64)| if it.1 > best.1 { it } else { best };
    epochs.iter().enumerate().filter_map(worth).reduce(better).map(|(position, _)| position)
}

/// Names of the hyperparameters of `runs`, in the order in which they were first recorded.
pub fn param_names<'a>(runs: impl IntoIterator<Item = &'a MeasuredRun>) -> Vec<&'a str> {
    distinct(runs.into_iter().flat_map(|it| &it.run.params).map(|(name, _)| &**name))
}

/// Names of the metrics of `runs`: those every table knows, in its order, then others.
pub fn metric_names<'a>(runs: impl IntoIterator<Item = &'a MeasuredRun>) -> Vec<&'a str> {
    let of_run =
        |it: &'a MeasuredRun| it.run.results.iter().chain(&it.by_epoch).map(|(name, _)| &**name);
    let mut names = distinct(runs.into_iter().flat_map(of_run));
    // Stable: unknown names stay in their order.
    names.sort_by_key(|name| metric::position(name));
    names
}

/// `names`, each once, in the order in which they first come.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// The resolution of `metric`, in its own unit: 1 / examples for an accuracy, or `None` if the number
/// of examples is unknown; 0 for other metrics.
pub fn grid<'a>(metric: &Metric, runs: impl Iterator<Item = &'a MeasuredRun>) -> Option<f64> {
    if !metric.unit.is_points() {
        return Some(0.0);
    }
    let examples = |it: &MeasuredRun| {
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

/// Describes the metric `name` of `runs` by its name, its values and the rules.
pub fn metric_of(name: &str, runs: &[&MeasuredRun], rules: &Rules) -> Metric {
    let largest = runs.iter().filter_map(|it| it.metric(name)).map(f64::abs).fold(0.0, f64::max);
    Metric {
        name: name.to_owned(),
        direction: rules.direction(name),
        unit: Unit::of(name, largest),
    }
}

/// Whether a metric may rank by default. Training metrics may not. A per-epoch metric without a split
/// is a training metric by Keras's convention, a final one is not.
pub fn may_rank(name: &str, runs: &[&MeasuredRun]) -> bool {
    let is_final = || runs.iter().any(|it| it.run.result(name).is_some());
    !metric::is_of_training(name) || (metric::split(name) != Split::Train && is_final())
}

/// Where the runner keeps the final weights of a run.
pub fn weights_file(results: &Path, run: &RecordedRun) -> PathBuf {
    results.join(&run.experiment).join("models").join(format!("{}.safetensors", run.trial))
}
