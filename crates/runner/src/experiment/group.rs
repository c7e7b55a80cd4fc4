//! Groups of trials that differ only in the number of epochs: one training computes all of them.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::experiment::trial::Trial;

/// Trials that one training computes, each after its own number of epochs.
#[derive(Debug, Clone)]
pub struct TrialGroup<'a> {
    /// At least one, in ascending order of epochs.
    pub trials: Vec<&'a Trial>,
}

impl<'a> TrialGroup<'a> {
    /// The trial with the most epochs.
    pub fn longest(&self) -> &'a Trial {
        self.trials[self.trials.len() - 1]
    }
}

/// Groups `trials`. The most expensive group comes first, so that no long group is left to the end
/// while other cores are idle.
pub fn groups<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Vec<TrialGroup<'a>> {
    let mut indices: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<TrialGroup<'a>> = Vec::new();
    for trial in trials {
        let index = *indices.entry(&trial.workload.trajectory_key).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.trials.push(trial),
            None => groups.push(TrialGroup { trials: vec![trial] }),
        }
    }
    for group in &mut groups {
        group.trials.sort_by_key(|trial| trial.workload.epochs);
    }
    // The sort is stable: equally expensive groups keep the order of the plan.
    groups.sort_by_key(|group| Reverse(group.longest().workload.cost));
    groups
}

/// Number of trials in `groups`.
pub fn trial_count(groups: &[TrialGroup<'_>]) -> usize {
    groups.iter().map(|group| group.trials.len()).sum()
}

/// Steps to train `groups`.
pub fn step_count(groups: &[TrialGroup<'_>]) -> u64 {
    groups.iter().map(|group| group.longest().workload.steps).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::fixtures::trial;

    proptest! {
        #[test]
        fn trials_that_differ_only_in_epochs_share_a_group(
            settings in prop::collection::hash_set((1i64..4, 1i64..6, 0i64..3), 1..40),
        ) {
            let trials: Vec<Trial> = settings.into_iter().map(trial).collect();
            let groups = groups(&trials);
            prop_assert_eq!(trial_count(&groups), trials.len());
            let key = |trial: &Trial| trial.workload.trajectory_key.clone();
            let mut keys: Vec<String> = Vec::new();
            for group in &groups {
                keys.push(key(group.longest()));
                prop_assert!(group.trials.iter().all(|trial| key(trial) == key(group.longest())));
                let ascending =
                    |pair: &[&Trial]| pair[0].workload.epochs < pair[1].workload.epochs;
                prop_assert!(group.trials.windows(2).all(ascending));
            }
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), groups.len());
        }
    }

    #[test]
    fn most_expensive_group_comes_first() {
        let settings = [(512, 1, 0), (1, 5, 0), (32, 5, 1), (32, 5, 0), (32, 20, 0)];
        let trials = settings.map(trial);
        let order: Vec<_> = groups(&trials)
            .iter()
            .map(|group| group.longest().title(&["batch_size", "epochs", "seed"].map(String::from)))
            .collect();
        let expected = [
            "batch_size 32 · epochs 20 · seed 0",
            "batch_size 1 · epochs 5 · seed 0",
            "batch_size 32 · epochs 5 · seed 1",
            "batch_size 512 · epochs 1 · seed 0",
        ];
        assert_eq!(order, expected);
    }
}
