//! `diff --judge`: whether the right side is better than the left.

mod command;
pub mod json;
mod nothing_in_common;
mod seeds;
mod sentence;
pub mod text;

use std::collections::BTreeSet;

use analysis::judge::{Judgement, Method, Verdict, replicates_needed};
use analysis::metric::Metric;
use analysis::runs::{MeasuredRun, is_final, metric_of};
use analysis::samples::Difference;
use analysis::statistics::Interval;
use anyhow::{Result, bail};
use tracking::metric::{self, Rules};
use tracking::typed_name::{find, unknown};
use tracking::{ValidationSet, Value, printable};

use super::conclusion::direction_unknown;
use super::metric::MetricDifference;
use super::pair::Pair;
use super::run_set::RunSet;
use super::sets::{PairedSets, is_finished, varies};
use seeds::{MissingSeeds, missing_seeds};

/// What the user asks.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The metric that decides; `None` for the ranking metric.
    pub metric: Option<&'q str>,
    /// In the recorded unit of the metric.
    pub margin: f64,
    pub method: Method,
}

/// Two sides and the verdict about them.
pub struct Judged<'a> {
    pub left: &'a RunSet,
    pub right: &'a RunSet,
    pub paired: &'a PairedSets<'a>,
    pub metric: Metric,
    pub margin: f64,
    pub method: Method,
    /// The metric over the pairs that have it; `None` if there are none.
    pub evidence: Option<&'a MetricDifference>,
    pub judgement: Judgement,
    /// Whether all pairs have equal bits, which makes the sides equivalent.
    pub is_equal: bool,
    /// What to run next; `None` if the verdict is not "undecided".
    pub missing: Option<MissingSeeds>,
}

impl<'a> Judged<'a> {
    /// Judges two sides.
    ///
    /// # Errors
    /// If the sides have nothing in common, or the metric or its direction is unknown.
    pub fn new(
        [left, right]: [&'a RunSet; 2],
        paired: &'a PairedSets<'a>,
        rules: &Rules,
        Question { metric, margin, method }: Question,
    ) -> Result<Self> {
        nothing_in_common::check([left, right], paired)?;
        let metric = choose_metric([left, right], paired, rules, metric)?;
        let evidence = paired.metrics.iter().find(|found| found.metric.name == metric.name);
        let oriented = evidence.map_or(NOTHING, |evidence| oriented(&metric, evidence.difference));
        let mut judgement = Judgement::of(&oriented, margin, method);
        let is_equal = evidence.is_some_and(|evidence| is_equal(paired, evidence));
        if is_equal {
            judgement = Judgement {
                verdict: Verdict::Equivalent,
                interval: Some(Interval { low: 0.0, high: 0.0 }),
                p: Some(1.0),
            };
        }
        let mut judged = Self {
            left,
            right,
            paired,
            metric,
            margin,
            method,
            evidence,
            judgement,
            is_equal,
            missing: None,
        };
        if judgement.verdict == Verdict::Undecided {
            let needed = replicates_needed(&oriented, margin, method);
            judged.missing = Some(missing_seeds(&judged, needed));
        }
        Ok(judged)
    }

    /// The difference, right minus left, in which positive values mean that right is better.
    pub fn difference(&self) -> Option<f64> {
        self.evidence.map(|evidence| self.metric.oriented(evidence.difference.mean))
    }

    /// The exit code of the verdict.
    pub fn exit_code(&self) -> u8 {
        match self.judgement.verdict {
            Verdict::Better => 0,
            Verdict::Worse | Verdict::Equivalent | Verdict::NotBetter => 10,
            Verdict::Undecided => 11,
        }
    }

    /// The number of combinations of the hyperparameters that vary between pairs, except the
    /// replicate.
    pub fn settings(&self) -> usize {
        let PairedSets { params, pairs, replicate, .. } = self.paired;
        let is_key = |name: &&&str| Some(**name) != *replicate && varies(pairs, name);
        let keys: Vec<&str> = params.iter().filter(is_key).copied().collect();
        let setting = |pair: &Pair<'_>| -> Vec<Option<String>> {
            keys.iter().map(|name| pair.param(name).map(Value::short)).collect()
        };
        pairs.iter().map(setting).collect::<BTreeSet<_>>().len()
    }

    /// The number of replicates.
    pub fn n(&self) -> usize {
        self.evidence.map_or(0, |evidence| evidence.difference.n)
    }
}

/// The difference without a pair.
const NOTHING: Difference = Difference { n: 0, mean: 0.0, error: None, has_limits: false };

/// The difference in which higher is better. Without limits there is no test.
fn oriented(metric: &Metric, difference: Difference) -> Difference {
    Difference {
        mean: metric.oriented(difference.mean),
        error: difference.error.filter(|_| difference.has_limits),
        ..difference
    }
}

/// Whether the bits prove that the sides compute the same: all common metrics except durations are
/// equal in all pairs, on several replicates, and one of them is a loss. Accuracies alone can be
/// equal by chance.
fn is_equal(paired: &PairedSets, evidence: &MetricDifference) -> bool {
    let is_equal_loss = |difference: &MetricDifference| {
        metric::is_loss(&difference.metric.name) && difference.difference.n > 1
    };
    paired.equal == paired.pairs.len()
        && evidence.equal == evidence.pairs
        && paired.metrics.iter().any(is_equal_loss)
}

/// The metric that decides: the requested one, else the ranking metric.
fn choose_metric(
    sets: [&RunSet; 2],
    paired: &PairedSets,
    rules: &Rules,
    requested: Option<&str>,
) -> Result<Metric> {
    let finished: Vec<&MeasuredRun> =
        sets.iter().flat_map(|set| &set.runs).filter(|run| is_finished(run)).collect();
    let names = &paired.common_metrics;
    let validation = finished.first().map_or(&ValidationSet::Test, |run| &run.run.validation);
    let name = match requested {
        Some(name) => match find(name, names) {
            Some(name) => name,
            None => bail!("{}", unknown("metric", name, names)),
        },
        None => {
            let ranking = || rules.ranking(names, |name| is_final(name, &finished), validation);
            match paired.ranked_by.as_deref().or_else(ranking) {
                Some(name) => name,
                None => bail!(
                    "no common metric ranks: name one with --metric, and with --minimize or \
                     --maximize if its direction is unknown; the sides have {}",
                    printable(&names.join(", "))
                ),
            }
        }
    };
    let metric = metric_of(name, &finished, rules);
    if metric.direction.is_none() {
        bail!("{}", direction_unknown(name));
    }
    Ok(metric)
}
