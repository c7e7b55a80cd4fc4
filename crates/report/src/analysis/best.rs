//! Comparison with the best: which settings may be the best, and simultaneous limits of the
//! distance of each to the best.
//!
//! Hsu's multiple comparisons with the best, by the route of Edwards and Hsu, from paired t-tests
//! with Bonferroni's correction. Every setting is tested as "this is the best" against every other;
//! nothing is selected beforehand. The true best is listed with a probability of at least 95 %, and
//! all limits hold together. `METHODOLOGY.md` has the formulas and the simulations.

use super::samples::{Difference, Resolution, Samples, difference};
use super::statistics::{CONFIDENCE, count, quantile, upper_tail};

/// How a setting compares with the best. More is better here: losses are negated before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Whether it was tested against at least one other setting; if not, it is outside the promise.
    pub compared: bool,
    /// The number of settings it was tested against.
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
struct Strongest(Vec<(usize, f64)>);

impl Strongest {
    fn add(&mut self, freedom: usize, t: f64) {
        match self.0.iter_mut().find(|(known, _)| *known == freedom) {
            Some((_, strongest)) => *strongest = strongest.max(t),
            None => self.0.push((freedom, t)),
        }
    }
}

/// Compares all settings with the best of them.
pub fn standings(settings: &[Samples], resolution: Resolution) -> Vec<Standing> {
    let mut standings = vec![Standing::default(); settings.len()];
    let mut strongest = vec![Strongest::default(); settings.len()];
    let scratch = &mut Vec::new();
    for i in 0..settings.len() {
        for l in i + 1..settings.len() {
            let Some((difference, error)) = tested(&settings[i], &settings[l], resolution, scratch)
            else {
                continue;
            };
            // Equal values are no evidence either way.
            let t = if error > 0.0 { difference.mean / error } else { 0.0 };
            strongest[l].add(difference.n - 1, t);
            strongest[i].add(difference.n - 1, -t);
            standings[i].rivals += 1;
            standings[l].rivals += 1;
        }
    }
    for (standing, strongest) in standings.iter_mut().zip(&strongest) {
        let least =
            strongest.0.iter().map(|(freedom, t)| upper_tail(*t, *freedom)).reduce(f64::min);
        standing.compared = least.is_some();
        standing.p_best = least.map(|p| (2.0 * count(standing.rivals) * p).min(1.0));
        standing.may_be_best = standing.p_best.is_some_and(|p| p >= 1.0 - CONFIDENCE);
    }
    let candidates: Vec<usize> =
        (0..settings.len()).filter(|index| standings[*index].may_be_best).collect();
    if !candidates.is_empty() {
        let mut limits = vec![(0.0f64, f64::NEG_INFINITY); settings.len()];
        for l in candidates {
            widen(&mut limits, settings, l, standings[l].rivals, resolution, scratch);
        }
        for (standing, (low, high)) in
            standings.iter_mut().zip(limits).filter(|(standing, _)| standing.compared)
        {
            // Turns -0 into 0.
            let low = low.is_finite().then_some(low + 0.0);
            standing.distance = Some(Limits { low, high: high.min(0.0) + 0.0 });
        }
    }
    standings
}

/// A testable difference and its standard error.
fn tested(
    a: &Samples,
    b: &Samples,
    resolution: Resolution,
    scratch: &mut Vec<f64>,
) -> Option<(Difference, f64)> {
    let difference = difference(a, b, resolution, scratch)?;
    Some((difference, difference.error?))
}

/// Widens the limits of all settings by their distances to the candidate `l`, which has `rivals`
/// rivals.
fn widen(
    limits: &mut [(f64, f64)],
    settings: &[Samples],
    l: usize,
    rivals: usize,
    resolution: Resolution,
    scratch: &mut Vec<f64>,
) {
    // One quantile per number of degrees of freedom.
    let mut quantiles: Vec<Option<f64>> = vec![None; settings[l].len() + 1];
    let tail = (1.0 - CONFIDENCE) / 2.0 / count(rivals);
    for (i, (low, high)) in limits.iter_mut().enumerate() {
        let (least, most) = match tested(&settings[i], &settings[l], resolution, scratch) {
            _ if l == i => (0.0, 0.0),
            Some((Difference { n, mean, has_limits: true, .. }, error)) => {
                let reach = error * *quantiles[n - 1].get_or_insert_with(|| quantile(tail, n - 1));
                (mean - reach, mean + reach)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        (*low, *high) = (low.min(least), high.max(most));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;
    use crate::analysis::samples::Sample;

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

    /// Computed by `tests/statistics/mcb.py`: random tables with holes, on grids, with equal
    /// settings, and one without a best.
    #[test]
    fn standings_equal_those_of_the_reference() {
        let tables: Vec<Reference> =
            serde_json::from_str(include_str!("../../tests/statistics/tables.json")).unwrap();
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
        let of = |values: [f64; 5]| -> Samples {
            values
                .into_iter()
                .enumerate()
                .map(|(replicate, value)| Sample { replicate, cell: 0, value })
                .collect()
        };
        let settings = [
            of([0.9141, 0.9137, 0.9145, 0.9150, 0.9129]),
            of([0.9120, 0.9131, 0.9122, 0.9149, 0.9111]),
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
