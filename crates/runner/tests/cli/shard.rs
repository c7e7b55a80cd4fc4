//! `--shard I/N`: a part of the plan in a results folder of its own.

use crate::common::{SIXTEEN_TRIALS, Sweep};

#[test]
fn shards_merged_in_any_order_and_twice_equal_one_run() {
    let sweep = Sweep::finished();
    let expected = sweep.results().measurements("small");
    for index in 0..8 {
        let shard = format!("small.toml -q -r shard-{index} --shard {index}/8");
        sweep.runner(&shard).success();
        assert_eq!(sweep.results_in(&format!("shard-{index}")).count("runs"), 2);
    }
    for (merged, order) in [("up", [0, 1, 2, 3, 4, 5, 6, 7]), ("mixed", [5, 2, 7, 0, 6, 1, 4, 3])] {
        let folders = order.map(|index| format!("shard-{index}"));
        let merge = format!("merge --results {merged} {}", folders.join(" "));
        sweep.runner(&merge).success();
        let lines = folders.map(|folder| {
            format!(
                "{folder}: 0 added, 2 already present, 0 without a result skipped, 0 in conflict\n"
            )
        });
        sweep.runner(&merge).success().stdout_is(lines.concat());
        assert_eq!(sweep.results_in(merged).measurements("small"), expected);
        let run = sweep.runner(&format!("small.toml -r {merged}")).success();
        run.stderr_contains("nothing to run");
        let verify = sweep.runner(&format!("verify --all -q -r {merged}")).success();
        verify.stdout_is("16 of 16 runs are identical\n");
    }
}

#[test]
fn shard_rejects_a_results_folder_of_another_plan() {
    let sweep = Sweep::new("small.toml", SIXTEEN_TRIALS);
    sweep.runner("small.toml -q --shard 0/4").success();
    sweep.runner("small.toml -q --shard 3/4").success();
    let other_plan = sweep.runner("small.toml --shard 1/4").set("sweep.seed=[0, 1]").exits(2);
    other_plan.stderr_contains("another plan of 'small'");
    let other_count = sweep.runner("small.toml --shard 1/8").exits(2);
    other_count.stderr_contains("shard 0/4");
    let too_large = sweep.runner("small.toml --shard 4/4").exits(2);
    too_large.stderr_contains("expected I/N");

    sweep.runner("small.toml -q").success();
    sweep.runner("small.toml -q -r one-run").success();
    let measured = |results| sweep.results_in(results).measurements("small");
    assert_eq!(measured("results"), measured("one-run"));
}
