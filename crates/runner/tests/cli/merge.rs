//! `runner merge`: runs of several results folders in one.

use crate::common::{SIXTEEN_TRIALS, Sweep};

#[test]
fn merge_reports_conflicts_and_overwrites_nothing() {
    let sweep = Sweep::finished();
    sweep.runner("small.toml -q -r other --engine autograd").success();
    let before = sweep.results().measurements("small");
    sweep
        .runner("merge other")
        .exits(1)
        .stdout_contains("16 in conflict\n")
        .stdout_contains("engine fused")
        .stdout_contains("of epoch 1 is");
    assert_eq!(sweep.results().measurements("small"), before);
}

#[test]
fn merge_keeps_the_description_of_the_target() {
    let sweep = Sweep::finished();
    let described = "name = \"small\"\ndescription = \"others\"";
    sweep.write("small.toml", SIXTEEN_TRIALS.replace("name = \"small\"", described));
    sweep.runner("small.toml -q -r same").success();
    sweep.runner("small.toml -q -r same --set sweep.seed=[9]").success();
    sweep.runner("merge same").success().stdout_is(
        "same: 4 added, 16 already present, 0 without a result skipped, 0 in conflict\n",
    );
    assert_eq!(sweep.results().query::<String>("SELECT description FROM experiments"), "");
}

/// Runs keep the start time of their program when they go to the trash and to another folder.
#[test]
fn start_of_the_program_survives_delete_and_merge() {
    let sweep = Sweep::finished();
    let before = sweep.results().measurements("small");
    sweep.runner("small.toml -q -r same").success();
    sweep.runner("small.toml -q -r same --set sweep.seed=[9]").success();
    sweep.runner("merge same").success();
    for _ in 0..4 {
        let sql = "SELECT trial FROM run_table WHERE seed = 9 LIMIT 1";
        let trial: String = sweep.results().query(sql);
        sweep.runner(&format!("delete {trial}")).success();
    }
    assert_eq!(sweep.results().measurements("small"), before);
    sweep.runner("merge results/.trash --results elsewhere").success();
    assert_eq!(sweep.results_in("elsewhere").count("invocations"), 1);
    let last_start = |folder| {
        let sql = "SELECT started_at FROM invocations ORDER BY id DESC";
        sweep.results_in(folder).query::<String>(sql)
    };
    assert_eq!(last_start("elsewhere"), last_start("same"));
}

#[test]
fn merge_rejects_its_own_folder_and_an_absent_folder() {
    let sweep = Sweep::finished();
    let own = sweep.runner("merge results").exits(2);
    own.stderr_is("error: cannot merge results into itself\n");
    let absent = sweep.runner("merge nowhere").exits(2);
    absent.stderr_contains("no results in nowhere");
}
