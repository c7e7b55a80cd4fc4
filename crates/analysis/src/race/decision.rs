//! The decision of a race: who leaves at which look, from the values of all settings.
//!
//! At look j, each setting has nⱼ replicates. Of an error probability α = 1 − confidence, look j may
//! spend αⱼ = α (nⱼ − nⱼ₋₁) / n_last. A setting leaves if a rival that is still in the race beats it
//! in the paired t-test on exactly the first nⱼ replicates, at αⱼ / (2 (k − 1)) for the k settings
//! of the start. By the union bound over rivals and looks, the best setting leaves with a
//! probability of at most α / 2, whatever the race does with the other settings. The other half of
//! α is for the limits that the indifference uses.

use tracking::RaceRules;

use crate::samples::{Difference, Resolution, Sample, Samples, difference};
use crate::statistics::{count, quantile, upper_tail};

/// The result of a setting on one replicate. Higher values are better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// No run has ended.
    Open,
    /// The run diverged, failed, or ended without the metric.
    NoValue,
    /// The ranking metric.
    Value(f64),
}

/// The settings of a race and their values.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// One row per setting, with one cell per replicate in the order of the race.
    pub cells: Vec<Vec<Cell>>,
    /// The grid step of the values, as in [`Resolution`].
    pub grid: Option<f64>,
}

/// The decision of a race so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The number of looks at which all settings in the race had their replicates.
    pub looks: usize,
    /// When and why each setting left; `None` for those still in the race.
    pub exits: Vec<Option<Exit>>,
    /// Why the race is over; `None` if the next look needs more runs.
    pub end: Option<End>,
}

/// When and why a setting left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exit {
    /// The index of the look.
    pub look: usize,
    /// Why it left.
    pub reason: Reason,
}

/// Why a setting left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// It has no value on the replicate with this index.
    NoValue(usize),
    /// A rival beat it.
    Beaten {
        /// The rival with the strongest evidence.
        by: usize,
        /// The mean lead of the rival on the replicates of the look.
        lead: f64,
        /// The one-sided p-value of this lead.
        p: f64,
    },
}

/// Why a race is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// One setting is left.
    Won,
    /// All that are left are within the indifference of each other.
    Indifferent,
    /// Several are left after the last look.
    SeedsUsed,
    /// Every setting lacks a value.
    NoneLeft,
}

impl Decision {
    /// Decides the race of `field` as far as its values go.
    pub fn of(rules: &RaceRules, field: &Field) -> Self {
        let mut decision = Self { looks: 0, exits: vec![None; field.cells.len()], end: None };
        for (look, &n) in rules.looks().iter().enumerate() {
            let live = decision.live();
            let is_open = |setting: &usize| field.cells[*setting][..n].contains(&Cell::Open);
            if live.iter().any(is_open) {
                break;
            }
            decision.look_at(rules, field, look, &live);
            decision.looks = look + 1;
            if decision.end.is_some() {
                break;
            }
        }
        decision
    }

    /// The settings that are still in the race, in order.
    pub fn live(&self) -> Vec<usize> {
        (0..self.exits.len()).filter(|setting| self.exits[*setting].is_none()).collect()
    }

    /// How many of its first replicates a setting needs: those of the look at which it left, or of
    /// the current look.
    pub fn replicates_needed(&self, rules: &RaceRules, setting: usize) -> usize {
        let last = match (self.exits[setting], self.end) {
            (Some(exit), _) => exit.look,
            (None, Some(_)) => self.looks.saturating_sub(1),
            (None, None) => self.looks,
        };
        rules.looks().get(last).copied().unwrap_or_default()
    }

    fn look_at(&mut self, rules: &RaceRules, field: &Field, look: usize, live: &[usize]) {
        let n = rules.looks()[look];
        let mut values: Vec<(usize, Samples)> = Vec::new();
        for &setting in live {
            match field.samples(setting, n) {
                Ok(samples) => values.push((setting, samples)),
                Err(seed) => {
                    self.exits[setting] = Some(Exit { look, reason: Reason::NoValue(seed) });
                }
            }
        }
        let tail = tail(rules, look, field.cells.len());
        let samples: Vec<&Samples> = values.iter().map(|(_, samples)| samples).collect();
        let rivals = strongest_rivals(&samples, field.grid, n);
        for ((setting, _), rival) in values.iter().zip(rivals) {
            let rival = rival.map(|rival| (rival, upper_tail(rival.t, n - 1)));
            let rival = rival.filter(|(_, p)| *p < tail);
            self.exits[*setting] = rival.map(|(Rival { by, lead, .. }, p)| Exit {
                look,
                reason: Reason::Beaten { by: values[by].0, lead, p },
            });
        }
        values.retain(|(setting, _)| self.exits[*setting].is_none());
        let left: Vec<&Samples> = values.iter().map(|(_, samples)| samples).collect();
        let t = quantile(tail, n - 1);
        let is_indifferent = |width| are_within(&left, field.grid, t, width);
        self.end = match left.len() {
            0 => Some(End::NoneLeft),
            1 => Some(End::Won),
            _ if rules.indifference().is_some_and(is_indifferent) => Some(End::Indifferent),
            _ if look + 1 == rules.looks().len() => Some(End::SeedsUsed),
            _ => None,
        };
    }
}

impl Field {
    /// The values of a setting on its first `n` replicates, or the first replicate without one.
    fn samples(&self, setting: usize, n: usize) -> Result<Samples, usize> {
        let sample = |(replicate, cell): (usize, &Cell)| match cell {
            Cell::Value(value) => Ok(Sample { replicate, cell: 0, value: *value }),
            Cell::NoValue | Cell::Open => Err(replicate),
        };
        self.cells[setting][..n].iter().enumerate().map(sample).collect()
    }
}

/// The error probability of one test at a look: αⱼ / (2 (k − 1)) for `settings` settings.
pub(super) fn tail(rules: &RaceRules, look: usize, settings: usize) -> f64 {
    let n = |look: usize| count(rules.looks()[look]);
    let added = n(look) - if look == 0 { 0.0 } else { n(look - 1) };
    let alpha = (1.0 - rules.confidence()) * added / count(rules.most());
    alpha / (2.0 * count(settings.saturating_sub(1).max(1)))
}

/// The rival with the strongest evidence against a setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rival {
    /// Its position among the settings.
    pub by: usize,
    /// Its mean lead.
    pub lead: f64,
    /// The lead in standard errors.
    pub t: f64,
}

/// The strongest rival of each setting; `None` if no rival leads. If a pair has another number of
/// replicates than `n`, its t is that of `n` replicates with the same mean and spread.
pub(super) fn strongest_rivals(
    settings: &[&Samples],
    grid: Option<f64>,
    n: usize,
) -> Vec<Option<Rival>> {
    let mut strongest: Vec<Option<Rival>> = vec![None; settings.len()];
    let (resolution, scratch) = (resolution(settings, grid), &mut Vec::new());
    for a in 0..settings.len() {
        for b in a + 1..settings.len() {
            let found = difference(settings[a], settings[b], resolution, scratch);
            let Some(Difference { n: common, mean, error: Some(error), .. }) = found else {
                continue;
            };
            let t = mean / error * (count(n) / count(common)).sqrt();
            let (ahead, behind) = if mean > 0.0 { (a, b) } else { (b, a) };
            let rival = Rival { by: ahead, lead: mean.abs(), t: t.abs() };
            // Equal values speak for neither. The first of equally strong rivals counts.
            if rival.t > strongest[behind].map_or(0.0, |known| known.t) {
                strongest[behind] = Some(rival);
            }
        }
    }
    strongest
}

/// Whether each setting is at most `width` away from each other one: whether the limits
/// |d̄| + t · error are within it.
fn are_within(settings: &[&Samples], grid: Option<f64>, t: f64, width: f64) -> bool {
    let (resolution, scratch) = (resolution(settings, grid), &mut Vec::new());
    let mut is_within = |a: &Samples, b: &Samples| {
        difference(a, b, resolution, scratch).is_some_and(|found| {
            let error = found.error.filter(|_| found.has_limits);
            error.is_some_and(|error| found.mean.abs() + t * error <= width)
        })
    };
    let mut pairs = settings
        .iter()
        .enumerate()
        .flat_map(|(index, a)| settings[..index].iter().map(move |b| (*a, *b)));
    pairs.all(|(a, b)| is_within(a, b))
}

fn resolution(settings: &[&Samples], grid: Option<f64>) -> Resolution {
    let values = settings.iter().flat_map(|samples| samples.iter());
    Resolution { grid, scale: values.map(|sample| sample.value.abs()).fold(0.0, f64::max) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn rules(looks: &[usize], indifference: Option<f64>) -> RaceRules {
        RaceRules::new(looks.to_vec(), 0.95, indifference).unwrap()
    }

    fn field(rows: &[&[f64]]) -> Field {
        let cell = |value: &f64| match value {
            value if value.is_nan() => Cell::NoValue,
            value if value.is_infinite() => Cell::Open,
            value => Cell::Value(*value),
        };
        Field {
            cells: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
            grid: Some(0.0),
        }
    }

    const OPEN: f64 = f64::INFINITY;

    /// `scipy.stats.ttest_rel(a, b, alternative="greater")` on the first three values: t =
    /// 48.99999999999996, p = 0.00020807324594254. αⱼ / (2 (k − 1)) is 0.05 · 3 / 6 / 2 = 0.0125.
    #[test]
    fn beaten_setting_leaves_at_the_first_look() {
        let field =
            field(&[&[0.90, 0.91, 0.92, OPEN, OPEN, OPEN], &[0.80, 0.812, 0.82, OPEN, OPEN, OPEN]]);
        let decision = Decision::of(&rules(&[3, 6], None), &field);
        assert_eq!((decision.looks, decision.end), (1, Some(End::Won)));
        let Some(Exit { look: 0, reason: Reason::Beaten { by: 0, lead, p } }) = decision.exits[1]
        else {
            panic!("{decision:?}")
        };
        assert!((lead - 0.099_333_333).abs() < 1e-8, "{lead}");
        assert!((p - 2.251_914_9e-5).abs() < 1e-8, "{p}");
        assert_eq!(decision.exits[0], None);
    }

    #[test]
    fn setting_without_a_value_leaves_and_beats_nobody() {
        let nan = f64::NAN;
        let rows: [&[f64]; 3] = [&[9.0, nan], &[1.0, 1.1], &[1.1, 1.0]];
        let decision = Decision::of(&rules(&[2], None), &field(&rows));
        assert_eq!(decision.exits[0], Some(Exit { look: 0, reason: Reason::NoValue(1) }));
        assert_eq!((decision.live(), decision.end), (vec![1, 2], Some(End::SeedsUsed)));
        let all = Decision::of(&rules(&[2], None), &field(&[&[nan, 1.0]]));
        assert_eq!(all.end, Some(End::NoneLeft));
    }

    #[test]
    fn open_cell_of_a_live_setting_stops_the_race() {
        let rows: [&[f64]; 2] = [&[1.0, 1.1, 1.2, OPEN], &[1.1, 1.0, 1.2, 1.3]];
        let decision = Decision::of(&rules(&[3, 4], None), &field(&rows));
        assert_eq!((decision.looks, decision.end), (1, None));
        let rules = rules(&[3, 4], None);
        assert_eq!(decision.replicates_needed(&rules, 0), 4);
        let rows: [&[f64]; 2] = [&[1.0, OPEN, 1.2, OPEN], &[1.1, 1.0, 1.2, 1.3]];
        let decision = Decision::of(&rules, &field(&rows));
        assert_eq!((decision.looks, decision.replicates_needed(&rules, 1)), (0, 3));
    }

    #[test]
    fn equal_settings_stay_until_the_seeds_are_used() {
        let decision = Decision::of(&rules(&[2, 3], None), &field(&[&[1.0, 2.0, 3.0][..]; 3]));
        assert_eq!((decision.live().len(), decision.end), (3, Some(End::SeedsUsed)));
    }

    #[test]
    fn indifference_ends_a_race_of_close_settings() {
        let rows: [&[f64]; 2] = [&[1.0, 2.0, 3.0, 4.0, OPEN], &[1.0001, 2.0, 2.9999, 4.0001, OPEN]];
        let end = |width| Decision::of(&rules(&[4, 5], Some(width)), &field(&rows)).end;
        assert_eq!((end(0.001), end(0.0001)), (Some(End::Indifferent), None));
    }

    #[test]
    fn only_setting_wins_at_the_first_look() {
        let decision = Decision::of(&rules(&[2, 4], None), &field(&[&[1.0, 1.0, OPEN, OPEN]]));
        assert_eq!((decision.end, decision.looks), (Some(End::Won), 1));
    }

    #[test]
    fn error_probabilities_add_up_to_half_of_alpha() {
        let rules = rules(&[3, 5, 8, 12, 20], None);
        let sum: f64 = (0..5).map(|look| tail(&rules, look, 21) * 20.0).sum();
        assert!((sum - 0.025).abs() < 1e-12, "{sum}");
    }
}
