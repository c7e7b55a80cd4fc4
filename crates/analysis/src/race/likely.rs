//! The likely cost of a race, before it has run.

use tracking::RaceRules;

use super::decision::{Cell, Decision, Field, Rival, strongest_rivals, tail};
use crate::samples::{Sample, Samples};
use crate::statistics::upper_tail;

/// The number of runs that the race needs if the differences seen so far, with their spread, are the
/// true ones. `None` if too little is known: a setting has fewer than two values.
pub fn likely_runs(rules: &RaceRules, field: &Field) -> Option<usize> {
    let decision = Decision::of(rules, field);
    let needed = |setting: usize| decision.replicates_needed(rules, setting);
    if decision.end.is_some() {
        return Some((0..field.cells.len()).map(needed).sum());
    }
    let left = (0..field.cells.len()).filter(|setting| decision.exits[*setting].is_some());
    let mut runs: usize = left.map(needed).sum();
    let live = decision.live().into_iter();
    let mut live: Vec<Samples> = live.map(|setting| values(&field.cells[setting])).collect();
    if live.iter().any(|samples| samples.len() < 2) {
        return None;
    }
    for (look, &n) in rules.looks().iter().enumerate().skip(decision.looks) {
        let tail = tail(rules, look, field.cells.len());
        let rivals = strongest_rivals(&live.iter().collect::<Vec<_>>(), field.grid, n);
        let leaves =
            |rival: &Option<Rival>| rival.is_some_and(|rival| upper_tail(rival.t, n - 1) < tail);
        let staying = rivals.iter().filter(|rival| !leaves(rival)).count();
        if staying < 2 || look + 1 == rules.looks().len() {
            return Some(runs + live.len() * n);
        }
        runs += (live.len() - staying) * n;
        let mut rivals = rivals.iter();
        live.retain(|_| rivals.next().is_some_and(|rival| !leaves(rival)));
    }
    Some(runs)
}

/// The values of a setting on all replicates that have one.
fn values(cells: &[Cell]) -> Samples {
    let sample = |(replicate, cell): (usize, &Cell)| match cell {
        Cell::Value(value) => Some(Sample { replicate, cell: 0, value: *value }),
        Cell::NoValue | Cell::Open => None,
    };
    cells.iter().enumerate().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn field(rows: &[&[f64]], seeds: usize) -> Field {
        let row = |values: &&[f64]| {
            let mut cells: Vec<Cell> = values.iter().map(|value| Cell::Value(*value)).collect();
            cells.resize(seeds, Cell::Open);
            cells
        };
        Field { cells: rows.iter().map(row).collect(), grid: Some(0.0) }
    }

    #[test]
    fn hopeless_settings_get_the_first_look_only() {
        let rules = RaceRules::new(vec![3, 5, 20], 0.95, None).unwrap();
        let rows: [&[f64]; 3] = [&[0.90, 0.92], &[0.901, 0.9195], &[0.5, 0.521]];
        assert_eq!(likely_runs(&rules, &field(&rows, 20)), Some(20 + 20 + 3));
        let finished: [&[f64]; 2] = [&[0.9, 0.91, 0.92], &[0.5, 0.51, 0.521]];
        assert_eq!(likely_runs(&rules, &field(&finished, 20)), Some(6));
    }

    #[test]
    fn nothing_is_likely_without_two_common_seeds() {
        let rules = RaceRules::new(vec![3, 5], 0.95, None).unwrap();
        assert_eq!(likely_runs(&rules, &field(&[&[0.9], &[0.8]], 5)), None);
        assert_eq!(likely_runs(&rules, &field(&[&[], &[]], 5)), None);
    }
}
