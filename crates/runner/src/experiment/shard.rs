//! `--shard I/N`: a part of a plan.

use anyhow::{Result, bail};
use tracking::{Invocation, Shard};

use crate::experiment::group::{Course, cost};
use crate::experiment::plan::Plan;

/// What `--shard` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This part.
    Named(Shard),
    /// The part that a scheduler's variables name, of so many where they do not say.
    Auto(Option<u32>),
}

/// Reads `I/N`, `auto` or `auto/N`.
///
/// # Errors
/// When it is none of these.
pub fn choice(text: &str) -> Result<Choice, String> {
    match text.strip_prefix("auto") {
        Some("") => Ok(Choice::Auto(None)),
        Some(rest) => match rest.strip_prefix('/').and_then(|count| count.parse().ok()) {
            Some(count) if count > 0 => Ok(Choice::Auto(Some(count))),
            _ => Err(format!(
                "'{text}' is no part of a plan: expected auto, or auto/N with the number of parts"
            )),
        },
        None => parse(text).map(Choice::Named),
    }
}

/// Reads `I/N`.
///
/// # Errors
/// When it is not a part of a whole.
pub fn parse(text: &str) -> Result<Shard, String> {
    let expected =
        || format!("'{text}' is no part of a plan: expected I/N with I from 0 to N - 1, as in 0/8");
    let (index, count) = text.split_once('/').ok_or_else(expected)?;
    let (index, count) =
        (index.parse().map_err(|_| expected())?, count.parse().map_err(|_| expected())?);
    if index < count { Ok(Shard { index, count }) } else { Err(expected()) }
}

/// The courses of one shard, in their order. Each goes where the least work is, the most laborious first and then by trial id,
/// so that the parts depend on nothing but the trials of the plan, whatever is done of it already.
pub fn part<'a>(plan: &Plan, courses: Vec<Course<'a>>, shard: Shard) -> Vec<Course<'a>> {
    let mut order: Vec<usize> = (0..courses.len()).collect();
    order.sort_by_key(|index| {
        let longest = courses[*index].longest();
        (std::cmp::Reverse(cost(plan, longest)), &longest.id)
    });
    let mut loads = vec![0u64; shard.count as usize];
    let mut mine = vec![false; courses.len()];
    for index in order {
        let lightest = (0..loads.len()).min_by_key(|shard| loads[*shard]).unwrap_or(0);
        // An evaluation at the least, lest trials that cost nothing all go to one.
        loads[lightest] += cost(plan, courses[index].longest()).max(1);
        mine[index] = lightest == shard.index as usize;
    }
    courses.into_iter().zip(mine).filter(|(_, mine)| *mine).map(|(course, _)| course).collect()
}

/// Refuses to put a shard of one plan into a folder with runs of another.
///
/// # Errors
/// When `earlier`, what ran in the folder, worked on another plan or cut it in another number of parts.
pub fn check(
    experiment: &str,
    earlier: &[Invocation],
    plan_sha256: &str,
    shard: Shard,
) -> Result<()> {
    for invocation in earlier {
        let theirs = invocation.plan_sha256.as_deref();
        if theirs != Some(plan_sha256) {
            bail!(
                "this folder has runs of another plan of '{experiment}' ({}, not {}): a shard goes into a folder of its own, \
                 name another with --results DIR",
                short(theirs.unwrap_or("recorded without its plan")),
                short(plan_sha256)
            );
        }
        if let Some(other) = invocation.shard.filter(|other| other.count != shard.count) {
            bail!(
                "this folder has shard {other} of '{experiment}', not a part of {}: name another folder with --results DIR",
                shard.count
            );
        }
    }
    Ok(())
}

fn short(digest: &str) -> &str {
    if digest.contains(' ') { digest } else { digest.get(..12).unwrap_or(digest) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::experiment::group::courses;
    use crate::experiment::plan::Trial;
    use crate::experiment::spec::Validation;
    use model::{BatchSize, Epochs, Hyperparameters, Seed};
    use proptest::prelude::*;

    #[test]
    fn a_scheduler_may_choose() {
        assert_eq!(choice("auto"), Ok(Choice::Auto(None)));
        assert_eq!(choice("auto/8"), Ok(Choice::Auto(Some(8))));
        assert_eq!(choice("1/8"), Ok(Choice::Named(Shard { index: 1, count: 8 })));
        for wrong in ["auto/0", "auto/x", "autos", "auto/"] {
            assert!(choice(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_parts_of_a_whole_are_read() {
        assert_eq!(parse("3/8"), Ok(Shard { index: 3, count: 8 }));
        for wrong in ["", "1", "8/8", "-1/8", "0/0", "1/2/3", "a/b", "1 / 2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_course_is_in_one_shard_whatever_their_order(
            settings in prop::collection::hash_set((1i64..4, 1i64..6, 0i64..3), 1..40), count in 1u32..9, turned: bool,
        ) {
            let trial = |(batch_size, epochs, seed): (i64, i64, i64)| Trial::new(Hyperparameters {
                batch_size: BatchSize::new(batch_size).unwrap(),
                epochs: Epochs::new(epochs).unwrap(),
                seed: Seed::new(seed).unwrap(),
                ..Hyperparameters::default()
            }, "00", Validation::Test);
            let plan = Plan { trials: settings.into_iter().map(trial).collect(), varying: Vec::new(), examples: 1_000 };
            let mut trials: Vec<&Trial> = plan.trials.iter().collect();
            let shards = |trials: &[&Trial]| (0..count).map(|index| {
                let part = part(&plan, courses(&plan, trials), Shard { index, count });
                let mut ids: Vec<String> =
                    part.iter().flat_map(|course| &course.trials).map(|trial| trial.id.to_string()).collect();
                ids.sort();
                ids
            }).collect::<Vec<_>>();
            let first = shards(&trials);
            prop_assert_eq!(first.iter().map(Vec::len).sum::<usize>(), plan.trials.len());
            if turned { trials.reverse(); }
            prop_assert_eq!(shards(&trials), first);
        }
    }
}
