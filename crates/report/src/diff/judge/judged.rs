//! Two sides and the verdict about them.

use analysis::judge::{Judgement, Method, Verdict, replicates_needed};
use analysis::metric::Metric;
use analysis::runs::{MeasuredRun, is_final, metric_of};
use analysis::samples::Difference;
use analysis::statistics::Interval;
use anyhow::{Result, bail};
use tracking::metric::{self, Rules};
use tracking::typed_name::{find, unknown};
use tracking::{ValidationSet, printable};

use super::evidence::{Lack, UsedPairs, lack};
use super::nothing_in_common;
use super::seeds::{MissingSeeds, missing_seeds};
use crate::diff::conclusion::direction_unknown;
use crate::diff::metric::MetricDifference;
use crate::diff::run_set::RunSet;
use crate::diff::sets::{PairedSets, is_finished};

/// The question of the user.
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
    pub used: UsedPairs<'a>,
    /// The metric over the used pairs; `None` if there are none.
    pub evidence: Option<MetricDifference>,
    pub judgement: Judgement,
    /// Whether all pairs have equal bits, which makes the sides equivalent.
    pub is_equal: bool,
    /// The runs without a result that prevent a verdict.
    pub lack: Option<Lack>,
    /// The replicates to add; `None` if they would not help.
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
        let used = UsedPairs::of(paired, &metric.name);
        let evidence = paired.difference(&used.pairs, metric.clone());
        let oriented =
            evidence.as_ref().map_or(NOTHING, |evidence| oriented(&metric, evidence.difference));
        let is_equal = evidence.as_ref().is_some_and(|evidence| is_equal(paired, evidence));
        let mut judgement = if is_equal { EQUAL } else { Judgement::of(&oriented, margin, method) };
        // Results that are missing on one side only are no chance: they can turn the verdict.
        let favours_right = oriented.mean > margin;
        let lack = judgement.interval.and_then(|_| lack(paired, &metric.name, favours_right));
        if lack.is_some() {
            judgement.verdict = Verdict::Undecided;
        }
        let missing = (judgement.verdict == Verdict::Undecided && lack.is_none()).then(|| {
            let needed = replicates_needed(&oriented, margin, method);
            missing_seeds([left, right], &used.pairs, paired.replicate, method, oriented.n, needed)
        });
        Ok(Self {
            left,
            right,
            paired,
            metric,
            margin,
            method,
            used,
            evidence,
            judgement,
            is_equal,
            lack,
            missing,
        })
    }

    /// The difference, right minus left, in which positive values mean that right is better.
    pub fn difference(&self) -> Option<f64> {
        self.evidence.as_ref().map(|evidence| self.metric.oriented(evidence.difference.mean))
    }

    /// The exit code of the verdict.
    pub fn exit_code(&self) -> u8 {
        match self.judgement.verdict {
            Verdict::Better => 0,
            Verdict::Worse | Verdict::Equivalent | Verdict::NotBetter => 10,
            Verdict::Undecided => 11,
        }
    }

    /// The number of replicates.
    pub fn n(&self) -> usize {
        self.evidence.as_ref().map_or(0, |evidence| evidence.difference.n)
    }
}

/// The difference without a pair.
const NOTHING: Difference = Difference { n: 0, mean: 0.0, error: None, has_limits: false };

/// The judgement about sides with equal bits.
const EQUAL: Judgement = Judgement {
    verdict: Verdict::Equivalent,
    interval: Some(Interval { low: 0.0, high: 0.0 }),
    p: Some(1.0),
};

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
