//! Shards of a race: each runs its part of the current look, from the merged results.

use super::{OUTCOME, assert_same_race, outcome, race};
use crate::common::Sweep;

#[test]
fn named_shards_race_from_merged_results() {
    let sweep = race();
    sweep.runner("r.toml -q -r alone").success();
    for folders in ["s-0 s-1 s-2", "s-2 s-0 s-1", "s-1 s-2 s-0"] {
        for index in 0..3 {
            let shard = sweep.runner(&format!("r.toml --shard {index}/3 -r s-{index}")).success();
            if folders.starts_with("s-0") {
                let waits = "5 of 5 settings are left at look 1 of 3; merge the results of all \
                             shards to continue";
                assert_eq!(outcome(&shard), waits);
            }
        }
        sweep.runner(&format!("merge {folders} -r merged")).success();
        for index in 0..3 {
            sweep.runner(&format!("merge merged -r s-{index}")).success();
        }
    }
    assert_same_race(&sweep, "merged", "alone");
    assert_same_race(&sweep, "s-1", "alone");
}

#[test]
fn shards_in_one_folder_race_look_by_look() {
    let sweep = race();
    sweep.runner("r.toml -q -r alone").success();
    for look in 0..3 {
        for index in [2, 0, 1] {
            let shard = sweep.runner(&format!("r.toml --shard {index}/3")).success();
            shard.stderr_contains(format!("look {} of 3", look + 1));
        }
    }
    assert_same_race(&sweep, "results", "alone");
}

fn task(sweep: &Sweep, index: u32) {
    let task = sweep.runner("r.toml --shard auto/3").env("JOB_COMPLETION_INDEX", index.to_string());
    let printed = outcome(&task.success());
    let is_over = printed == OUTCOME;
    assert!(is_over || printed.ends_with("merge the results of all shards to continue"));
}

#[test]
fn attempts_race_look_by_look_to_the_same_end() {
    let sweep = race();
    sweep.runner("r.toml -q -r alone").success();
    let merge = || sweep.runner("merge --attempts r.toml").success();
    let status = |code| sweep.runner("status r.toml").exits(code);
    let submit = || sweep.runner("submit r.toml --dry-run --shards 3").success();

    status(1).stdout_contains("look 1 of 3 of r · 15 trials: 0 done, 0 running, 15 missing\n");
    (0..3).for_each(|index| task(&sweep, index));
    status(1).stdout_contains("look 1 of 3 of r · 15 trials: 15 done");
    submit().stdout_contains("merge --attempts").stdout_lacks("--array");
    merge().stdout_contains("look 2 of 3 of r needs 8 trials; to run them:\n");

    task(&sweep, 1);
    status(1).stdout_contains("look 2 of 3 of r · 8 trials: 3 done, 0 running, 5 missing\n");
    submit().stdout_contains("--array=0,2 ");
    let incomplete = sweep.runner("merge --attempts r.toml").exits(1);
    incomplete.stdout_contains("5 of 8 trials of look 2 of 3 of r are missing:\n");
    // The task that already ran has nothing to do until the look is complete.
    (0..3).for_each(|index| task(&sweep, index));
    merge().stdout_contains("look 3 of 3 of r needs 9 trials; to run them:\n");

    (0..3).for_each(|index| task(&sweep, index));
    merge().stdout_contains("all 32 trials of the race of r have their result\n");
    status(0).stdout_contains("the race of r · 32 trials: 32 done, 0 running, 0 missing\n");
    submit().stderr_contains("all 32 trials of the race of r have their result; nothing to submit");
    assert_same_race(&sweep, "results", "alone");
    assert_eq!(outcome(&sweep.runner("r.toml").success()), OUTCOME);
}

/// Without a scheduler: `merge` suggests the command that goes on.
#[test]
fn merged_attempts_continue_in_one_runner() {
    let sweep = race();
    sweep.runner("r.toml -q -r alone").success();
    (0..3).for_each(|index| task(&sweep, index));
    sweep.runner("merge --attempts r.toml").success();
    sweep.runner("r.toml -q").success();
    assert_same_race(&sweep, "results", "alone");
}

#[test]
fn submitted_race_has_its_options_in_each_job() {
    let sweep = Sweep::new("r.toml", &super::RACE.replace("[race]\nseeds = [3, 5, 8]\n", ""));
    sweep.write("train.sh", super::SCRIPT);
    let submit = "submit r.toml --dry-run --race --set race.seeds=[2,4] --shards 2";
    let jobs = sweep.runner(submit).success().stdout;
    assert_eq!(jobs.matches(" --set 'race.seeds=[2,4]' --race").count(), 2, "{jobs}");
    let merge = sweep.runner("merge r.toml --race").exits(2);
    merge.stderr_contains("--set and --race change an experiment: name it with --attempts");
}
