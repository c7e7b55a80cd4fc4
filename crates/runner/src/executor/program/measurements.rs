//! What a program has measured: epochs and final metrics, from the readings of its output.

use tracking::metric::{Rules, is_loss};
use tracking::{EpochMetrics, ValidationSet};

use super::output::Reading;

/// More epochs would not fit in memory.
const MAX_EPOCHS: usize = 100_000;
/// More metrics are a mistake.
const MAX_METRICS: usize = 1_000;
/// The most values of metrics by epoch, for the same reason as the most epochs.
const MAX_VALUES: usize = 2_000_000;

/// The measurements of a run, across all processes of the run.
pub struct Measurements {
    rules: Rules,
    /// Epochs that a later one followed, and the current epoch.
    epochs: Vec<EpochMetrics>,
    /// Number of values in these epochs.
    values: usize,
    results: Vec<(String, f64)>,
    /// What to add to the program's numbers of epochs, so that they count from 1.
    offset: Option<u64>,
    /// The last epoch of the current process.
    last_of_process: u32,
    /// Names of all metrics so far.
    names: Vec<String>,
}

/// What follows from a reading.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing ended.
    Continue,
    /// The epochs before the current one are complete.
    EpochEnded,
    /// A metric that must be finite is not.
    Diverged(String),
}

impl Measurements {
    /// No measurements. `rules` say which metrics must be finite.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            epochs: Vec::new(),
            values: 0,
            results: Vec::new(),
            offset: None,
            last_of_process: 0,
            names: Vec::new(),
        }
    }

    /// Another process of the run begins: it may repeat epochs of the one before.
    pub fn process_begins(&mut self) {
        self.last_of_process = 0;
    }

    /// Adds a reading. The last value of a metric in an epoch counts. An epoch that a resumed
    /// program repeats, except the current one, is already recorded and left out.
    ///
    /// # Errors
    /// If the epoch is impossible, or there are too many epochs or metrics.
    pub fn add(&mut self, reading: Reading) -> Result<Step, String> {
        let Reading { epoch, step, metrics } = reading;
        for (name, _) in &metrics {
            if !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
        if self.names.len() > MAX_METRICS {
            return Err(format!("it printed more than {MAX_METRICS} different metrics"));
        }
        let diverged = self.diverged(epoch, &metrics);
        let Some(epoch) = epoch else {
            metrics.into_iter().for_each(|metric| put(&mut self.results, metric));
            return Ok(diverged.unwrap_or(Step::Continue));
        };
        let number = self.number(epoch)?;
        let current = self.epochs.last().map_or(0, |current| current.epoch);
        let mut ended = false;
        if number > current {
            if self.epochs.len() == MAX_EPOCHS {
                return Err(format!("it printed more than {MAX_EPOCHS} epochs"));
            }
            ended = current > 0;
            self.epochs.push(EpochMetrics { epoch: number, step: number.into(), metrics: vec![] });
        }
        if let Some(current) = self.epochs.last_mut().filter(|current| current.epoch == number) {
            current.step = step.unwrap_or(current.step);
            self.values -= current.metrics.len();
            metrics.into_iter().for_each(|metric| put(&mut current.metrics, metric));
            self.values += current.metrics.len();
        }
        if self.values > MAX_VALUES {
            return Err(format!("it printed more than {MAX_VALUES} values of metrics"));
        }
        Ok(match diverged {
            Some(diverged) => diverged,
            None if ended => Step::EpochEnded,
            None => Step::Continue,
        })
    }

    /// The number of an epoch, from 1: a program that counts from 0 is shifted by one.
    fn number(&mut self, epoch: u64) -> Result<u32, String> {
        let offset = *self.offset.get_or_insert(u64::from(epoch == 0));
        let number = epoch.checked_add(offset).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| *number > 0);
        let number = number.ok_or_else(|| format!("epoch {epoch} is not a possible number"))?;
        if number < self.last_of_process {
            let last = u64::from(self.last_of_process) - offset;
            return Err(format!("epoch {epoch} followed epoch {last}: epochs must not go back"));
        }
        self.last_of_process = number;
        Ok(number)
    }

    /// The first ranking or loss metric of a reading that is not finite.
    fn diverged(&self, epoch: Option<u64>, metrics: &[(String, f64)]) -> Option<Step> {
        let must_be_finite = |name: &str| is_loss(name) || self.ranking() == Some(name);
        let is_bad = |(name, value): &&(String, f64)| !value.is_finite() && must_be_finite(name);
        let (name, value) = metrics.iter().find(is_bad)?;
        let when =
            epoch.map_or_else(|| "at the end".to_owned(), |epoch| format!("in epoch {epoch}"));
        let value = if value.is_nan() { "not a number" } else { "infinite" };
        Some(Step::Diverged(format!("{name} was {value} {when}")))
    }

    /// The metric that ranks the trial, of those measured so far.
    pub fn ranking(&self) -> Option<&str> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        self.rules.ranking(&names, |_| true, &ValidationSet::NotStated)
    }

    /// The current epoch also ends when the program ends.
    pub fn epochs(&self) -> &[EpochMetrics] {
        &self.epochs
    }

    pub fn into_parts(self) -> (Vec<EpochMetrics>, Vec<(String, f64)>) {
        (self.epochs, self.results)
    }
}

/// Adds a metric, or replaces its value.
fn put(metrics: &mut Vec<(String, f64)>, (name, value): (String, f64)) {
    match metrics.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => metrics.push((name, value)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracking::Declarations;

    use super::*;

    fn measurements() -> Measurements {
        Measurements::new(Rules::new(&[], &Declarations::default()))
    }

    fn reading(epoch: impl Into<Option<u64>>, metrics: &[(&str, f64)]) -> Reading {
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Reading { epoch: epoch.into(), step: None, metrics }
    }

    /// The epochs with the first metric of each.
    fn first_metrics(measurements: &Measurements) -> Vec<(u32, f64)> {
        let epochs = measurements.epochs().iter();
        epochs.map(|epoch| (epoch.epoch, epoch.metrics[0].1)).collect()
    }

    /// Adds the loss of several epochs.
    fn add(measurements: &mut Measurements, epochs: &[(u64, f64)]) -> Result<(), String> {
        for (epoch, loss) in epochs {
            measurements.add(reading(*epoch, &[("loss", *loss)]))?;
        }
        Ok(())
    }

    #[test]
    fn last_value_of_a_metric_in_an_epoch_counts() {
        let mut measurements = measurements();
        let mut step = |epoch, metrics: &[_]| measurements.add(reading(epoch, metrics)).unwrap();
        assert_eq!(step(1, &[("loss", 3.0)]), Step::Continue);
        assert_eq!(step(1, &[("loss", 2.0), ("acc", 0.5)]), Step::Continue);
        assert_eq!(step(2, &[("loss", 1.0)]), Step::EpochEnded);
        assert_eq!(step(5, &[("loss", 0.5)]), Step::EpochEnded);
        measurements.add(reading(None, &[("test_acc", 0.8)])).unwrap();
        measurements.add(reading(None, &[("test_acc", 0.9)])).unwrap();
        assert_eq!(first_metrics(&measurements), [(1, 2.0), (2, 1.0), (5, 0.5)]);
        let (epochs, results) = measurements.into_parts();
        assert_eq!(epochs[0].metrics[1], ("acc".to_owned(), 0.5));
        assert_eq!(results, [("test_acc".to_owned(), 0.9)]);
    }

    #[test]
    fn epochs_from_zero_are_shifted_by_one() {
        let mut measurements = measurements();
        add(&mut measurements, &[(0, 3.0), (1, 2.0), (2, 1.0)]).unwrap();
        assert_eq!(first_metrics(&measurements), [(1, 3.0), (2, 2.0), (3, 1.0)]);
        measurements.process_begins();
        add(&mut measurements, &[(2, 0.9), (3, 0.5)]).unwrap();
        assert_eq!(first_metrics(&measurements)[2..], [(3, 0.9), (4, 0.5)]);
    }

    #[test]
    fn epochs_that_go_back_are_errors() {
        let error = add(&mut measurements(), &[(1, 1.0), (3, 1.0), (2, 1.0)]).unwrap_err();
        assert_eq!(error, "epoch 2 followed epoch 3: epochs must not go back");
        let error = add(&mut measurements(), &[(0, 1.0), (3, 1.0), (2, 1.0)]).unwrap_err();
        assert_eq!(error, "epoch 2 followed epoch 3: epochs must not go back");
        let error = add(&mut measurements(), &[(1, 1.0), (0, 1.0)]).unwrap_err();
        assert_eq!(error, "epoch 0 is not a possible number");
        let error = add(&mut measurements(), &[(u64::from(u32::MAX) + 1, 1.0)]).unwrap_err();
        assert_eq!(error, "epoch 4294967296 is not a possible number");
    }

    #[test]
    fn epochs_that_a_resumed_process_repeats_count_once() {
        let mut measurements = measurements();
        add(&mut measurements, &[(1, 5.0), (2, 4.0), (3, 3.0)]).unwrap();
        measurements.process_begins();
        add(&mut measurements, &[(2, 9.0), (3, 2.5), (4, 2.0)]).unwrap();
        let expected = [(1, 5.0), (2, 4.0), (3, 2.5), (4, 2.0)];
        assert_eq!(first_metrics(&measurements), expected);
        assert!(add(&mut measurements, &[(3, 1.0)]).is_err(), "one process must not go back");
    }

    #[test]
    fn ranking_and_loss_metrics_must_be_finite() {
        let diverged = |epoch: Option<u64>, metrics: &[(&str, f64)]| {
            let mut measurements = measurements();
            match measurements.add(reading(epoch, metrics)).unwrap() {
                Step::Diverged(reason) => Some(reason),
                _ => None,
            }
        };
        let nan = f64::NAN;
        let in_epoch = diverged(Some(3), &[("train_loss", nan)]);
        assert_eq!(in_epoch.unwrap(), "train_loss was not a number in epoch 3");
        let ranking = diverged(None, &[("val_accuracy", f64::INFINITY)]);
        assert_eq!(ranking.unwrap(), "val_accuracy was infinite at the end");
        assert_eq!(diverged(None, &[("val_accuracy", 0.5), ("grad_norm", nan)]), None);
    }

    #[test]
    fn too_many_epochs_and_metrics_are_errors() {
        let mut epochs = measurements();
        for epoch in 1..=100_000 {
            epochs.add(reading(epoch, &[("loss", 1.0)])).unwrap();
        }
        let error = epochs.add(reading(100_001, &[("loss", 1.0)])).unwrap_err();
        assert_eq!(error, "it printed more than 100000 epochs");
        let names: Vec<String> = (0..25).map(|number| format!("m{number}")).collect();
        let metrics: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        let mut values = measurements();
        for epoch in 1..=80_000 {
            values.add(reading(epoch, &metrics)).unwrap();
        }
        values.add(reading(80_000, &metrics)).unwrap();
        let error = values.add(reading(80_001, &metrics[..1])).unwrap_err();
        assert_eq!(error, "it printed more than 2000000 values of metrics");
        let mut names = measurements();
        for number in 0..1_000 {
            names.add(reading(None, &[(&format!("m{number}"), 1.0)])).unwrap();
        }
        let error = names.add(reading(None, &[("one_more", 1.0)])).unwrap_err();
        assert_eq!(error, "it printed more than 1000 different metrics");
    }
}
