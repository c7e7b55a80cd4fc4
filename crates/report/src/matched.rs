//! Two sets of runs, matched trial by trial: how far they are apart, and whether that can be told from chance.

use std::collections::HashMap;

use tracking::{Status, Value};

use crate::comparison::usual_ranking;
use crate::observed::{Observed, metric_names, param_names};
use crate::statistics::{Interval, Statistic};
use crate::wording::Unit;

/// Two runs that differ in nothing that both sides could have set.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Of the left side.
    pub left: &'a Observed,
    /// Of the right side.
    pub right: &'a Observed,
}

impl Pair<'_> {
    /// The metric `name` of both, where both have it.
    pub fn metric(&self, name: &str) -> Option<(f64, f64)> {
        self.left.metric(name).zip(self.right.metric(name))
    }

    /// How much more the right has of the metric `name`.
    pub fn difference(&self, name: &str) -> Option<f64> {
        self.metric(name).map(|(left, right)| right - left)
    }

    /// Whether both have the metric `name` to the same bits, or neither has it.
    fn same(&self, name: &str) -> bool {
        self.left.metric(name).map(f64::to_bits) == self.right.metric(name).map(f64::to_bits)
    }
}

/// A metric of the pairs that have it on both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured<'a> {
    /// Its name.
    pub name: &'a str,
    /// Mean of the left side.
    pub left: f64,
    /// Mean of the right side.
    pub right: f64,
    /// Right less left, pair by pair.
    pub difference: Statistic,
    /// How many pairs have the same bits.
    pub same: usize,
}

impl<'a> Measured<'a> {
    fn of(name: &'a str, pairs: &[Pair]) -> Option<Self> {
        let values: Vec<(f64, f64)> = pairs.iter().filter_map(|pair| pair.metric(name)).collect();
        let mean = |side: fn(&(f64, f64)) -> f64| Statistic::of(values.iter().map(side).collect()).map(|it| it.mean);
        Some(Self {
            name,
            left: mean(|it| it.0)?,
            right: mean(|it| it.1)?,
            // Of numbers so large that they have no difference nothing is known.
            difference: Statistic::of(values.iter().map(|(left, right)| right - left).collect())
                .filter(|it| it.mean.is_finite())?,
            same: values.iter().filter(|(left, right)| left.to_bits() == right.to_bits()).count(),
        })
    }
}

/// Two sets, pair by pair. Where there are two numbers or lists, they are of the left and of the right side.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Hyperparameters that only one side has: they are no part of the match.
    pub own_params: [Vec<&'a str>; 2],
    /// Metrics that only one side has.
    pub own_metrics: [Vec<&'a str>; 2],
    /// Hyperparameters that both sides have.
    pub params: Vec<&'a str>,
    /// Runs without their like on the other side.
    pub alone: [usize; 2],
    /// Runs that are one of several of a kind: nobody knows which belong together.
    pub unclear: [usize; 2],
    /// Pairs of which one or both did not finish.
    pub unfinished: usize,
    /// Pairs that finished, by the left one's trial.
    pub pairs: Vec<Pair<'a>>,
    /// How many of these have the same bits in every metric that both sides have, times aside.
    pub same: usize,
    /// The metrics of the pairs that finished, in the order of tables.
    pub metrics: Vec<Measured<'a>>,
    /// The metric that says which side is better.
    pub ranked_by: Option<&'a str>,
}

/// What can be said of all pairs together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'a> {
    /// No pair finished, or none has a metric on both sides.
    Nothing,
    /// Every pair has the same results.
    Same,
    /// Every pair has the same of this metric, but not of all.
    SameMetric(&'a str),
    /// Of one pair.
    TooFew(&'a str),
    /// A difference of this metric that chance may have made, with this p.
    Chance(&'a str, f64),
    /// One side is better.
    Better {
        /// In this metric.
        metric: &'a str,
        /// Whether the right side is.
        right: bool,
        /// By so much, more than 0.
        by: f64,
        /// The 95 % interval of that.
        interval: Interval,
        /// Two-sided p of no difference.
        p: f64,
    },
}

impl<'a> Matched<'a> {
    /// What can be said of the ranking metric.
    pub fn verdict(&self) -> Verdict<'a> {
        let Some(of) = self.metrics.iter().find(|it| Some(it.name) == self.ranked_by) else {
            return Verdict::Nothing;
        };
        if self.same == self.pairs.len() {
            return Verdict::Same;
        }
        if of.same == of.difference.n {
            return Verdict::SameMetric(of.name);
        }
        let (Some(interval), Some(p)) = (of.difference.interval(), of.difference.p()) else {
            return Verdict::TooFew(of.name);
        };
        if interval.covers(0.0) {
            return Verdict::Chance(of.name, p);
        }
        let more = of.difference.mean > 0.0;
        let (low, high) = (interval.low.abs(), interval.high.abs());
        let interval = Interval { low: low.min(high), high: low.max(high) };
        let right = more != Unit::of(of.name).less_is_better();
        Verdict::Better { metric: of.name, right, by: of.difference.mean.abs(), interval, p }
    }

    /// The pairs that differ in the ranking metric, those that differ most first.
    pub fn farthest(&self) -> Vec<(Pair<'a>, f64)> {
        let Some(metric) = self.ranked_by else { return Vec::new() };
        let of = |pair: &Pair<'a>| pair.difference(metric).filter(|_| !pair.same(metric)).map(|by| (*pair, by));
        let mut pairs: Vec<_> = self.pairs.iter().filter_map(of).collect();
        // Stable: equal ones stay in the order of their trials.
        pairs.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        pairs
    }
}

/// Matches runs of equal hyperparameters, data and validation. Each side has one run a trial.
pub fn matched<'a>(left: &'a [Observed], right: &'a [Observed]) -> Matched<'a> {
    let sides = [left, right];
    let (params, own_params) = shared(sides.map(param_names));
    let mut like: HashMap<Key, [Vec<&Observed>; 2]> = HashMap::new();
    for (side, runs) in sides.into_iter().enumerate() {
        for it in runs {
            like.entry(Key::of(it, &params)).or_default()[side].push(it);
        }
    }
    let (mut alone, mut unclear, mut pairs) = ([0; 2], [0; 2], Vec::new());
    for [left, right] in like.into_values() {
        match (left.as_slice(), right.as_slice()) {
            ([left], [right]) => pairs.push(Pair { left, right }),
            (left, []) => alone[0] += left.len(),
            ([], right) => alone[1] += right.len(),
            (left, right) => unclear = [unclear[0] + left.len(), unclear[1] + right.len()],
        }
    }
    let found = pairs.len();
    pairs.retain(|pair| [pair.left, pair.right].iter().all(|it| it.run.status == Status::Finished));
    pairs.sort_by(|a, b| a.left.run.trial.cmp(&b.left.run.trial));
    let unfinished = found - pairs.len();
    let finished = |runs: &'a [Observed]| metric_names(runs.iter().filter(|it| it.run.status == Status::Finished));
    let (names, own_metrics) = shared(sides.map(finished));
    let measured = || names.iter().filter(|name| Unit::of(name) != Unit::Seconds);
    let same = pairs.iter().filter(|pair| measured().all(|name| pair.same(name))).count();
    let metrics: Vec<Measured> = names.iter().filter_map(|name| Measured::of(name, &pairs)).collect();
    let ranked_by =
        pairs.first().and_then(|pair| usual_ranking(metrics.iter().map(|it| it.name), &pair.left.run.validation));
    Matched { own_params, own_metrics, params, alone, unclear, unfinished, pairs, same, metrics, ranked_by }
}

/// Names that both sides have, and those that only one has.
fn shared<'a>([left, right]: [Vec<&'a str>; 2]) -> (Vec<&'a str>, [Vec<&'a str>; 2]) {
    let own = |of: &[&'a str], other: &[&str]| of.iter().filter(|name| !other.contains(name)).copied().collect();
    let own_names = [own(&left, &right), own(&right, &left)];
    (left.into_iter().filter(|name| right.contains(name)).collect(), own_names)
}

/// What two runs must have in common to be a pair.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    dataset_sha256: &'a str,
    validation: &'a str,
    values: Vec<Option<Same<'a>>>,
}

impl<'a> Key<'a> {
    fn of(it: &'a Observed, params: &[&str]) -> Self {
        let values = params.iter().map(|name| it.run.param(name).map(Same::of)).collect();
        Self { dataset_sha256: &it.run.dataset_sha256, validation: &it.run.validation, values }
    }
}

/// A value that is the same as another where people say so: `1` and `1.0` are.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Integer(i64),
    Real(u64),
    Text(&'a str),
}

impl<'a> Same<'a> {
    #[allow(clippy::cast_possible_truncation, reason = "whole, and below 2⁵³")]
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::format::example::{Example, ended, run};
    use crate::observed::{At, observe};
    use tracking::Run;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    /// One run a seed, of these accuracies.
    fn side(accuracies: &[f64]) -> Vec<Run> {
        let seeded = |(seed, accuracy): (i64, &f64)| run("sweep", &[("seed", seed.into())], *accuracy);
        (0..).zip(accuracies).map(seeded).collect()
    }

    fn observed(runs: Vec<Run>) -> Vec<Observed> {
        let mut example = Example::new("sweep", "");
        for it in runs {
            example.record(it);
        }
        observe(&example.reader(), "sweep", At::Last).unwrap()
    }

    const LEFT: [f64; 5] = [0.9141, 0.9137, 0.9145, 0.9150, 0.9129];

    /// `scipy.stats.ttest_rel(x, best)`, its `pvalue` and `confidence_interval(0.95)`, as in `statistics`.
    #[test]
    fn the_better_side_is_scipys() {
        let left = observed(side(&LEFT));
        let right = observed(side(&[0.9085, 0.9102, 0.9079, 0.9080, 0.9101]));
        let Verdict::Better { metric, right: is_right, by, interval, p } = matched(&left, &right).verdict() else {
            unreachable!("a difference");
        };
        assert_eq!((metric, is_right), ("test_accuracy", false));
        assert!(close(by, 0.0051) && close(p, 0.0036443501879664113), "{by} {p}");
        assert!(
            close(interval.low, 0.002780380224976644) && close(interval.high, 0.007419619775023343),
            "{interval:?}"
        );
        let Verdict::Better { right: is_right, by: other, .. } = matched(&right, &left).verdict() else {
            unreachable!("a difference");
        };
        assert!(is_right && close(other, by));
    }

    #[test]
    fn chance_is_said_to_be_chance() {
        let (left, right) = (observed(side(&LEFT)), observed(side(&[0.9143, 0.9133, 0.9141, 0.9152, 0.9121])));
        let matched = matched(&left, &right);
        let Verdict::Chance("test_accuracy", p) = matched.verdict() else { unreachable!("{matched:?}") };
        assert!(close(p, 0.2835110642276383), "{p}");
        let farthest: Vec<f64> = matched.farthest().iter().map(|(_, by)| (by * 1e4).round()).collect();
        assert_eq!((farthest.len(), farthest[0]), (5, -8.0));
        assert!(farthest.is_sorted_by(|a, b| a.abs() >= b.abs()), "{farthest:?}");
    }

    #[test]
    fn the_same_results_are_the_same_whatever_the_time() {
        let (left, mut right) = (side(&LEFT), side(&LEFT));
        right[0].results.retain(|(name, _)| name != "seconds");
        right[0].results.push(("seconds".into(), 7.0));
        let (left, again) = (observed(left), observed(right.clone()));
        let found = matched(&left, &again);
        assert_eq!((found.verdict(), found.same, found.farthest().len()), (Verdict::Same, 5, 0));
        right[0].results.retain(|(name, _)| name != "train_loss");
        right[0].results.push(("train_loss".into(), 0.5));
        let other = observed(right);
        let found = matched(&left, &other);
        assert_eq!((found.verdict(), found.same), (Verdict::SameMetric("test_accuracy"), 4));
    }

    #[test]
    fn of_one_pair_and_of_none_nothing_is_said() {
        let (one, other) = (observed(side(&LEFT[..1])), observed(side(&LEFT[1..2])));
        assert_eq!(matched(&one, &other).verdict(), Verdict::TooFew("test_accuracy"));
        assert_eq!(matched(&one, &[]).verdict(), Verdict::Nothing);
        assert_eq!((matched(&one, &[]).alone, matched(&[], &other).alone), ([1, 0], [0, 1]));
    }

    #[test]
    fn what_does_not_match_is_counted() {
        let with =
            |momentum: f64, seed: i64| run("sweep", &[("seed", seed.into()), ("momentum", momentum.into())], 0.9);
        let left = observed(side(&LEFT[..4]));
        // Seed 0 finished on one side only, seed 1 is there twice, seed 2 once and as a real number, seed 9 is new.
        let two = run("sweep", &[("seed", 2.0.into())], 0.9);
        let right =
            observed(vec![ended(Status::Diverged, with(0.9, 0)), with(0.0, 1), with(0.9, 1), two, with(0.9, 9)]);
        let found = matched(&left, &right);
        assert_eq!((found.alone, found.unclear, found.unfinished, found.pairs.len()), ([1, 1], [1, 2], 1, 1));
        assert_eq!(found.own_params, [vec![], vec!["momentum"]]);
        let elsewhere = observed(vec![Run { dataset_sha256: "another".into(), ..side(&LEFT[..1]).remove(0) }]);
        assert!(matched(&left, &elsewhere).pairs.is_empty(), "other data is no match");
    }

    #[test]
    fn numbers_without_a_difference_are_no_panic() {
        let huge = |sign: f64| {
            let mut runs = side(&LEFT);
            runs.iter_mut().for_each(|it| it.results = vec![("test_loss".into(), sign * 1e308)]);
            observed(runs)
        };
        let (left, right) = (huge(1.0), huge(-1.0));
        assert_eq!(matched(&left, &right).ranked_by, Some("val_accuracy"));
    }
}
