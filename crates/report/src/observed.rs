//! Runs as the report sees them: with every metric that can be compared.

use std::str::FromStr;

use tracking::{EpochMetrics, Reader, RecordedRun, Status, StoreError, Value};

/// Metrics of the last epoch that count as final ones.
const OF_LAST_EPOCH: [&str; 2] = ["val_loss", "val_accuracy"];

/// A run with its final metrics, and those of its last epoch on the validation set.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The run as recorded.
    pub run: RecordedRun,
    /// Metrics of its last epoch that count as final ones.
    pub last_epoch: Vec<(String, f64)>,
}

/// What a condition can be about, besides hyperparameters and metrics.
pub const FACTS: [&str; 8] = ["status", "dataset", "trial", "run", "engine", "device", "started_at", "ended_at"];

impl Observed {
    /// The metric `name`.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let last = || self.last_epoch.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        // Nothing records what is not finite, but a store is a file that anybody can write.
        self.run.result(name).or_else(last).filter(|value| value.is_finite())
    }

    /// The fact, hyperparameter or metric `name`. What a program calls its dataset, engine or device is what it means.
    pub fn value(&self, name: &str) -> Option<Value> {
        match name {
            "dataset" | "engine" | "device" if self.run.param(name).is_some() => self.run.param(name).cloned(),
            "status" => Some(self.run.status.as_str().into()),
            "dataset" => Some(self.run.dataset.as_str().into()),
            "trial" => Some(self.run.trial.as_str().into()),
            "run" => Some(self.run.id.as_str().into()),
            "engine" => Some(self.run.engine.as_str().into()),
            "device" => Some(self.run.device.as_str().into()),
            "started_at" => Some(self.run.started_at.as_str().into()),
            // Of a run that goes on it is empty.
            "ended_at" => Some(self.run.ended_at.as_str()).filter(|time| !time.is_empty()).map(Value::from),
            _ => self.run.param(name).cloned().or_else(|| self.metric(name).map(Value::Real)),
        }
    }
}

/// Which epoch of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// The last one, with the evaluation of the final weights.
    #[default]
    Last,
    /// The one that the validation likes best; of equals the first.
    Best,
    /// This one.
    Epoch(u32),
}

impl FromStr for At {
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

/// The run that counts of every trial of `experiment`, at the epoch that counts.
pub fn observe(reader: &Reader, experiment: &str, at: At) -> Result<Vec<Observed>, StoreError> {
    let runs = reader.runs(experiment)?;
    if at != At::Last {
        let at_epoch = |run: RecordedRun| {
            let epochs = reader.epochs(&run)?;
            Ok(Observed { run: at_epoch(run, &epochs, at), last_epoch: Vec::new() })
        };
        return runs.into_iter().map(at_epoch).collect();
    }
    measured(reader, runs)
}

/// `runs` with what their last epochs measured.
pub fn measured(reader: &Reader, runs: Vec<RecordedRun>) -> Result<Vec<Observed>, StoreError> {
    let last = OF_LAST_EPOCH.map(|name| Ok((name, reader.last_epoch(&runs, name)?)));
    let of_all = last.into_iter().collect::<Result<Vec<_>, StoreError>>()?;
    let observed = |run: RecordedRun| {
        let mut last_epoch: Vec<(String, f64)> = Vec::new();
        last_epoch.extend(of_all.iter().filter_map(|(name, last)| Some(((*name).to_owned(), *last.get(&run.id)?))));
        // A program that ended it without a final metric means those.
        if run.status == Status::Finished && run.results.iter().all(|(name, _)| &**name == "seconds") {
            let last = reader.epochs(&run)?.pop().map_or_else(Vec::new, |epoch| epoch.metrics);
            let is_known = |name: &str| name == "seconds" || OF_LAST_EPOCH.contains(&name) || run.param(name).is_some();
            last_epoch.extend(last.into_iter().filter(|(name, _)| !is_known(name)));
        }
        Ok(Observed { run, last_epoch })
    };
    runs.into_iter().map(observed).collect()
}

/// `run` as it was after an epoch: what was measured there takes the place of the final metrics, and the time is that until
/// then. Where the test set is the validation, it was measured after every epoch; elsewhere only where somebody recorded it.
fn at_epoch(mut run: RecordedRun, epochs: &[EpochMetrics], at: At) -> RecordedRun {
    run.results.clear();
    let position = match at {
        At::Epoch(number) => epochs.iter().position(|it| it.epoch == number),
        At::Best | At::Last => best(epochs),
    };
    let Some(position) = position else { return run };
    let epoch = &epochs[position];
    let seconds: Option<f64> = epochs[..=position].iter().map(|it| metric(it, "seconds")).sum();
    for (name, value) in &epoch.metrics {
        match name.as_str() {
            // Its name is a hyperparameter's, and the time of one epoch is not that of the run.
            "learning_rate" | "seconds" => {}
            name => {
                let on_test = name.strip_prefix("val_").filter(|_| run.validation == "test");
                let name = on_test.map_or_else(|| name.to_owned(), |name| format!("test_{name}"));
                run.results.push((name.into(), *value));
            }
        }
    }
    run.results.push(("epoch".into(), f64::from(epoch.epoch)));
    run.results.extend(seconds.map(|seconds| ("seconds".into(), seconds)));
    run
}

fn metric(epoch: &EpochMetrics, name: &str) -> Option<f64> {
    epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, value)| *value).filter(|value| value.is_finite())
}

/// The first epoch with the greatest accuracy on the validation, or else with the least loss.
fn best(epochs: &[EpochMetrics]) -> Option<usize> {
    let worth = |name: &str, sign: f64| {
        let worth = |(position, epoch): (usize, &EpochMetrics)| Some((position, sign * metric(epoch, name)?));
        let better = |best: (usize, f64), it: (usize, f64)| if it.1 > best.1 { it } else { best };
        epochs.iter().enumerate().filter_map(worth).reduce(better).map(|(position, _)| position)
    };
    worth("val_accuracy", 1.0).or_else(|| worth("val_loss", -1.0))
}

/// Names of the hyperparameters of `runs`, in the order in which they were first recorded.
pub fn param_names<'a>(runs: impl IntoIterator<Item = &'a Observed>) -> Vec<&'a str> {
    distinct(runs.into_iter().flat_map(|it| &it.run.params).map(|(name, _)| &**name))
}

/// Names of the metrics of `runs`: those every table knows, in its order, then others.
pub fn metric_names<'a>(runs: impl IntoIterator<Item = &'a Observed>) -> Vec<&'a str> {
    let of_run = |it: &'a Observed| {
        let results = it.run.results.iter().map(|(name, _)| &**name);
        results.chain(it.last_epoch.iter().map(|(name, _)| name.as_str()))
    };
    let mut names = distinct(runs.into_iter().flat_map(of_run));
    // Stable: unknown names stay in their order.
    names.sort_by_key(|name| metric_position(name));
    names
}

/// Where tables have the metric `name`: unknown ones stand between what was measured and how long it took.
pub fn metric_position(name: &str) -> usize {
    const ORDER: [&str; 6] = ["val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss"];
    match ORDER.iter().position(|known| *known == name) {
        Some(position) => position,
        None if name == "seconds" => ORDER.len() + 1,
        None => ORDER.len(),
    }
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
