//! Ids for people, as short as `report show` accepts them.

use std::collections::{HashMap, HashSet};

use tracking::{RecordedRun, RunIdentity};

/// How to cut the ids of a store.
pub struct ShortIds {
    length: usize,
    /// The trials that several experiments have.
    shared_trials: HashSet<String>,
}

impl ShortIds {
    /// The short ids of a store with these runs.
    pub fn of(runs: &[RunIdentity]) -> Self {
        let ids = runs.iter().flat_map(|run| [run.run.as_str(), &run.trial]);
        let mut experiments: HashMap<&str, &str> = HashMap::new();
        let mut shared_trials = HashSet::new();
        for run in runs {
            let first = experiments.entry(&run.trial).or_insert(&run.experiment);
            if *first != run.experiment {
                shared_trials.insert(run.trial.clone());
            }
        }
        Self { length: short_length(ids), shared_trials }
    }

    /// The short id of a run.
    pub fn run(&self, run: &RecordedRun) -> String {
        self.cut(run.id.as_str())
    }

    /// The short id of the trial of a run, after `EXPERIMENT/` if other experiments have the trial.
    pub fn trial(&self, run: &RecordedRun) -> String {
        let trial = self.cut(run.trial.as_str());
        if self.shared_trials.contains(run.trial.as_str()) {
            format!("{}/{trial}", run.experiment)
        } else {
            trial
        }
    }

    fn cut(&self, id: &str) -> String {
        id.get(..self.length).unwrap_or(id).to_owned()
    }
}

/// The length to which ids can be cut and stay different, at least 8.
fn short_length<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    const SHORTEST: usize = 8;
    let ids: HashSet<&str> = ids.collect();
    let is_unique = |length: &usize| {
        let mut beginnings = HashSet::new();
        ids.iter().all(|id| beginnings.insert(id.get(..*length).unwrap_or(id)))
    };
    let longest = ids.iter().map(|id| id.len()).max().unwrap_or(SHORTEST);
    (SHORTEST..longest).find(is_unique).unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_differ() {
        assert_eq!(short_length(["0123456789", "1123456789"].into_iter()), 8);
        assert_eq!(short_length(["0123456780", "0123456790"].into_iter()), 9);
        assert_eq!(short_length(["0123456789", "0123456789"].into_iter()), 8);
        assert_eq!(short_length(std::iter::empty()), 8);
    }
}
