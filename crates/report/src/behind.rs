//! How far each setting is behind the best, run by run of the same seed, and whether that can be told from chance.

use std::cmp::Ordering;

use crate::comparison::{Setting, by_value};
use crate::observed::Observed;
use crate::statistics::{CONFIDENCE, Corrected, Interval, Statistic, holm};
use tracking::Value;

/// The differences of a setting from the best, paired by all that is no key (the seed, as a rule): setting − best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behind {
    /// Of the differences.
    pub difference: Statistic,
    /// What the test says; of a single pair nothing can be said.
    pub test: Option<Test>,
}

/// A paired t-test among several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Two-sided, of this test alone.
    pub p: f64,
    /// Held to the number of tests.
    pub corrected: Corrected,
    /// Of the true difference, as wide as the number of tests demands: it covers 0 exactly where the setting cannot be told
    /// from the best.
    pub interval: Interval,
}

impl Test {
    /// Whether the difference is more than chance.
    pub fn tells_apart(&self) -> bool {
        self.corrected.p < 1.0 - CONFIDENCE
    }
}

/// The runs of a setting that have the metric: what pairs them with others' runs, in order, and the metric.
pub type Samples<'a> = Vec<(Vec<Option<&'a Value>>, f64)>;

/// The samples of `runs`, paired by the hyperparameters `pairing`. Several of one pairing are taken by their mean.
pub fn samples<'a>(runs: &[&'a Observed], pairing: &[String], metric: &str) -> Samples<'a> {
    let mut samples: Vec<(Vec<Option<&Value>>, f64)> = runs
        .iter()
        .filter_map(|it| Some((pairing.iter().map(|name| it.run.param(name)).collect(), it.metric(metric)?)))
        .collect();
    samples.sort_by(|a, b| by_values(&a.0, &b.0).then(a.1.total_cmp(&b.1)));
    let same = |a: &(Vec<_>, f64), b: &(Vec<_>, f64)| by_values(&a.0, &b.0).is_eq();
    let mean = |chunk: &[(Vec<Option<&'a Value>>, f64)]| {
        let statistic = Statistic::of(chunk.iter().map(|(_, value)| *value).collect())?;
        Some((chunk[0].0.clone(), statistic.mean))
    };
    samples.chunk_by(same).filter_map(mean).collect()
}

fn by_values(a: &[Option<&Value>], b: &[Option<&Value>]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| by_value(*a, *b));
    pairs.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// Fills in how far all `settings` are behind the first; `samples` are theirs.
pub fn fill_in(settings: &mut [Setting], samples: &[Samples<'_>]) {
    let Some(best) = samples.first() else { return };
    let scale = best.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
    let differences: Vec<Option<Statistic>> =
        samples.iter().skip(1).map(|samples| Statistic::of(differences(samples, best))).collect();
    let p = |difference: &Statistic| difference.p().filter(|_| is_testable(difference, scale));
    let tested: Vec<f64> = differences.iter().flatten().filter_map(p).collect();
    let mut corrected = holm(&tested).into_iter();
    for (setting, difference) in settings.iter_mut().skip(1).zip(differences) {
        setting.behind = difference.map(|difference| {
            let test = p(&difference).and_then(|p| {
                let corrected = corrected.next()?;
                Some(Test { p, corrected, interval: difference.interval_at(corrected.confidence)? })
            });
            Behind { difference, test }
        });
    }
}

/// Whether a t-test means anything. Differences that are all the same but for rounding would make it certain of anything; of
/// two or three accuracies on a small test set that is an accident, and no certainty. All 0 is another matter.
fn is_testable(difference: &Statistic, scale: f64) -> bool {
    difference.mean == 0.0 || difference.deviation.is_some_and(|deviation| deviation > 1e-12 * scale)
}

/// Setting − best of every pairing that both have.
fn differences(samples: &Samples<'_>, best: &Samples<'_>) -> Vec<f64> {
    let mut best = best.iter().peekable();
    let mut differences = Vec::new();
    for (key, value) in samples {
        while best.next_if(|(other, _)| by_values(other, key).is_lt()).is_some() {}
        if let Some((_, other)) = best.next_if(|(other, _)| by_values(other, key).is_eq()) {
            differences.push(value - other);
        }
    }
    differences
}
