//! Matches runs of two sets by hyperparameters, data and validation.

use std::collections::{HashMap, HashSet};

use analysis::runs::MeasuredRun;
use tracking::Value;

/// Two runs with equal values of the common hyperparameters.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub left: &'a MeasuredRun,
    pub right: &'a MeasuredRun,
}

impl<'a> Pair<'a> {
    /// The value of the metric `name` in both runs, if both have it.
    pub fn metric(&self, name: &str) -> Option<(f64, f64)> {
        self.left.metric(name).zip(self.right.metric(name))
    }

    /// Right minus left of the metric `name`.
    pub fn difference(&self, name: &str) -> Option<f64> {
        self.metric(name).map(|(left, right)| right - left)
    }

    /// Whether both runs have the same bits of the metric `name`, or neither has the metric.
    pub fn has_equal_bits(&self, name: &str) -> bool {
        self.left.metric(name).map(f64::to_bits) == self.right.metric(name).map(f64::to_bits)
    }

    /// The value of a common hyperparameter.
    pub fn param(&self, name: &str) -> Option<&'a Value> {
        self.left.run.param(name)
    }

    /// The value of a common hyperparameter as a key.
    pub fn key(&self, name: &str) -> Option<KeyValue<'a>> {
        self.param(name).map(KeyValue::of)
    }
}

/// The result of matching. Arrays hold the left and the right number.
pub struct Matches<'a> {
    pub pairs: Vec<Pair<'a>>,
    /// Runs without a counterpart.
    pub unmatched: [usize; 2],
    /// Runs with several possible counterparts.
    pub ambiguous: [usize; 2],
}

/// Matches the runs of two sets by the hyperparameters `params`.
pub fn match_runs<'a>(sets: [&'a [MeasuredRun]; 2], params: &[&str]) -> Matches<'a> {
    let mut groups: HashMap<MatchKey, [Vec<&MeasuredRun>; 2]> = HashMap::new();
    for (side, runs) in sets.into_iter().enumerate() {
        for run in runs {
            groups.entry(MatchKey::of(run, params)).or_default()[side].push(run);
        }
    }
    let mut matches = Matches { pairs: Vec::new(), unmatched: [0; 2], ambiguous: [0; 2] };
    for [left, right] in groups.into_values() {
        match (left.as_slice(), right.as_slice()) {
            ([left], [right]) => matches.pairs.push(Pair { left, right }),
            (left, []) => matches.unmatched[0] += left.len(),
            ([], right) => matches.unmatched[1] += right.len(),
            (left, right) => {
                matches.ambiguous[0] += left.len();
                matches.ambiguous[1] += right.len();
            }
        }
    }
    matches
}

/// Whether the two sets have a common value of the hyperparameter `name`.
pub fn have_common_value<'a>([left, right]: [&'a [MeasuredRun]; 2], name: &str) -> bool {
    let values =
        |runs: &'a [MeasuredRun]| runs.iter().map(|run| run.run.param(name).map(KeyValue::of));
    let left: HashSet<_> = values(left).collect();
    values(right).any(|value| left.contains(&value))
}

/// Runs with equal keys match.
#[derive(PartialEq, Eq, Hash)]
struct MatchKey<'a> {
    dataset_sha256: &'a str,
    validation: &'a str,
    values: Vec<Option<KeyValue<'a>>>,
}

impl<'a> MatchKey<'a> {
    fn of(run: &'a MeasuredRun, params: &[&str]) -> Self {
        let run = &run.run;
        let values = params.iter().map(|name| run.param(name).map(KeyValue::of)).collect();
        Self { dataset_sha256: &run.dataset_sha256, validation: run.validation.key(), values }
    }
}

/// The value of a hyperparameter in a key. `1` and `1.0` are equal.
#[derive(PartialEq, Eq, Hash)]
pub enum KeyValue<'a> {
    Integer(i64),
    Real(u64),
    Text(&'a str),
}

impl<'a> KeyValue<'a> {
    #[allow(clippy::cast_possible_truncation, reason = "an integer below 2⁵³")]
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(*number),
            Value::Real(number) if number.trunc() == *number && number.abs() < 2f64.powi(53) => {
                Self::Integer(*number as i64)
            }
            Value::Real(number) => Self::Real(number.to_bits()),
            Value::Text(text) => Self::Text(text),
        }
    }
}
