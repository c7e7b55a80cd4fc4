//! Comparison with the best: which settings may be the best, and how far each is behind it at least and at most.
//!
//! Hsu's multiple comparisons with the best, by the route of Edwards and Hsu, from paired t-tests with Bonferroni's correction. Every
//! setting is tested as "this is the best" against every other, so that nothing is selected beforehand: whichever setting is truly
//! the best, it is called one that may be with a probability of at least 95 %, and all limits hold together. `METHODOLOGY.md` has the
//! formulas and the simulations.

use std::collections::HashMap;

use super::samples::{Resolution, Samples, difference};
use super::statistics::{CONFIDENCE, count, quantile, upper_tail};

/// How a setting stands beside the best. More is better here: the values of losses are negated before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Whether it was tested against another setting: the others are outside the promise.
    pub compared: bool,
    /// Against how many settings it was tested.
    pub rivals: usize,
    /// The p of the hypothesis that it is the best; none where it was not compared.
    pub p_best: Option<f64>,
    /// Whether it may be the best.
    pub may_be_best: bool,
    /// Its distance to the best, none where no limits hold.
    pub distance: Option<Limits>,
}

/// Simultaneous limits of the distance to the true best, both at most 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// It is at most so far behind; none where a candidate cannot be tested against it.
    pub low: Option<f64>,
    /// It is at least so far behind: 0 where it is not shown to be strictly worse.
    pub high: f64,
}

/// The greatest t of a rival, for each number of degrees of freedom that occurs.
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
            let Some((mean, error, freedom)) = tested(&settings[i], &settings[l], resolution, scratch) else {
                continue;
            };
            // Equal values are no evidence either way.
            let t = if error > 0.0 { mean / error } else { 0.0 };
            strongest[l].add(freedom, t);
            strongest[i].add(freedom, -t);
            standings[i].rivals += 1;
            standings[l].rivals += 1;
        }
    }
    for (standing, strongest) in standings.iter_mut().zip(&strongest) {
        let least = strongest.0.iter().map(|(freedom, t)| upper_tail(*t, *freedom)).reduce(f64::min);
        standing.compared = least.is_some();
        standing.p_best = least.map(|p| (2.0 * count(standing.rivals) * p).min(1.0));
        standing.may_be_best = standing.p_best.is_some_and(|p| p >= 1.0 - CONFIDENCE);
    }
    let candidates: Vec<usize> = (0..settings.len()).filter(|index| standings[*index].may_be_best).collect();
    let mut quantiles = Quantiles::default();
    if !candidates.is_empty() {
        for i in 0..settings.len() {
            if standings[i].compared {
                let rivals = candidates.iter().map(|l| (*l, standings[*l].rivals));
                standings[i].distance = Some(limits(settings, i, rivals, resolution, &mut quantiles, scratch));
            }
        }
    }
    standings
}

/// Mean, error and degrees of freedom of a difference that can be tested.
fn tested(a: &Samples, b: &Samples, resolution: Resolution, scratch: &mut Vec<f64>) -> Option<(f64, f64, usize)> {
    let difference = difference(a, b, resolution, scratch)?;
    Some((difference.mean, difference.error?, difference.n - 1))
}

/// The distance of the setting `i` to the best, which is one of `candidates`, given with the numbers of their rivals.
fn limits(
    settings: &[Samples],
    i: usize,
    candidates: impl Iterator<Item = (usize, usize)>,
    resolution: Resolution,
    quantiles: &mut Quantiles,
    scratch: &mut Vec<f64>,
) -> Limits {
    let (mut low, mut high) = (0.0f64, f64::NEG_INFINITY);
    for (l, rivals) in candidates {
        let (least, most) = match tested(&settings[i], &settings[l], resolution, scratch) {
            _ if l == i => (0.0, 0.0),
            Some((mean, error, freedom)) => {
                let reach = quantiles.of(rivals, freedom) * error;
                (mean - reach, mean + reach)
            }
            None => (f64::NEG_INFINITY, f64::INFINITY),
        };
        (low, high) = (low.min(least), high.max(most));
    }
    // Zero has no sign here.
    Limits { low: low.is_finite().then_some(low + 0.0), high: high.min(0.0) + 0.0 }
}

/// Quantiles for Bonferroni's correction, each computed once.
#[derive(Default)]
struct Quantiles(HashMap<(usize, usize), f64>);

impl Quantiles {
    /// The t of `freedom` degrees of freedom that is exceeded with a probability of 0.025 / `rivals`.
    fn of(&mut self, rivals: usize, freedom: usize) -> f64 {
        let tail = (1.0 - CONFIDENCE) / 2.0 / count(rivals);
        *self.0.entry((rivals, freedom)).or_insert_with(|| quantile(tail, freedom))
    }
}
