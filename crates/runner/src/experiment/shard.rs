//! Shards: `--shard I/N` runs one of N parts of a plan.

use std::cmp::Reverse;

use anyhow::{Result, bail};
use tracking::{Invocation, Shard};

use crate::experiment::group::TrialGroup;

/// The value of `--shard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChoice {
    /// This shard.
    Named(Shard),
    /// The shard that the scheduler's environment variables name, and the number of shards if they
    /// do not say it.
    Auto(Option<u32>),
}

/// Parses `I/N`, `auto` or `auto/N`.
///
/// # Errors
/// If `text` has another form.
pub fn choice(text: &str) -> Result<ShardChoice, String> {
    match text.strip_prefix("auto") {
        Some("") => Ok(ShardChoice::Auto(None)),
        Some(rest) => match rest.strip_prefix('/').and_then(|count| count.parse().ok()) {
            Some(count) if count > 0 => Ok(ShardChoice::Auto(Some(count))),
            _ => Err(format!(
                "'{text}' is not a shard: expected auto, or auto/N with the number of shards"
            )),
        },
        None => parse(text).map(ShardChoice::Named),
    }
}

/// Parses `I/N`.
///
/// # Errors
/// If `text` has another form, or I is not below N.
pub fn parse(text: &str) -> Result<Shard, String> {
    let expected =
        || format!("'{text}' is not a shard: expected I/N with I from 0 to N - 1, as in 0/8");
    let (index, count) = text.split_once('/').ok_or_else(expected)?;
    let (index, count) =
        (index.parse().map_err(|_| expected())?, count.parse().map_err(|_| expected())?);
    if index < count { Ok(Shard { index, count }) } else { Err(expected()) }
}

/// The groups of one shard, in their order. Each group goes to the shard with the least work, the
/// most expensive group first and then by trial id: the shards depend only on the plan's trials,
/// never on which of them are done.
pub fn part(groups: Vec<TrialGroup<'_>>, shard: Shard) -> Vec<TrialGroup<'_>> {
    let cost = |index: usize| groups[index].longest().workload.cost;
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|index| (Reverse(cost(*index)), &groups[*index].longest().id));
    let mut loads = vec![0u64; shard.count as usize];
    let mut selected = vec![false; groups.len()];
    for index in order {
        let lightest = (0..loads.len()).min_by_key(|shard| loads[*shard]).unwrap_or(0);
        // At least 1 for the evaluation, so that trials without cost do not all go to one shard.
        loads[lightest] += cost(index).max(1);
        selected[index] = lightest == shard.index as usize;
    }
    groups.into_iter().zip(selected).filter(|(_, mine)| *mine).map(|(group, _)| group).collect()
}

/// Rejects a shard whose results folder holds runs of another plan.
///
/// # Errors
/// If an `earlier` invocation in the folder had another plan or another number of shards.
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
                "this folder has runs of another plan of '{experiment}' (expected plan {}, found \
                 {}): name another folder with --results DIR",
                short(plan_sha256),
                theirs.map_or("none", short)
            );
        }
        if let Some(other) = invocation.shard.filter(|other| other.count != shard.count) {
            bail!(
                "this folder has shard {other} of '{experiment}', not a shard of {}: name another \
                 folder with --results DIR",
                shard.count
            );
        }
    }
    Ok(())
}

/// The first digits of a digest.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::fixtures::trial;
    use crate::experiment::group::groups;
    use crate::experiment::trial::Trial;

    #[test]
    fn auto_takes_the_shard_from_the_scheduler() {
        assert_eq!(choice("auto"), Ok(ShardChoice::Auto(None)));
        assert_eq!(choice("auto/8"), Ok(ShardChoice::Auto(Some(8))));
        assert_eq!(choice("1/8"), Ok(ShardChoice::Named(Shard { index: 1, count: 8 })));
        for wrong in ["auto/0", "auto/x", "autos", "auto/"] {
            assert!(choice(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shard_index_must_be_below_its_count() {
        assert_eq!(parse("3/8"), Ok(Shard { index: 3, count: 8 }));
        for wrong in ["", "1", "8/8", "-1/8", "0/0", "1/2/3", "a/b", "1 / 2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn each_group_is_in_one_shard_in_any_order(
            settings in prop::collection::hash_set((1i64..4, 1i64..6, 0i64..3), 1..40),
            count in 1u32..9,
            reversed: bool,
        ) {
            let mut trials: Vec<Trial> = settings.into_iter().map(trial).collect();
            let shards = |trials: &[Trial]| {
                let ids = |index| {
                    let part = part(groups(trials), Shard { index, count });
                    let trials = part.iter().flat_map(|group| &group.trials);
                    let mut ids: Vec<String> = trials.map(|trial| trial.id.to_string()).collect();
                    ids.sort();
                    ids
                };
                (0..count).map(ids).collect::<Vec<_>>()
            };
            let first = shards(&trials);
            prop_assert_eq!(first.iter().map(Vec::len).sum::<usize>(), trials.len());
            if reversed {
                trials.reverse();
            }
            prop_assert_eq!(shards(&trials), first);
        }
    }
}
