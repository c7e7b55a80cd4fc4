//! Mean, spread, intervals and distributions. `METHODOLOGY.md` has the formulas and their sources.

use std::sync::OnceLock;

use statrs::function::beta::beta_reg;
use statrs::function::gamma::{gamma_lr, ln_gamma};

/// The share of intervals that cover the true value.
pub const CONFIDENCE: f64 = 0.95;

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// `centre` ± `half_width`.
    pub fn around(centre: f64, half_width: f64) -> Self {
        Self { low: centre - half_width, high: centre + half_width }
    }

    /// The interval with both ends moved into `low` to `high`.
    pub fn clamp(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }
}

/// Mean and spread of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistic {
    /// The number of values: at least one.
    pub n: usize,
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation √(Σ(x − mean)² / (n − 1)); `None` for one value.
    pub deviation: Option<f64>,
}

impl Statistic {
    /// Summarizes `values`; `None` if there are none, or if a sum overflows.
    ///
    /// Sums run in the order of size, so the order in which runs end changes no bit. A second pass
    /// corrects the mean by the mean of the residuals.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        if n == 0 {
            return None;
        }
        let first_pass = values.iter().sum::<f64>() / count(n);
        let residuals = values.iter().map(|value| value - first_pass).sum::<f64>();
        let mean = first_pass + residuals / count(n);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (n > 1).then(|| (squares / count(n - 1)).sqrt());
        (mean.is_finite() && squares.is_finite()).then_some(Self { n, mean, deviation })
    }

    /// The 95 % interval of the mean: mean ± t · s / √n with n − 1 degrees of freedom. `None` for
    /// one value. Also `None` for equal values, because an interval without width claims certainty.
    pub fn interval(&self) -> Option<Interval> {
        let error = self.deviation.filter(|deviation| *deviation > 1e-12 * self.mean.abs())?
            / count(self.n).sqrt();
        Some(Interval::around(self.mean, interval_quantile(self.n - 1) * error))
    }
}

/// A count as a real number.
#[allow(clippy::cast_precision_loss, reason = "fewer than 2⁵² runs")]
pub fn count(number: usize) -> f64 {
    number as f64
}

/// Corrects p-values for their number by Holm's step-down procedure, and keeps their order. If
/// every test with a corrected p below α is rejected, the probability of any false rejection is at
/// most α.
pub fn holm(tests: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|a, b| tests[*a].total_cmp(&tests[*b]));
    let mut corrected = vec![1.0; tests.len()];
    let mut greatest = 0.0f64;
    for (step, index) in order.into_iter().enumerate() {
        greatest = greatest.max((tests[index] * count(tests.len() - step)).min(1.0));
        corrected[index] = greatest;
    }
    corrected
}

/// P(|T| ≥ |t|) of Student's t: the regularised incomplete beta function at ν / (ν + t²).
pub fn two_sided(t: f64, freedom: usize) -> f64 {
    let freedom = count(freedom);
    if t.is_infinite() {
        return 0.0;
    }
    beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// P(T ≥ t) of Student's t.
pub fn upper_tail(t: f64, freedom: usize) -> f64 {
    let half = two_sided(t, freedom) / 2.0;
    if t < 0.0 { 1.0 - half } else { half }
}

/// The t that Student's t exceeds with probability `tail`, below a half.
pub fn quantile(tail: f64, freedom: usize) -> f64 {
    let excess = |t: f64| two_sided(t, freedom) / 2.0 - tail;
    let mut low = 0.0;
    let mut high = 2.0;
    while excess(high) > 0.0 && high < 1e150 {
        (low, high) = (high, high * high);
    }
    // Newton's method, with bisection when a step would leave the bracket.
    let mut t = f64::midpoint(low, high);
    for _ in 0..200 {
        let excess = excess(t);
        if excess > 0.0 {
            low = t;
        } else {
            high = t;
        }
        let newton = t + excess / density(t, freedom);
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - t).abs() <= 1e-15 * t {
            return next;
        }
        t = next;
    }
    t
}

/// Density of Student's t.
fn density(t: f64, freedom: usize) -> f64 {
    let freedom = count(freedom);
    let half = f64::midpoint(freedom, 1.0);
    let scale =
        ln_gamma(half) - ln_gamma(freedom / 2.0) - 0.5 * (freedom * std::f64::consts::PI).ln();
    (scale - half * (t * t / freedom).ln_1p()).exp()
}

/// The `share` quantile of χ² with `freedom` degrees of freedom: bisection on the regularised lower
/// incomplete gamma function.
pub fn chi_squared_quantile(share: f64, freedom: usize) -> f64 {
    let below = |x: f64| gamma_lr(count(freedom) / 2.0, x / 2.0);
    let (mut low, mut high) = (0.0, 2.0 * count(freedom));
    while below(high) < share {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// [`quantile`] of the 95 % interval, cached because most calls share a few degrees of freedom.
fn interval_quantile(freedom: usize) -> f64 {
    static CACHE: [OnceLock<f64>; 32] = [const { OnceLock::new() }; 32];
    let compute = || quantile(0.5 - CONFIDENCE / 2.0, freedom);
    CACHE.get(freedom).map_or_else(compute, |cached| *cached.get_or_init(compute))
}

/// Reference values come from SciPy 1.17.1.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    /// `scipy.stats.t.ppf(q, df)` for q = 0.975, 0.9875, 0.995, 1 − 0.05 / 400; `2 * t.sf(2.5, df)`
    /// and `2 * t.sf(40, df)`.
    #[test]
    fn students_t_equals_that_of_scipy() {
        #[rustfmt::skip]
        let table = [
            (1, [12.706204736174694, 25.451699579357168, 63.656741162871526, 2546.4789585697795], 0.24223788318168682, 0.015912179824051624),
            (2, [4.302652729749462, 6.205346816570706, 9.924843200918287, 63.23369404444499], 0.12961172022151082, 0.0006244146721847406),
            (3, [3.1824463052837078, 4.176534846104503, 5.840909309733355, 20.604087145081763], 0.08770664700806556, 3.4380680789158506e-05),
            (4, [2.7764451051977934, 3.4954059325164417, 4.604094871349992, 12.312247135492036], 0.06676654481198814, 2.3340163226012678e-06),
            (9, [2.262157162798205, 2.6850108468164575, 3.249835541592126, 5.829735796197786], 0.033861827682985735, 1.8982998449339822e-11),
            (29, [2.045229642132703, 2.363846073208312, 2.756385903670605, 4.172462905320117], 0.018325344338426086, 6.346877329729342e-27),
            (1000, [1.9623390808264083, 2.2447831150193935, 2.580754698065951, 3.6754979053774615], 0.012578567801090807, 1.0478852155173272e-209),
        ];
        for (freedom, quantiles, p, far) in table {
            for (tail, expected) in [0.025, 0.0125, 0.005, 0.05 / 400.0].into_iter().zip(quantiles)
            {
                let found = quantile(tail, freedom);
                assert!(close(found, expected), "{freedom} {tail}: {found} {expected}");
            }
            assert!(
                close(two_sided(2.5, freedom), p) && close(two_sided(-2.5, freedom), p),
                "{freedom}"
            );
            assert!(
                close(two_sided(40.0, freedom), far),
                "{freedom}: {} {far}",
                two_sided(40.0, freedom)
            );
        }
    }

    const BEST: [f64; 5] = [0.9141, 0.9137, 0.9145, 0.9150, 0.9129];

    /// `scipy.stats.ttest_1samp(x, 0).confidence_interval(0.95)`.
    #[test]
    fn the_interval_of_a_mean_equals_that_of_scipy() {
        let interval = Statistic::of(BEST.to_vec()).unwrap().interval().unwrap();
        assert!(
            close(interval.low, 0.9130482220958955) && close(interval.high, 0.9150317779041044),
            "{interval:?}"
        );
    }

    /// p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") in R is 0.03 0.06 0.06 0.02.
    #[test]
    fn holm_equals_that_of_r() {
        for (found, expected) in
            holm(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip([0.03, 0.06, 0.06, 0.02])
        {
            assert!(close(found, expected), "{found}");
        }
        assert!(holm(&[]).is_empty());
    }

    /// `scipy.stats.t.isf(0.025 / m, df)` for many rivals, and `scipy.stats.chi2.ppf(0.2, df)`.
    #[test]
    fn far_quantiles_equal_those_of_scipy() {
        #[rustfmt::skip]
        let table = [
            (20, 2, 19.962480451642975), (3332, 1, 42424.34162271849), (3332, 2, 258.14433947648655), (3332, 9, 8.396708591862406), (100_000, 2, 1414.213032042954),
        ];
        for (rivals, freedom, expected) in table {
            let found = quantile(0.025 / f64::from(rivals), freedom);
            assert!(close(found, expected), "{rivals} {freedom}: {found}");
            assert!(close(upper_tail(found, freedom) * f64::from(rivals), 0.025));
            assert!(close(1.0 - upper_tail(-found, freedom), 0.025 / f64::from(rivals)));
        }
        for (freedom, expected) in [
            (1, 0.0641847546673016),
            (2, 0.4462871026284195),
            (4, 1.648776618065969),
            (9, 5.380053211773292),
            (99, 87.0052119108777),
        ] {
            let found = chi_squared_quantile(0.2, freedom);
            assert!(close(found, expected), "{freedom}: {found}");
        }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs()
    }

    /// `numpy.mean([0.9141, 0.9137, 0.9145])`, `numpy.std(..., ddof=1)`: the deviation is √((0 + 2
    /// · 0.0004²) / 2).
    #[test]
    fn mean_and_deviation_equal_those_of_numpy() {
        let statistic = Statistic::of(vec![0.9141, 0.9137, 0.9145]).unwrap();
        assert!(near(statistic.mean, 0.9141), "{statistic:?}");
        assert!((statistic.deviation.unwrap() - 0.0004).abs() < 1e-12, "{statistic:?}");
    }

    /// 1, 2, …, n have the mean (n + 1) / 2 and the sample variance n (n + 1) / 12.
    #[test]
    fn mean_and_deviation_equal_the_closed_form() {
        let statistic = Statistic::of((1..=100).rev().map(f64::from).collect()).unwrap();
        assert!(near(statistic.mean, 50.5));
        assert!(near(statistic.deviation.unwrap(), (100.0f64 * 101.0 / 12.0).sqrt()));
    }

    /// NIST StRD `NumAcc3`: mean 1000000.2, standard deviation 0.1 exactly; the textbook formula
    /// Σx² − n·mean² fails it.
    #[test]
    fn a_large_mean_does_not_hide_the_spread() {
        let values = std::iter::once(1_000_000.2)
            .chain((0..1000).map(|i| 1_000_000.1 + 0.2 * f64::from(i % 2)));
        let statistic = Statistic::of(values.collect()).unwrap();
        assert!((statistic.mean - 1_000_000.2).abs() < 1e-8);
        assert!((statistic.deviation.unwrap() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn one_value_has_no_spread_and_no_value_no_mean() {
        let one = Statistic { n: 1, mean: 2.0, deviation: None };
        assert_eq!((Statistic::of(vec![2.0]), one.interval()), (Some(one), None));
        assert_eq!(Statistic::of(vec![]), None);
    }

    #[test]
    fn the_order_of_runs_changes_no_bit() {
        let values = vec![0.1, 0.7, 1e-9, 0.3, 1e9, 0.2];
        let reversed = values.iter().rev().copied().collect();
        assert_eq!(Statistic::of(values), Statistic::of(reversed));
    }
}
