//! What a program has measured: epochs and final metrics, from the readings of its output.

use tracking::metric::{Rules, is_loss};
use tracking::{EpochMetrics, ValidationSet};

use super::output::Reading;

/// More epochs, or values of all epochs together, would not fit in memory.
const MAX_EPOCHS: usize = 100_000;
const MAX_VALUES: usize = 2_000_000;
/// More metrics are a mistake.
const MAX_METRICS: usize = 1_000;

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
    /// The first value of each metric that was not finite, in words.
    not_finite: Vec<(String, String)>,
}

/// The effect of a reading.
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
            results: Vec::new(),
            offset: None,
            last_of_process: 0,
            names: Vec::new(),
            values: 0,
            not_finite: Vec::new(),
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
        for (name, value) in &metrics {
            if !self.names.contains(name) {
                if self.names.len() == MAX_METRICS {
                    return Err(format!("it printed more than {MAX_METRICS} different metrics"));
                }
                self.names.push(name.clone());
            }
            if !value.is_finite() && self.not_finite.iter().all(|(known, _)| known != name) {
                self.not_finite.push((name.clone(), in_words(*value, epoch)));
            }
        }
        let must_be_finite = |name: &str| is_loss(name) || self.rules.declares_rank(name);
        let diverged = self.not_finite(must_be_finite).map(Step::Diverged);
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
            let before = current.metrics.len();
            metrics.into_iter().for_each(|metric| put(&mut current.metrics, metric));
            self.values += current.metrics.len() - before;
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

    /// The first metric for which `must_be_finite` holds and that was not finite, in words.
    fn not_finite(&self, must_be_finite: impl Fn(&str) -> bool) -> Option<String> {
        let (name, value) = self.not_finite.iter().find(|(name, _)| must_be_finite(name))?;
        Some(format!("{name} was {value}"))
    }

    /// Why a training that has ended diverged: its ranking metric, which is known only now, was not
    /// finite.
    pub fn end(&self) -> Option<String> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let is_final = |name: &str| self.results.iter().any(|(known, _)| known == name);
        let ranking = self.rules.ranking(&names, is_final, &ValidationSet::NotStated);
        self.not_finite(|name| Some(name) == ranking)
    }

    /// The current epoch also ends when the program ends.
    pub fn epochs(&self) -> &[EpochMetrics] {
        &self.epochs
    }

    pub fn into_parts(self) -> (Vec<EpochMetrics>, Vec<(String, f64)>) {
        (self.epochs, self.results)
    }
}

/// A value that is not finite, and when it was measured.
fn in_words(value: f64, epoch: Option<u64>) -> String {
    let value = if value.is_nan() { "not a number" } else { "infinite" };
    let when = epoch.map_or_else(|| "at the end".to_owned(), |epoch| format!("in epoch {epoch}"));
    format!("{value} {when}")
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
            let step = measurements.add(reading(epoch, metrics)).unwrap();
            (step, measurements.end())
        };
        let nan = f64::NAN;
        let (loss, _) = diverged(Some(3), &[("train_loss", nan)]);
        assert_eq!(loss, Step::Diverged("train_loss was not a number in epoch 3".to_owned()));
        let ranking = diverged(None, &[("val_accuracy", f64::INFINITY)]);
        let infinite = Some("val_accuracy was infinite at the end".to_owned());
        assert_eq!(ranking, (Step::Continue, infinite), "it may not be the ranking metric");
        let other = diverged(None, &[("val_accuracy", 0.5), ("grad_norm", nan)]);
        assert_eq!(other, (Step::Continue, None));
    }

    #[test]
    fn declared_ranking_metric_must_be_finite_at_once() {
        let rank = Some("val_f1".to_owned());
        let declared = Declarations { rank, ..Declarations::default() };
        let mut measurements = Measurements::new(Rules::new(&[], &declared));
        let warm_up = reading(1, &[("accuracy", f64::NAN)]);
        assert_eq!(measurements.add(warm_up), Ok(Step::Continue));
        let diverged = "val_f1 was not a number in epoch 2".to_owned();
        let step = measurements.add(reading(2, &[("val_f1", f64::NAN)]));
        assert_eq!(step, Ok(Step::Diverged(diverged)));
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
