//! A verdict about two sides, from their mean difference.

use super::power::{inflation, least_replicates};
use super::samples::Difference;
use super::sequential;
use super::statistics::{CONFIDENCE, Interval, count, quantile, two_sided};

/// The test that judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Valid however often it is repeated while replicates are added.
    Anytime,
    /// The ordinary paired t-test, valid for one look.
    Once,
}

impl Method {
    /// The |t| at which the 95 % interval of `n` differences ends; `None` if it has no end.
    pub fn critical_t(self, n: usize) -> Option<f64> {
        match self {
            Self::Anytime => sequential::critical_t(n),
            Self::Once => (n > 1).then(|| quantile((1.0 - CONFIDENCE) / 2.0, n - 1)),
        }
    }

    /// The two-sided p-value of "no difference". `n` is at least two.
    fn p_value(self, t: f64, n: usize) -> f64 {
        match self {
            Self::Anytime => sequential::p_value(t, n),
            Self::Once => two_sided(t, n - 1),
        }
    }

    /// The least number of replicates for which a verdict is possible.
    pub fn least_replicates(self) -> usize {
        match self {
            Self::Anytime => 3,
            Self::Once => 2,
        }
    }
}

/// Whether the right side is better than the left by more than a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Better,
    /// It is worse by more than the margin.
    Worse,
    /// The difference is smaller than the margin, in either direction.
    Equivalent,
    /// It is not better by more than the margin. Nothing else is known.
    NotBetter,
    /// More replicates are needed.
    Undecided,
}

/// A verdict with its evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The 95 % interval of the difference; `None` if it has no end or there is no test.
    pub interval: Option<Interval>,
    /// The p-value of "no difference"; `None` if there is no test.
    pub p: Option<f64>,
}

impl Judgement {
    /// Judges a difference, right minus left, in which positive values mean that the right side is
    /// better. One two-sided interval gives every verdict.
    pub fn of(difference: &Difference, margin: f64, method: Method) -> Self {
        // Differences without any spread are no evidence of a certain difference.
        let Some(error) = difference.error.filter(|error| *error > 0.0) else {
            return Self { verdict: Verdict::Undecided, interval: None, p: None };
        };
        let half_width = method.critical_t(difference.n).map(|critical| critical * error);
        let interval = half_width.map(|half_width| Interval::around(difference.mean, half_width));
        Self {
            verdict: interval.map_or(Verdict::Undecided, |interval| verdict(interval, margin)),
            interval,
            p: Some(method.p_value(difference.mean / error, difference.n)),
        }
    }
}

fn verdict(Interval { low, high }: Interval, margin: f64) -> Verdict {
    if low > margin {
        Verdict::Better
    } else if high < -margin {
        Verdict::Worse
    } else if high < margin {
        if low > -margin { Verdict::Equivalent } else { Verdict::NotBetter }
    } else {
        Verdict::Undecided
    }
}

/// The number of replicates, all together, that gives a verdict with a probability of 80 % if the
/// true difference is the one seen. `None` if that is more than a thousand, or if the difference has
/// too few replicates to tell.
///
/// The verdict depends on the distance of the mean from the margin: if it is left of the margin, the
/// right side is not better, and if it is right of the margin, the right side is better.
pub fn replicates_needed(difference: &Difference, margin: f64, method: Method) -> Option<usize> {
    let n = difference.n;
    let error = difference.error.filter(|error| *error > 0.0)?;
    let deviation = error * count(n).sqrt() * inflation(n)?;
    let ratio = deviation / (difference.mean - margin).abs();
    let needed =
        least_replicates(ratio, |n| method.critical_t(n).unwrap_or(f64::INFINITY))?.max(n + 1);
    (n >= method.least_replicates()).then_some(needed)
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn difference(n: usize, mean: f64, error: impl Into<Option<f64>>) -> Difference {
        Difference { n, mean, error: error.into(), has_limits: true }
    }

    fn verdict_of(mean: f64, margin: f64) -> Verdict {
        Judgement::of(&difference(10, mean, 0.1), margin, Method::Anytime).verdict
    }

    /// The half-width of the interval of ten differences with the error 0.1 is 0.423.
    #[test]
    fn one_interval_gives_every_verdict() {
        for (mean, margin, expected) in [
            (0.43, 0.0, Verdict::Better),
            (0.42, 0.0, Verdict::Undecided),
            (-0.42, 0.0, Verdict::Undecided),
            (-0.43, 0.0, Verdict::Worse),
            (0.93, 0.5, Verdict::Better),
            (0.92, 0.5, Verdict::Undecided),
            (0.05, 0.5, Verdict::Equivalent),
            (-0.1, 0.5, Verdict::NotBetter),
            (-0.93, 0.5, Verdict::Worse),
            (0.08, 0.5, Verdict::Undecided),
        ] {
            assert_eq!(verdict_of(mean, margin), expected, "{mean} {margin}");
        }
    }

    /// `scipy.stats.t.ppf(0.975, 4)` is 2.7764451; the p-value is `2 * scipy.stats.t.sf(2.5, 4)`.
    #[test]
    fn one_look_is_the_ordinary_t_test() {
        let once = Judgement::of(&difference(5, 0.25, 0.1), 0.0, Method::Once);
        let interval = once.interval.unwrap();
        assert!((interval.low + 0.027_644_51).abs() < 1e-8, "{interval:?}");
        assert!((interval.high - 0.527_644_51).abs() < 1e-8, "{interval:?}");
        assert!((once.p.unwrap() - 0.066_766_544_8).abs() < 1e-9, "{once:?}");
    }

    #[test]
    fn too_little_data_is_undecided() {
        for (n, error, method) in [
            (2, Some(1e-9), Method::Anytime),
            (1, None, Method::Anytime),
            (1, None, Method::Once),
            (5, None, Method::Once),
            (5, Some(0.0), Method::Anytime),
        ] {
            let judgement = Judgement::of(&difference(n, 1.0, error), 0.0, method);
            assert_eq!(judgement.verdict, Verdict::Undecided, "{n} {error:?}");
            assert_eq!(judgement.interval, None);
            assert_eq!(replicates_needed(&difference(n, 1.0, error), 0.0, method), None);
        }
    }
}
