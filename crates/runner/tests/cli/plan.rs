//! `--plan`: the trials and steps of a plan.

use crate::common::{FOUR_TRIALS, Sweep};

#[test]
fn plan_counts_shared_steps_once() {
    let sweep = Sweep::new("small.toml", &FOUR_TRIALS.replace(", epochs = 2", ""));
    let plan = sweep.runner("small.toml --plan --set sweep.batch_size=[100]");
    // 1,150 training examples are 12 batches. Each of two seeds trains 4 epochs instead of 1 + 4.
    plan.set("sweep.epochs=[1, 4]")
        .success()
        .stdout_contains("4 trials, 0 have their result; 96 steps to go (24 saved:");
}

#[test]
fn plan_writes_nothing_and_keeps_the_order_of_the_file() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let plan = sweep.runner("small.toml --plan").success().stdout_contains("4 trials").stdout;
    let rows: Vec<Vec<&str>> = plan.lines().map(|line| line.split_whitespace().collect()).collect();
    let batch_sizes: Vec<&str> =
        rows.iter().filter(|row| row.last() == Some(&"run")).map(|row| row[1]).collect();
    assert_eq!(batch_sizes, ["64", "64", "16", "16"], "{plan}");
    assert!(!sweep.exists("results"));
}

#[test]
fn plans_of_two_experiments_are_separated_by_a_blank_line() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.write("other.toml", FOUR_TRIALS.replace("small", "other"));
    let plans = sweep.runner("small.toml other.toml --plan").success().stdout;
    assert!(plans.contains(")\n\nother · "), "{plans}");
}

#[test]
fn plan_of_retry_failed_does_not_show_unrun_trials_as_done() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let plan = sweep.runner("small.toml --plan --retry-failed").success();
    plan.stdout_contains("not selected").stdout_contains("4 trials, none to run");
}

#[test]
fn plan_of_rerun_counts_trials_with_a_result() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.runner("small.toml").success();
    let plan = sweep.runner("small.toml --plan --rerun").success();
    plan.stdout_contains("4 trials, 4 have their result; ");
}

#[test]
fn dry_run_is_the_same_as_plan() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let plan = sweep.runner("small.toml --plan").success().stdout;
    sweep.runner("small.toml --dry-run").success().stdout_is(plan);
    sweep.runner("-h").success().stdout_contains("[alias: --dry-run]");
    assert!(!sweep.exists("results"));
}

#[test]
fn shipped_experiments_plan_offline_without_a_cache() {
    let sweep = Sweep::empty();
    let experiments = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments");
    let mut files = 0;
    for entry in std::fs::read_dir(experiments).unwrap() {
        let file = entry.unwrap().path();
        sweep
            .runner("--plan --offline")
            .arg(&file)
            .success()
            .stdout_contains(", 0 have their result");
        files += 1;
    }
    assert!(files >= 6);
}

/// A program that needs no dataset, in two sweeps with different hyperparameters.
const PROGRAM: &str = r#"
name = "tree"
description = "a \"tree\""
program = { command = ["true", "{params}"] }
train = { pruned = true, kind = "=best" }
[[sweep]]
depth = [2, 4]
optimizer.lr = [0.1, 1e-7]
exclude = "depth = 4 and optimizer.lr < 0.01"
[[sweep]]
depth = [8]
"#;

#[test]
fn plan_as_csv_has_every_hyperparameter() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.write("tree.toml", PROGRAM);
    sweep.runner("small.toml -q --set sweep.seed=[1]").success();
    let plan = sweep.runner("small.toml tree.toml --plan --format csv").success();
    insta::assert_snapshot!(plan.stderr_is("").stdout);
}

#[test]
fn plan_as_json_has_types_and_states() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.write("tree.toml", PROGRAM);
    sweep.runner("small.toml -q --set sweep.seed=[1]").success();
    let plan = sweep.runner("small.toml tree.toml --plan --format json --set sweep.seed=[1]");
    insta::assert_snapshot!(plan.success().stderr_is("").stdout);
}

#[test]
fn format_without_plan_is_rejected() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let run = sweep.runner("small.toml --format json").exits(2);
    run.stderr_is("error: --format is the format of the plan: add --plan\n");
    assert!(!sweep.exists("results"));
    let table = sweep.runner("small.toml --plan --format table").success().stdout;
    sweep.runner("small.toml --plan").success().stdout_is(table);
}

#[test]
fn setting_of_a_sweep_applies_to_every_sweep() {
    let sweep = Sweep::new("tree.toml", PROGRAM);
    let plan = sweep.runner("tree.toml --plan --set sweep.depth=[3,5] --set sweep.exclude=[]");
    plan.success().stdout_contains("6 trials, 0 have their result");
}
