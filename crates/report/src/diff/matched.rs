//! Compares two sets of runs, matched trial by trial.

use std::collections::{HashMap, HashSet};

use tracking::{Status, Value};

use crate::analysis::samples::{
    Difference, Place, Resolution, by_value, difference, replicate_means, samples,
};
use crate::analysis::statistics::{CONFIDENCE, Statistic};
use crate::metric::{Metric, Rules, Unit};
use crate::runs::{MeasuredRun, REPLICATES, grid, may_rank, metric_names, metric_of, param_names};

/// Two runs with equal hyperparameters, as far as both sides have them.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The run on the left.
    pub left: &'a MeasuredRun,
    /// The run on the right.
    pub right: &'a MeasuredRun,
}

impl Pair<'_> {
    /// The metric `name` of both, where both have it.
    pub fn metric(&self, name: &str) -> Option<(f64, f64)> {
        self.left.metric(name).zip(self.right.metric(name))
    }

    /// The metric `name` of the right less that of the left.
    pub fn difference(&self, name: &str) -> Option<f64> {
        self.metric(name).map(|(left, right)| right - left)
    }

    /// Whether both have the same bits of the metric `name`, or neither has it.
    fn same(&self, name: &str) -> bool {
        self.left.metric(name).map(f64::to_bits) == self.right.metric(name).map(f64::to_bits)
    }
}

/// A metric over the pairs that have it on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Name of the metric.
    pub metric: Metric,
    /// Mean on the left.
    pub left: f64,
    /// Mean on the right.
    pub right: f64,
    /// Number of pairs with the metric.
    pub pairs: usize,
    /// Right less left: one mean over the pairs of each replicate.
    pub difference: Difference,
    /// Number of pairs with the same bits.
    pub same: usize,
}

/// Which side is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The left one.
    Left,
    /// The right one.
    Right,
    /// Undecided: the difference may be chance, or the direction of the metric is unknown.
    Undecided,
}

impl Measured {
    fn of<'p>(
        metric: Metric,
        pairs: &[Pair<'p>],
        place: &dyn Fn(&Pair<'p>) -> Place<'p>,
    ) -> Option<Self> {
        let measured: Vec<(&Pair<'p>, f64, f64)> = pairs
            .iter()
            .filter_map(|pair| pair.metric(&metric.name).map(|(left, right)| (pair, left, right)))
            .collect();
        let side = |of: fn(&(&Pair<'p>, f64, f64)) -> f64| {
            measured.iter().map(|it| (place(it.0), of(it))).collect()
        };
        let sides = samples(&[side(|it| it.1), side(|it| it.2)]);
        let grid = grid(&metric, pairs.iter().flat_map(|pair| [pair.left, pair.right]));
        let difference =
            difference(&sides[1], &sides[0], Resolution::of(&sides, grid), &mut Vec::new())?;
        let mean = |side: usize| Statistic::of(replicate_means(&sides[side])).map(|it| it.mean);
        Some(Self {
            left: mean(0)?,
            right: mean(1)?,
            pairs: measured.len(),
            difference,
            same: measured
                .iter()
                .filter(|(_, left, right)| left.to_bits() == right.to_bits())
                .count(),
            metric,
        })
    }

    /// The better side, if the difference is significant.
    pub fn better(&self) -> Better {
        let significant = self.difference.p().is_some_and(|p| p < 1.0 - CONFIDENCE);
        match self.metric.worth(self.difference.mean) {
            _ if !significant || self.metric.direction.is_none() => Better::Undecided,
            0.0.. => Better::Right,
            _ => Better::Left,
        }
    }
}

/// Two matched sets of runs. Fields with two numbers or lists hold left and right.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Hyperparameters of one side only: matching ignores them.
    pub own_params: [Vec<&'a str>; 2],
    /// Metrics of one side only.
    pub own_metrics: [Vec<&'a str>; 2],
    /// Hyperparameters that both sides have.
    pub params: Vec<&'a str>,
    /// Hyperparameters without a common value: they prevent every match.
    pub apart: Vec<&'a str>,
    /// Runs without a counterpart on the other side.
    pub alone: [usize; 2],
    /// Runs that share their hyperparameters with others of the same side: the match is ambiguous.
    pub unclear: [usize; 2],
    /// Pairs in which at least one run did not finish.
    pub unfinished: usize,
    /// Finished pairs, by the trial on the left.
    pub pairs: Vec<Pair<'a>>,
    /// Number of finished pairs with the same bits in all common metrics except times.
    pub same: usize,
    /// Metrics of the finished pairs, in the order of tables.
    pub metrics: Vec<Measured>,
    /// The ranking metric.
    pub ranked_by: Option<String>,
    /// The replicate: pairs that share its value are not independent.
    pub replicate: Option<String>,
}

/// The conclusion over all pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'m> {
    /// There is no finished pair with a common metric.
    Nothing,
    /// All results are equal.
    Same,
    /// The ranking metric is equal in all pairs, another metric is not.
    SameMetric(&'m Measured),
    /// There is no test: one replicate, or differences without spread.
    Untested(&'m Measured),
    /// The difference is not significant.
    Chance(&'m Measured),
    /// The difference is significant, but the direction of the metric is unknown.
    Unclear(&'m Measured),
    /// One side is significantly better.
    Better(&'m Measured),
}

impl<'a> Matched<'a> {
    /// The ranking metric.
    pub fn ranking(&self) -> Option<&Measured> {
        self.metrics.iter().find(|it| Some(&it.metric.name) == self.ranked_by.as_ref())
    }

    /// The conclusion about the ranking metric.
    pub fn verdict(&self) -> Verdict<'_> {
        if !self.pairs.is_empty() && self.same == self.pairs.len() {
            return Verdict::Same;
        }
        let Some(of) = self.ranking() else { return Verdict::Nothing };
        if of.same == of.pairs {
            return Verdict::SameMetric(of);
        }
        match (of.difference.p(), of.better()) {
            (None, _) => Verdict::Untested(of),
            (Some(p), _) if p >= 1.0 - CONFIDENCE => Verdict::Chance(of),
            (_, Better::Undecided) => Verdict::Unclear(of),
            _ => Verdict::Better(of),
        }
    }

    /// Pairs that differ in the ranking metric, largest difference first.
    pub fn farthest(&self) -> Vec<(Pair<'a>, f64)> {
        let Some(metric) = self.ranked_by.as_deref() else { return Vec::new() };
        let of = |pair: &Pair<'a>| {
            pair.difference(metric).filter(|_| !pair.same(metric)).map(|by| (*pair, by))
        };
        let mut pairs: Vec<_> = self.pairs.iter().filter_map(of).collect();
        // Stable sort: equal differences keep the order of trials.
        pairs.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        pairs
    }
}

/// Matches runs with equal hyperparameters, data and validation. Each side has one run per trial. `asked` and `rank` override the
/// usual replicate and ranking metric.
pub fn matched<'a>(
    left: &'a [MeasuredRun],
    right: &'a [MeasuredRun],
    rules: &Rules,
    asked: Option<&str>,
    rank: Option<&str>,
) -> Matched<'a> {
    let sides = [left, right];
    let (params, own_params) = shared(sides.map(param_names));
    let mut like: HashMap<Key, [Vec<&MeasuredRun>; 2]> = HashMap::new();
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
    let finished = |runs: &'a [MeasuredRun]| {
        metric_names(runs.iter().filter(|it| it.run.status == Status::Finished))
    };
    let (names, own_metrics) = shared(sides.map(finished));
    let measured = || names.iter().filter(|name| Unit::of(name, 0.0) != Unit::Seconds);
    let same = pairs.iter().filter(|pair| measured().all(|name| pair.same(name))).count();
    let replicate = replicate(&params, &pairs, asked);
    let cell: Vec<&str> = params.iter().filter(|name| Some(**name) != replicate).copied().collect();
    let value = |pair: &Pair<'a>, name: &str| pair.left.run.param(name);
    let place = |pair: &Pair<'a>| -> Place<'a> {
        (
            replicate.and_then(|name| value(pair, name)),
            cell.iter().map(|name| value(pair, name)).collect(),
        )
    };
    let both: Vec<&MeasuredRun> = pairs.iter().flat_map(|pair| [pair.left, pair.right]).collect();
    let metrics: Vec<Measured> = names
        .iter()
        .filter_map(|name| Measured::of(metric_of(name, &both, rules), &pairs, &place))
        .collect();
    let known: Vec<&str> = metrics.iter().map(|it| it.metric.name.as_str()).collect();
    let validation = pairs.first().map_or("test", |pair| pair.left.run.validation.as_str());
    let rank = rank.and_then(|name| known.iter().find(|it| **it == name).copied());
    let ranked_by = rank
        .or_else(|| rules.ranking(&known, |name| may_rank(name, &both), validation))
        .map(str::to_owned);
    let apart = params.iter().filter(|name| !have_common_value(sides, name)).copied().collect();
    let replicate = replicate.map(str::to_owned);
    Matched {
        own_params,
        own_metrics,
        params,
        apart,
        alone,
        unclear,
        unfinished,
        pairs,
        same,
        metrics,
        ranked_by,
        replicate,
    }
}

/// The replicate: the requested hyperparameter, else the first usual name that varies, else the first usual name.
fn replicate<'a>(params: &[&'a str], pairs: &[Pair], asked: Option<&str>) -> Option<&'a str> {
    let varies = |name: &str| {
        let value = |pair: &Pair| pair.left.run.param(name).cloned();
        let first = pairs.first().and_then(value);
        pairs.iter().any(|pair| by_value(value(pair).as_ref(), first.as_ref()).is_ne())
    };
    let find = |wanted: &str| params.iter().find(|name| **name == wanted).copied();
    let usual = || REPLICATES.into_iter().filter_map(find);
    asked.and_then(find).or_else(|| usual().find(|name| varies(name))).or_else(|| usual().next())
}

/// Whether two runs of different sides share a value of the hyperparameter `name`.
fn have_common_value([left, right]: [&[MeasuredRun]; 2], name: &str) -> bool {
    let values = |side: &'_ [MeasuredRun]| {
        side.iter().map(|it| it.run.param(name).cloned()).collect::<Vec<_>>()
    };
    let (left, right) = (values(left), values(right));
    let values: HashSet<Option<Same<'_>>> =
        left.iter().map(|it| it.as_ref().map(Same::of)).collect();
    right.iter().any(|it| values.contains(&it.as_ref().map(Same::of)))
}

/// Common names, and names of one side only.
fn shared<'a>([left, right]: [Vec<&'a str>; 2]) -> (Vec<&'a str>, [Vec<&'a str>; 2]) {
    let own = |of: &[&'a str], other: &[&str]| {
        of.iter().filter(|name| !other.contains(name)).copied().collect()
    };
    let own_names = [own(&left, &right), own(&right, &left)];
    (left.into_iter().filter(|name| right.contains(name)).collect(), own_names)
}

/// The key of a match.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    dataset_sha256: &'a str,
    validation: &'a str,
    values: Vec<Option<Same<'a>>>,
}

impl<'a> Key<'a> {
    fn of(it: &'a MeasuredRun, params: &[&str]) -> Self {
        let values = params.iter().map(|name| it.run.param(name).map(Same::of)).collect();
        Self { dataset_sha256: &it.run.dataset_sha256, validation: &it.run.validation, values }
    }
}

/// A value as a key: `1` and `1.0` are equal.
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
    use crate::analysis::comparison::CompareOptions;
    use crate::example::{Example, ended, run};
    use tracking::Run;

    fn matched<'a>(left: &'a [MeasuredRun], right: &'a [MeasuredRun]) -> Matched<'a> {
        super::matched(left, right, &Rules::default(), None, None)
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    /// One run per seed, with these accuracies.
    fn side(accuracies: &[f64]) -> Vec<Run> {
        let seeded =
            |(seed, accuracy): (i64, &f64)| run("sweep", &[("seed", seed.into())], *accuracy);
        (0..).zip(accuracies).map(seeded).collect()
    }

    fn observed(runs: Vec<Run>) -> Vec<MeasuredRun> {
        let mut example = Example::new("sweep", "");
        for it in runs {
            example.record(it);
        }
        example.runs(&CompareOptions::default())
    }

    const LEFT: [f64; 5] = [0.9141, 0.9137, 0.9145, 0.9150, 0.9129];

    /// `pvalue` and `confidence_interval(0.95)` of `scipy.stats.ttest_rel(x, best)`.
    #[test]
    fn the_test_of_a_side_equals_that_of_scipy() {
        let left = observed(side(&LEFT));
        let right = observed(side(&[0.9085, 0.9102, 0.9079, 0.9080, 0.9101]));
        let found = matched(&left, &right);
        let Verdict::Better(of) = found.verdict() else { unreachable!("a difference") };
        assert_eq!(
            (of.metric.name.as_str(), of.better(), of.pairs, of.difference.n),
            ("test_accuracy", Better::Left, 5, 5)
        );
        assert!(
            close(of.difference.mean, -0.0051)
                && close(of.difference.p().unwrap(), 0.0036443501879664113)
        );
        let interval = of.difference.interval().unwrap();
        assert!(
            close(interval.low, -0.007419619775023343)
                && close(interval.high, -0.002780380224976644),
            "{interval:?}"
        );
        let loss = found.metrics.iter().find(|it| it.metric.name == "test_loss").unwrap();
        assert_eq!(loss.better(), Better::Left, "less of a loss is better");
        let turned = matched(&right, &left);
        assert_eq!(turned.ranking().unwrap().better(), Better::Right);
    }

    #[test]
    fn a_chance_difference_is_undecided() {
        let (left, right) =
            (observed(side(&LEFT)), observed(side(&[0.9143, 0.9133, 0.9141, 0.9152, 0.9121])));
        let matched = matched(&left, &right);
        let Verdict::Chance(of) = matched.verdict() else { unreachable!("{matched:?}") };
        assert!(close(of.difference.p().unwrap(), 0.2835110642276383));
        assert_eq!(of.better(), Better::Undecided);
        let farthest: Vec<f64> =
            matched.farthest().iter().map(|(_, by)| (by * 1e4).round()).collect();
        assert_eq!((farthest.len(), farthest[0]), (5, -8.0));
        assert!(farthest.is_sorted_by(|a, b| a.abs() >= b.abs()), "{farthest:?}");
    }

    /// Seven settings of one seed give one independent difference, not seven.
    #[test]
    fn pairs_of_one_seed_give_one_difference() {
        let grid = |shift: &dyn Fn(i64, i64) -> f64, seeds: i64| {
            let cells = (0..seeds).flat_map(|seed| (0..7).map(move |batch| (seed, batch)));
            let one = |(seed, batch): (i64, i64)| {
                run(
                    "sweep",
                    &[("batch", batch.into()), ("seed", seed.into())],
                    0.9 + shift(seed, batch),
                )
            };
            observed(cells.map(one).collect())
        };
        let whole = |number: i64| f64::from(i32::try_from(number).unwrap());
        let left = grid(&|_, _| 0.0, 1);
        let right = grid(&|_, batch| 0.01 + 0.001 * whole(batch), 1);
        let found = matched(&left, &right);
        assert!(
            matches!(found.verdict(), Verdict::Untested(of) if of.pairs == 7 && of.difference.n == 1)
        );
        let (left, right) =
            (grid(&|_, _| 0.0, 3), grid(&|seed, batch| 0.001 * whole(seed + batch), 3));
        let found = matched(&left, &right);
        let of = found.ranking().unwrap();
        assert_eq!((of.pairs, of.difference.n, found.replicate.as_deref()), (21, 3, Some("seed")));
        assert!(close(of.difference.mean, 0.004), "{of:?}");
    }

    #[test]
    fn equal_results_are_equal_at_different_times() {
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
        assert!(
            matches!(found.verdict(), Verdict::SameMetric(of) if of.metric.name == "test_accuracy")
        );
        assert_eq!(found.same, 4);
    }

    #[test]
    fn one_pair_or_none_is_not_tested() {
        let (one, other) = (observed(side(&LEFT[..1])), observed(side(&LEFT[1..2])));
        assert!(matches!(matched(&one, &other).verdict(), Verdict::Untested(_)));
        assert_eq!(matched(&one, &[]).verdict(), Verdict::Nothing);
        assert_eq!((matched(&one, &[]).alone, matched(&[], &other).alone), ([1, 0], [0, 1]));
    }

    #[test]
    fn unmatched_runs_are_counted() {
        let with = |momentum: f64, seed: i64| {
            run("sweep", &[("seed", seed.into()), ("momentum", momentum.into())], 0.9)
        };
        let left = observed(side(&LEFT[..4]));
        // Seed 0 finished on one side only, seed 1 occurs twice, seed 2 is once a real number, seed 9 is new.
        let two = run("sweep", &[("seed", 2.0.into())], 0.9);
        let right = observed(vec![
            ended(Status::Diverged, with(0.9, 0)),
            with(0.0, 1),
            with(0.9, 1),
            two,
            with(0.9, 9),
        ]);
        let found = matched(&left, &right);
        assert_eq!(
            (found.alone, found.unclear, found.unfinished, found.pairs.len()),
            ([1, 1], [1, 2], 1, 1)
        );
        assert_eq!(found.own_params, [vec![], vec!["momentum"]]);
        let elsewhere = observed(vec![
            side(&LEFT[..1]).remove(0).with(|run| run.dataset_sha256 = "another".into()),
        ]);
        assert!(matched(&left, &elsewhere).pairs.is_empty(), "other data is no match");
    }

    #[test]
    fn numbers_without_a_finite_difference_do_not_panic() {
        let huge = |sign: f64| {
            let mut runs = side(&LEFT);
            runs.iter_mut().for_each(|it| it.results = vec![("test_loss".into(), sign * 1e308)]);
            observed(runs)
        };
        let (left, right) = (huge(1.0), huge(-1.0));
        assert_eq!(matched(&left, &right).ranked_by.as_deref(), Some("val_accuracy"));
    }
}
