//! Power: how many replicates a decision needs, and which difference is found reliably.

use super::statistics::{CONFIDENCE, chi_squared_quantile, count, quantile};

/// The wanted probability of finding a difference.
pub const POWER: f64 = 0.8;
/// Most replicates to propose: a plan with more is impractical.
const MAX_REPLICATES: usize = 1_000;

/// The factor from the standard deviation of a pilot to its upper 80 % limit: √((n − 1) / χ²₀.₂).
/// `None` for one replicate.
pub fn inflation(pilot: usize) -> Option<f64> {
    let freedom = pilot.checked_sub(1).filter(|freedom| *freedom > 0)?;
    Some((count(freedom) / chi_squared_quantile(1.0 - POWER, freedom)).sqrt())
}

/// The least number of replicates that finds a difference of 1 / `ratio` standard deviations
/// between two of `settings` settings with a probability of [`POWER`]. `None` above a thousand.
pub fn replicates_needed(ratio: f64, settings: usize) -> Option<usize> {
    let tail = tail(settings);
    least_replicates(ratio, |n| quantile(tail, n - 1))
}

/// The least n with √n ≥ (`critical(n)` + t₀.₈,ₙ₋₁) · `ratio`: with a probability of [`POWER`], the
/// t statistic of n differences exceeds `critical(n)` if their true mean is 1 / `ratio` standard
/// deviations. `None` above a thousand.
pub fn least_replicates(ratio: f64, critical: impl Fn(usize) -> f64) -> Option<usize> {
    let enough = |n: usize| count(n).sqrt() >= (critical(n) + power_quantile(n)) * ratio;
    if !ratio.is_finite() || ratio < 0.0 || !enough(MAX_REPLICATES) {
        return None;
    }
    // Above the least n the condition always holds, since the quantiles grow slower than √n.
    let (mut low, mut high) = (2, MAX_REPLICATES);
    while low < high {
        let middle = usize::midpoint(low, high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// The smallest difference between two of `settings` settings that `n` replicates find with a
/// probability of [`POWER`]. `deviation` is the standard deviation of the differences.
pub fn detectable_difference(deviation: f64, settings: usize, n: usize) -> f64 {
    let critical = quantile(tail(settings), n - 1);
    (critical + power_quantile(n)) * deviation / count(n).sqrt()
}

/// The probability of a chance difference in one direction, for one of the comparisons with the best.
fn tail(settings: usize) -> f64 {
    (1.0 - CONFIDENCE) / 2.0 / count(settings.saturating_sub(1).max(1))
}

fn power_quantile(n: usize) -> f64 {
    quantile(1.0 - POWER, n - 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The least n with √n ≥ (`t.isf(a, n - 1)` + `t.ppf(0.8, n - 1)`) · s / δ, by SciPy.
    #[test]
    fn numbers_of_replicates_equal_those_of_scipy() {
        for (settings, ratio, expected) in [
            (2, 0.1, 2),
            (2, 0.3, 3),
            (2, 0.8, 8),
            (2, 2.0, 34),
            (2, 5.0, 199),
            (10, 0.1, 3),
            (10, 0.3, 5),
            (10, 0.8, 12),
            (10, 2.0, 56),
            (10, 5.0, 331),
            (21, 0.1, 4),
            (21, 0.3, 6),
            (21, 0.8, 14),
            (21, 2.0, 64),
            (21, 5.0, 378),
            (100, 0.1, 4),
            (100, 0.3, 7),
            (100, 0.8, 18),
            (100, 2.0, 81),
            (100, 5.0, 472),
        ] {
            assert_eq!(replicates_needed(ratio, settings), Some(expected), "{settings} {ratio}");
        }
        assert_eq!(replicates_needed(f64::INFINITY, 2), None);
        assert_eq!(replicates_needed(1e3, 2), None, "a thousand are not enough");
        assert_eq!(replicates_needed(0.0, 2), Some(2));
    }

    /// The least n with √n ≥ (the critical t of [`sequential`](crate::sequential) +
    /// `t.ppf(0.8, n - 1)`) · ratio, by SciPy.
    #[test]
    fn numbers_of_an_anytime_test_equal_those_of_scipy() {
        let critical = |n| crate::sequential::critical_t(n).unwrap_or(f64::INFINITY);
        for (ratio, expected) in [(0.1, 3), (0.3, 5), (0.8, 15), (2.0, 79), (5.0, 524)] {
            assert_eq!(least_replicates(ratio, critical), Some(expected), "{ratio}");
        }
    }

    /// `sqrt((n - 1) / scipy.stats.chi2.ppf(0.2, n - 1))`
    #[test]
    fn the_deviation_of_a_pilot_is_inflated() {
        let close = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap() - expected).abs() < 1e-9 * expected)
        };
        close(inflation(2), 3.9471538755427455);
        close(inflation(3), 2.1169364935501847);
        close(inflation(10), 1.2933854444729525);
        assert_eq!(inflation(1), None, "one replicate is no pilot");
    }

    /// (`t.isf(a, n - 1)` + `t.ppf(0.8, n - 1)`) / √n, by SciPy.
    #[test]
    fn smallest_differences_equal_those_of_scipy() {
        for (settings, n, expected) in [
            (2, 2, 9.95789252),
            (2, 3, 3.09651015),
            (2, 5, 1.66247615),
            (2, 10, 0.99471374),
            (2, 30, 0.52935954),
            (10, 2, 81.99966054),
            (10, 3, 8.32602684),
            (10, 5, 2.85212981),
            (10, 10, 1.42469213),
            (10, 30, 0.70292965),
            (21, 2, 181.03558662),
            (21, 3, 12.13771590),
            (21, 5, 3.44319470),
            (21, 10, 1.59037037),
            (21, 30, 0.76031569),
            (100, 2, 892.28621499),
            (100, 3, 26.29310533),
            (100, 5, 5.01798141),
            (100, 10, 1.95000775),
            (100, 30, 0.87054822),
        ] {
            let found = detectable_difference(1.0, settings, n);
            assert!((found - expected).abs() < 1e-6 * expected, "{settings} {n}: {found}");
        }
    }
}
