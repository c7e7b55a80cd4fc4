//! A paired t-test that stays valid when it is repeated as replicates come: e-values of the normal
//! mixture t. `METHODOLOGY.md` has the formula and its sources.

use super::statistics::{CONFIDENCE, count};

/// Scales of the mixture: the prior variance of the mean difference in units of the variance of one
/// difference. Several scales find small and large differences alike.
const SCALES: [f64; 3] = [1.0, 10.0, 100.0];

/// The p-value of the t statistic of `n` differences, valid at any time: the probability that it
/// ever falls to α or below is at most α if the true mean is 0.
pub fn p_value(t: f64, n: usize) -> f64 {
    (-ln_e(t, n)).exp().min(1.0)
}

/// The |t| above which the 95 % anytime-valid interval of the mean of `n` differences excludes 0.
/// `None` for two differences or fewer, whose interval is infinite.
pub fn critical_t(n: usize) -> Option<f64> {
    let limit = -(1.0 - CONFIDENCE).ln();
    if n < 2 || ln_e(f64::INFINITY, n) <= limit {
        return None;
    }
    let (mut low, mut high) = (0.0, 2.0);
    while ln_e(high, n) < limit {
        (low, high) = (high, 2.0 * high);
    }
    // The e-value grows with |t|. Bisection ends when no number lies between the bounds.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(high);
        }
        if ln_e(middle, n) < limit {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The logarithm of the e-value: the mean over [`SCALES`].
fn ln_e(t: f64, n: usize) -> f64 {
    let terms = SCALES.map(|scale| ln_e_of_scale(t, n, scale));
    let largest = terms.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
    largest + (sum / SCALES.len() as f64).ln()
}

/// −½ ln c + (n/2) [ln(1 + t²/ν) − ln(1 + t²/(νc))] with ν = n − 1 and c = 1 + n · `scale`. The
/// bracket is ln(1 + (c − 1) / (1 + νc/t²)), which neither overflows nor cancels.
fn ln_e_of_scale(t: f64, n: usize, scale: f64) -> f64 {
    let (n, freedom) = (count(n), count(n - 1));
    let c = 1.0 + n * scale;
    let gain = (n * scale / (1.0 + freedom * c / (t * t))).ln_1p();
    f64::midpoint(n * gain, -c.ln())
}

/// Reference values come from NumPy 2.4.6 and SciPy 1.17.1.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `numpy.logaddexp.reduce(-.5*log1p(n*g) + n/2*(log1p(t*t/v) - log1p(t*t/(v*(1+n*g))))) -
    /// log(3)` with `v = n - 1` and `g = numpy.array([1., 10., 100.])`.
    #[test]
    fn e_values_equal_those_of_numpy() {
        for (t, n, expected) in [
            (0.0, 3, -1.4034481920125064),
            (1.0, 3, -0.9183278775382387),
            (13.7, 3, 2.9920721253918066),
            (2.0, 5, -0.15202617120817496),
            (6.5, 5, 3.2013939552700945),
            (4.0, 20, 3.5715671208454163),
            (40.0, 20, 39.27423973811953),
            (1e6, 20, 71.11470951020739),
            (3.0, 1000, 0.27619852090717734),
            (200.0, 1000, 1850.6401418195871),
        ] {
            let (found, mirrored) = (ln_e(t, n), ln_e(-t, n));
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{t} {n}: {found}");
            assert_eq!(found.to_bits(), mirrored.to_bits(), "{t} {n}");
        }
    }

    /// `scipy.optimize.brentq(lambda t: ln_e(t, n) - numpy.log(20), 1, 1e3, xtol=1e-13)`.
    #[test]
    fn critical_values_equal_those_of_scipy() {
        for (n, expected) in [
            (3, 13.731627674277805),
            (4, 7.796591046762923),
            (5, 6.120908126893568),
            (6, 5.329291064043772),
            (8, 4.574884067824591),
            (10, 4.226897077946415),
            (15, 3.869086571248131),
            (20, 3.732718787711539),
            (50, 3.577355634388075),
            (1000, 3.808093553417586),
        ] {
            let found = critical_t(n).unwrap();
            assert!((found - expected).abs() <= 1e-9 * expected, "{n}: {found}");
            assert!((p_value(found, n) - 0.05).abs() < 1e-12, "{n}");
        }
        assert_eq!((critical_t(1), critical_t(2)), (None, None), "no t is large enough");
    }

    #[test]
    fn extreme_statistics_have_finite_evidence() {
        for n in [2, 3, 1_000_000] {
            for t in [0.0, 5e-324, 1e300, f64::INFINITY] {
                let p = p_value(t, n);
                assert!((0.0..=1.0).contains(&p), "{t} {n}: {p}");
                assert!(ln_e(t, n).is_finite(), "{t} {n}");
            }
        }
        assert!(critical_t(1_000_000).unwrap() < 6.0);
    }
}
