//! The conclusion over all pairs, as a value and as a sentence.

use analysis::metric::Unit;
use tracking::printable;

use super::digits::{Digits, p_value};
use super::metric::{BetterSide, MetricDifference};
use super::sets::PairedSets;
use crate::wording;

/// The conclusion over all pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Conclusion<'m> {
    /// No finished pair has a metric that ranks.
    NoRanking,
    /// All results of all pairs are equal.
    Equal,
    /// The ranking metric is equal in all pairs, another metric is not.
    EqualRanking(&'m MetricDifference),
    /// There is no test: there is one replicate, or the differences have no spread.
    Untested(&'m MetricDifference),
    /// The difference is not significant.
    NotSignificant(&'m MetricDifference),
    /// The difference is significant. One side is better if the direction of the metric is known.
    Significant(&'m MetricDifference),
}

impl PairedSets<'_> {
    /// The conclusion about the ranking metric.
    pub fn conclusion(&self) -> Conclusion<'_> {
        if !self.pairs.is_empty() && self.equal == self.pairs.len() {
            return Conclusion::Equal;
        }
        let Some(ranking) = self.ranking() else { return Conclusion::NoRanking };
        if ranking.equal == ranking.pairs {
            return Conclusion::EqualRanking(ranking);
        }
        match ranking.difference.p() {
            None => Conclusion::Untested(ranking),
            Some(_) if !ranking.is_significant() => Conclusion::NotSignificant(ranking),
            Some(_) => Conclusion::Significant(ranking),
        }
    }

    /// The conclusion as a sentence.
    pub fn conclusion_sentence(&self) -> String {
        let all_pairs = match self.pairs.len() {
            1 => "the only pair is".to_owned(),
            n => format!("all {n} pairs are"),
        };
        match self.conclusion() {
            Conclusion::NoRanking => no_ranking(self),
            Conclusion::Equal => format!("{all_pairs} equal, bit for bit"),
            Conclusion::EqualRanking(ranking) => format!(
                "{all_pairs} equal in {}, bit for bit; {} of {} equal in all metrics",
                wording::metric(&ranking.metric.name),
                self.equal,
                self.pairs.len()
            ),
            Conclusion::Untested(ranking) => untested(ranking, self.replicate),
            Conclusion::NotSignificant(ranking) => format!(
                "no significant difference in {} (p {})",
                wording::metric(&ranking.metric.name),
                p_value(&ranking.difference)
            ),
            Conclusion::Significant(ranking) => significant(ranking),
        }
    }
}

fn no_ranking(paired: &PairedSets) -> String {
    match paired.metrics.iter().find(|metric| metric.metric.direction.is_none()) {
        Some(metric) => direction_unknown(&metric.metric.name),
        None if paired.metrics.is_empty() => {
            "no conclusion: no trial finished on both sides with a common metric".to_owned()
        }
        None => "all common metrics are training metrics, which do not rank: \
                 use --minimize NAME or --maximize NAME"
            .to_owned(),
    }
}

/// Asks for the direction of a metric.
pub fn direction_unknown(metric: &str) -> String {
    let name = printable(metric);
    format!("direction of `{name}` unknown: use --minimize {name} or --maximize {name}")
}

fn untested(ranking: &MetricDifference, replicate: Option<&str>) -> String {
    let metric = wording::metric(&ranking.metric.name);
    match (replicate.map(wording::key), ranking.difference.n) {
        (None, _) => format!(
            "no test of {metric}: no hyperparameter repeats a setting; run several seeds, \
             or name the replicate with --replicate"
        ),
        (Some(replicate), 1) => {
            format!("no test of {metric}: all pairs have the same {replicate}")
        }
        (Some(replicate), _) => format!(
            "no test of {metric}: the difference is the same for every {replicate}, \
             which may be rounding"
        ),
    }
}

/// Names the better side and the size of the difference.
fn significant(ranking: &MetricDifference) -> String {
    let digits = Digits::of(ranking);
    let subject = match ranking.better_side() {
        BetterSide::Left => "left is better by",
        BetterSide::Right => "right is better by",
        BetterSide::Undecided => "the sides differ by",
    };
    let unit = match ranking.metric.unit {
        Unit::Fraction | Unit::Percent => " points of",
        Unit::Seconds => " s of",
        Unit::Number => " of",
    };
    let interval = ranking.difference.interval().map_or_else(String::new, |interval| {
        let (low, high) = (interval.low.abs(), interval.high.abs());
        format!(" [{}, {}]", digits.size(low.min(high)), digits.size(low.max(high)))
    });
    format!(
        "{subject} {}{unit} {}{interval} (p {})",
        digits.size(ranking.difference.mean),
        wording::metric(&ranking.metric.name),
        p_value(&ranking.difference)
    )
}
