//! Comparison with the best: which settings may be the best, and simultaneous limits of the
//! distance of each to the best.
//!
//! The method is Hsu's multiple comparisons with the best, in the form of Edwards and Hsu. It uses
//! paired t-tests with Bonferroni's correction. Every setting is tested against every other for
//! "this is the best"; nothing is selected beforehand. The true best is listed with a probability
//! of at least 95 %, and all limits hold together. `METHODOLOGY.md` has the formulas and the
//! simulations.

use std::collections::HashMap;

use super::samples::{Difference, Resolution, Samples, difference};
use super::statistics::{CONFIDENCE, count, quantile, upper_tail};

/// How a setting compares with the best. More is better here: losses are negated before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Whether it was tested against at least one other setting. If not, the promise does not cover
    /// it.
    pub compared: bool,
    /// The number of settings that it was tested against.
    pub rivals: usize,
    /// The p-value of "this setting is the best"; `None` if it was not compared.
    pub p_best: Option<f64>,
    /// Whether it may be the best.
    pub may_be_best: bool,
    /// Its distance to the best; `None` if no limits hold.
    pub distance: Option<Limits>,
}

/// Simultaneous limits of the distance to the true best, both at most 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// It is at most this far behind; `None` if it cannot be tested against a candidate.
    pub low: Option<f64>,
    /// It is at least this far behind; 0 if it is not shown to be strictly worse.
    pub high: f64,
}

/// The greatest t over the rivals, for each number of degrees of freedom.
#[derive(Default, Clone)]
struct GreatestT(Vec<(usize, f64)>);

impl GreatestT {
    fn add(&mut self, freedom: usize, t: f64) {
        match self.0.iter_mut().find(|(known, _)| *known == freedom) {
            Some((_, greatest)) => *greatest = greatest.max(t),
            None => self.0.push((freedom, t)),
        }
    }
}

/// Compares all settings with the best of them.
pub fn standings(settings: &[Samples], resolution: Resolution) -> Vec<Standing> {
    let mut standings = vec![Standing::default(); settings.len()];
    let mut greatest_t = vec![GreatestT::default(); settings.len()];
    let scratch = &mut Vec::new();
    for a in 0..settings.len() {
        for b in a + 1..settings.len() {
            let Some((difference, error)) =
                testable_difference(&settings[a], &settings[b], resolution, scratch)
            else {
                continue;
            };
            // Equal values speak for neither setting.
            let t = if error > 0.0 { difference.mean / error } else { 0.0 };
            greatest_t[b].add(difference.n - 1, t);
            greatest_t[a].add(difference.n - 1, -t);
            standings[a].rivals += 1;
            standings[b].rivals += 1;
        }
    }
    for (standing, greatest_t) in standings.iter_mut().zip(&greatest_t) {
        let least_p =
            greatest_t.0.iter().map(|(freedom, t)| upper_tail(*t, *freedom)).reduce(f64::min);
        standing.compared = least_p.is_some();
        standing.p_best = least_p.map(|p| (2.0 * count(standing.rivals) * p).min(1.0));
        standing.may_be_best = standing.p_best.is_some_and(|p| p >= 1.0 - CONFIDENCE);
    }
    let candidates: Vec<usize> =
        (0..settings.len()).filter(|index| standings[*index].may_be_best).collect();
    if !candidates.is_empty() {
        let mut limits = vec![(0.0f64, f64::NEG_INFINITY); settings.len()];
        // One quantile per number of rivals and of degrees of freedom.
        let mut quantiles = HashMap::new();
        for candidate in candidates {
            let rivals = standings[candidate].rivals;
            let tail = (1.0 - CONFIDENCE) / 2.0 / count(rivals);
            let mut t = |freedom| {
                *quantiles.entry((rivals, freedom)).or_insert_with(|| quantile(tail, freedom))
            };
            widen_limits(&mut limits, settings, candidate, &mut t, resolution, scratch);
        }
        for (standing, (low, high)) in
            standings.iter_mut().zip(limits).filter(|(standing, _)| standing.compared)
        {
            // Adding zero turns -0 into 0.
            let low = low.is_finite().then_some(low + 0.0);
            standing.distance = Some(Limits { low, high: high.min(0.0) + 0.0 });
        }
    }
    standings
}

/// The difference between two settings and its standard error; `None` if it cannot be tested.
fn testable_difference(
    a: &Samples,
    b: &Samples,
    resolution: Resolution,
    scratch: &mut Vec<f64>,
) -> Option<(Difference, f64)> {
    let difference = difference(a, b, resolution, scratch)?;
    Some((difference, difference.error?))
}

/// Widens the limits of each setting so that they contain its distance to `candidate`. `t` is the
/// quantile of Student's t by degrees of freedom, corrected for the rivals of the candidate.
fn widen_limits(
    limits: &mut [(f64, f64)],
    settings: &[Samples],
    candidate: usize,
    t: &mut impl FnMut(usize) -> f64,
    resolution: Resolution,
    scratch: &mut Vec<f64>,
) {
    for (index, (low, high)) in limits.iter_mut().enumerate() {
        if index == candidate {
            (*low, *high) = (low.min(0.0), high.max(0.0));
            continue;
        }
        let difference =
            testable_difference(&settings[index], &settings[candidate], resolution, scratch);
        let (least, greatest) = match difference {
            Some((Difference { n, mean, has_limits: true, .. }, error)) => {
                let t = t(n - 1);
                (mean - error * t, mean + error * t)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        (*low, *high) = (low.min(least), high.max(greatest));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;
    use crate::samples::Sample;

    #[derive(Deserialize)]
    struct Reference {
        grid: f64,
        /// One row per seed, one column per setting.
        values: Vec<Vec<Option<f64>>>,
        compared: Vec<bool>,
        may_be_best: Vec<bool>,
        p: Vec<Option<f64>>,
        low: Vec<Option<f64>>,
        high: Vec<Option<f64>>,
    }

    fn close(a: Option<f64>, b: Option<f64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// `tests/statistics/mcb.py` computes the reference for random tables: with missing values, on
    /// grids, with equal settings, and one without a best.
    #[test]
    fn standings_equal_those_of_the_reference() {
        let tables: Vec<Reference> =
            serde_json::from_str(include_str!("../tests/statistics/tables.json")).unwrap();
        assert!(tables.len() > 50);
        for (number, table) in tables.iter().enumerate() {
            let setting = |setting: usize| {
                let sample = |(replicate, row): (usize, &Vec<Option<f64>>)| {
                    row[setting].map(|value| Sample { replicate, cell: 0, value })
                };
                table.values.iter().enumerate().filter_map(sample).collect()
            };
            let settings: Vec<Samples> = (0..table.compared.len()).map(setting).collect();
            let found = standings(&settings, Resolution::of(&settings, Some(table.grid)));
            for (setting, standing) in found.iter().enumerate() {
                let expected = (table.compared[setting], table.may_be_best[setting]);
                assert_eq!(
                    (standing.compared, standing.may_be_best),
                    expected,
                    "table {number}, setting {setting}"
                );
                let (low, high) = (
                    standing.distance.and_then(|limits| limits.low),
                    standing.distance.map(|limits| limits.high),
                );
                for (name, found, expected) in [
                    ("p", standing.p_best, table.p[setting]),
                    ("low", low, table.low[setting]),
                    ("high", high, table.high[setting]),
                ] {
                    assert!(
                        close(found, expected),
                        "table {number}, setting {setting}, {name}: {found:?} {expected:?}"
                    );
                }
            }
        }
    }

    /// With two settings the method is the ordinary paired t-test: `scipy.stats.ttest_rel(x,
    /// best)`.
    #[test]
    fn two_settings_give_the_paired_t_test() {
        let samples_of = |values: [f64; 5]| -> Samples {
            values
                .into_iter()
                .enumerate()
                .map(|(replicate, value)| Sample { replicate, cell: 0, value })
                .collect()
        };
        let settings = [
            samples_of([0.9141, 0.9137, 0.9145, 0.9150, 0.9129]),
            samples_of([0.9120, 0.9131, 0.9122, 0.9149, 0.9111]),
        ];
        let found = standings(&settings, Resolution::of(&settings, Some(0.0)));
        assert!(close(found[1].p_best, Some(0.033827067941416086)));
        assert_eq!((found[0].may_be_best, found[1].may_be_best), (true, false));
        let limits = found[1].distance.unwrap();
        assert!(
            close(limits.low, Some(-0.0025883119720338243))
                && close(Some(limits.high), Some(-0.00017168802796613844))
        );
    }
}
