//! Trials that differ in nothing but `epochs` take the same way, one farther than the other: it is trained once.

use std::cmp::Reverse;
use std::collections::HashMap;

use model::Hyperparameters;

use crate::experiment::plan::{Plan, Trial};

/// One training, and the trials that end on its way.
#[derive(Debug)]
pub struct Course<'a> {
    /// By their epochs, ascending: at least one.
    pub trials: Vec<&'a Trial>,
}

impl<'a> Course<'a> {
    /// The trial that ends where the training does.
    pub fn longest(&self) -> &'a Trial {
        self.trials[self.trials.len() - 1]
    }
}

/// The courses of `trials`, which are some of `plan`: those that take longest first, lest one of them be left for the end when
/// all other cores are idle.
pub fn courses<'a>(plan: &Plan, trials: &[&'a Trial]) -> Vec<Course<'a>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut courses: Vec<Course<'a>> = Vec::new();
    for trial in trials {
        let place = *places.entry(way(trial)).or_insert(courses.len());
        match courses.get_mut(place) {
            Some(course) => course.trials.push(trial),
            None => courses.push(Course { trials: vec![trial] }),
        }
    }
    for course in &mut courses {
        course.trials.sort_by_key(|trial| trial.hyperparameters.epochs);
    }
    // Stable: of equally long ones, the first of the plan goes first.
    courses.sort_by_key(|course| Reverse(cost(plan, course.longest())));
    courses
}

/// All that a trial's steps depend on, on the same data: everything but how many there are.
fn way(trial: &Trial) -> String {
    let epochs = Hyperparameters::default().epochs;
    let hyperparameters = Hyperparameters { epochs, ..trial.hyperparameters };
    format!("{hyperparameters:?} {}", trial.validation)
}

/// How long a trial takes beside others, roughly: with the fused engine, a step costs about as much as three examples.
pub fn cost(plan: &Plan, trial: &Trial) -> u64 {
    let epochs = u64::from(trial.hyperparameters.epochs.get());
    3 * plan.steps(trial) + epochs.saturating_mul(plan.examples as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::experiment::spec::Validation;
    use model::{BatchSize, Epochs, Seed};
    use proptest::prelude::*;

    fn plan(settings: &[(i64, i64, i64)]) -> Plan {
        let trial = |(batch_size, epochs, seed): &(i64, i64, i64)| {
            let hyperparameters = Hyperparameters {
                batch_size: BatchSize::new(*batch_size).unwrap(),
                epochs: Epochs::new(*epochs).unwrap(),
                seed: Seed::new(*seed).unwrap(),
                ..Hyperparameters::default()
            };
            Trial::new(hyperparameters, "00", Validation::Test)
        };
        Plan { trials: settings.iter().map(trial).collect(), varying: Vec::new(), examples: 1_000 }
    }

    proptest! {
        #[test]
        fn every_trial_is_in_one_course_with_those_that_differ_only_in_epochs(
            settings in prop::collection::hash_set((1i64..4, 1i64..6, 0i64..3), 1..40),
        ) {
            let settings: Vec<_> = settings.into_iter().collect();
            let plan = plan(&settings);
            let trials: Vec<&Trial> = plan.trials.iter().collect();
            let courses = courses(&plan, &trials);
            prop_assert_eq!(courses.iter().map(|course| course.trials.len()).sum::<usize>(), settings.len());
            let mut ways: Vec<String> = Vec::new();
            for course in &courses {
                ways.push(way(course.longest()));
                prop_assert!(course.trials.iter().all(|trial| way(trial) == way(course.longest())));
                let ascending = |pair: &[&Trial]| pair[0].hyperparameters.epochs < pair[1].hyperparameters.epochs;
                prop_assert!(course.trials.windows(2).all(ascending));
            }
            ways.sort();
            ways.dedup();
            prop_assert_eq!(ways.len(), courses.len());
        }
    }

    #[test]
    fn the_longest_goes_first() {
        let plan = plan(&[(512, 1, 0), (1, 5, 0), (32, 5, 1), (32, 5, 0), (32, 20, 0)]);
        let trials: Vec<&Trial> = plan.trials.iter().collect();
        let order: Vec<_> = courses(&plan, &trials)
            .iter()
            .map(|course| course.longest().hyperparameters)
            .map(|it| (it.batch_size.get(), it.epochs.get(), it.seed.get()))
            .collect();
        assert_eq!(order, [(32, 20, 0), (1, 5, 0), (32, 5, 1), (512, 1, 0)]);
    }
}
