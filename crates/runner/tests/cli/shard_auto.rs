//! `--shard auto`, `merge --attempts` and `status`: the tasks of a job array without a scheduler.
//! `cluster/run.sh` runs the same with Slurm.

use std::path::PathBuf;

use crate::common::{Call, Output, Results, Sweep, TWELVE_TRIALS, wait_until};
use crate::stop::send_signal;

/// A folder with twelve trials as `small.toml`.
fn twelve_trials() -> Sweep {
    Sweep::new("small.toml", TWELVE_TRIALS)
}

/// Task `index` of a Slurm array of three tasks.
fn task(sweep: &Sweep, index: u32) -> Call {
    sweep
        .runner("small.toml --shard auto")
        .env("SLURM_ARRAY_JOB_ID", "7")
        .env("SLURM_ARRAY_TASK_ID", index.to_string())
        .env("SLURM_ARRAY_TASK_MIN", "0")
        .env("SLURM_ARRAY_TASK_MAX", "2")
        .env("SLURM_ARRAY_TASK_COUNT", "3")
}

fn attempt(sweep: &Sweep, name: &str) -> PathBuf {
    sweep.path("results/shards/small").join(name)
}

/// The arguments of the `runner` command in the last line of an output.
fn suggested(output: &Output) -> String {
    let line = output.stdout.lines().last().unwrap();
    line.strip_prefix("  cargo run -p runner -- ").unwrap().to_owned()
}

#[test]
fn merged_tasks_of_an_array_equal_one_run() {
    let sweep = twelve_trials();
    for index in 0..3 {
        task(&sweep, index).success();
    }
    assert!(!sweep.exists("results/tracking.db"), "each task writes a store of its own");
    let store = Results::new(attempt(&sweep, "1-of-3/slurm-7-0"));
    let mode: String = store.query("PRAGMA journal_mode");
    assert_ne!(mode, "wal", "a write-ahead log needs memory that two machines do not share");

    let unmerged = sweep.runner("status small.toml").exits(1);
    let unmerged = unmerged
        .stdout_contains("small · 12 trials: 12 done, 0 running, 0 missing\n")
        .stdout_contains("to merge them");
    assert_eq!(suggested(&unmerged), "merge --attempts small.toml");
    let merge = sweep.runner(&suggested(&unmerged)).success();
    merge.stdout_contains("all 12 trials of small have their result\n");
    sweep.runner("status small.toml").success().stdout_contains("2/3");
    let other_plan = sweep.runner("status small.toml --set train.epochs=3").exits(1);
    other_plan.stdout_lacks("2/3");

    let garbage = sweep.runner("gc --older-than 0s").success().stdout;
    assert_eq!(garbage.matches("merged attempt").count(), 3, "{garbage}");
    sweep.runner("gc --older-than 0s --yes").success();
    assert!(!attempt(&sweep, "1-of-3/slurm-7-0").exists());

    sweep.runner("small.toml -q -r one-run").success();
    let measured = |folder| sweep.results_in(folder).measurements("small");
    assert_eq!(measured("results"), measured("one-run"));
}

#[test]
fn gc_keeps_attempts_that_are_not_merged() {
    let sweep = twelve_trials();
    task(&sweep, 0).success();
    // The merge takes the runs of the first task. It exits with 1 because the others are missing.
    sweep.runner("merge --attempts small.toml").exits(1);
    task(&sweep, 1).success();
    let gc = sweep.runner("gc --older-than 0s").success();
    gc.stdout_contains("0-of-3").stdout_lacks("1-of-3");
}

#[test]
fn attempt_skips_trials_that_any_attempt_finished() {
    let sweep = twelve_trials();
    task(&sweep, 0).success();
    let again = task(&sweep, 0).env("SLURM_RESTART_COUNT", "1").success();
    again.stderr_contains("all trials of this shard have their result");

    // The results folder itself counts too, and so do shards of another size.
    sweep.runner("small.toml -q --set sweep.batch_size=[16]").success();
    let status = sweep.runner("status small.toml").exits(1).stdout;
    let missing = status.split(", ").nth(2).unwrap().split(' ').next().unwrap();
    assert!(["2", "3", "4", "5", "6"].contains(&missing), "{status}");
    let only_task = sweep.runner("small.toml --shard auto/1").env("JOB_COMPLETION_INDEX", "0");
    only_task.success().stderr_contains(format!("{missing} of 12 trials to run in this shard"));
}

#[test]
fn merge_lists_missing_trials_and_a_command_that_runs_them() {
    let sweep = twelve_trials();
    task(&sweep, 1).success();
    let merge = sweep.runner("merge --attempts small.toml").exits(1);
    let merge = merge
        .stdout_contains("8 of 12 trials of small are missing:\n")
        .stdout_contains("batch_size 64 · seed ");
    assert_eq!(suggested(&merge), "small.toml");
    sweep.runner(&suggested(&merge)).success();
    let merge = sweep.runner("merge --attempts small.toml").success();
    merge.stdout_contains("all 12 trials of small have their result\n");
}

/// A task that is killed early leaves an empty file. A damaged disk leaves any bytes.
#[test]
fn merge_skips_attempts_without_a_readable_store() {
    let sweep = twelve_trials();
    for index in 0..3 {
        task(&sweep, index).success();
    }
    let shards = "results/shards/small";
    sweep.write(&format!("{shards}/0-of-3/slurm-8-0/tracking.db"), "");
    let damaged = format!("{shards}/1-of-3/slurm-8-0/tracking.db");
    sweep.write(&damaged, "no database at all".repeat(100));
    let merge = sweep.runner("merge --attempts small.toml").success();
    let merge = merge
        .stdout_contains("all 12 trials of small have their result\n")
        .stderr_contains("warning: skipped: ")
        .stderr_contains("1-of-3/slurm-8-0");
    assert_eq!(merge.stderr.lines().count(), 1, "an empty store needs no warning");
}

#[test]
fn status_suggests_a_command_for_the_same_plan() {
    let sweep = twelve_trials();
    task(&sweep, 1).success();
    let status = sweep.runner("status small.toml --set train.epochs=3 --offline").exits(1);
    assert_eq!(suggested(&status), "small.toml --set train.epochs=3 --offline");
    let elsewhere = sweep.runner("status small.toml -r elsewhere").exits(1);
    assert_eq!(suggested(&elsewhere), "small.toml -r elsewhere");
    let status = sweep.runner("status small.toml").exits(1);
    assert_eq!(
        suggested(&status),
        "merge --attempts small.toml; cargo run -p runner -- small.toml"
    );
}

#[test]
fn shard_auto_rejects_what_is_no_part_of_a_plan() {
    let sweep = twelve_trials();
    let gap = task(&sweep, 0).env("SLURM_ARRAY_TASK_MAX", "5").exits(2);
    gap.stderr_contains("not all shards of a plan");
    let no_scheduler = sweep.runner("small.toml --shard auto").exits(2);
    no_scheduler.stderr_contains("none of these is set");
    sweep.write("other.toml", TWELVE_TRIALS.replace("small", "other"));
    let two = sweep.runner("small.toml other.toml --shard auto").exits(2);
    two.stderr_is("error: --shard auto takes one experiment at a time\n");
    assert!(!sweep.exists("results"));
}

#[test]
fn status_reports_an_attempt_with_a_damaged_store() {
    let sweep = twelve_trials();
    for index in 0..3 {
        task(&sweep, index).success();
    }
    sweep.runner("status small.toml").exits(1).stdout_contains("12 trials: 12 done");
    std::fs::write(attempt(&sweep, "1-of-3/slurm-7-0/tracking.db"), "no database").unwrap();
    let status = sweep.runner("status small.toml").exits(1);
    status.stdout_contains("8 done, 0 running, 4 missing").stderr_contains("warning: skipped: ");
}

#[test]
fn requeued_task_resumes_from_the_checkpoint_of_a_program() {
    let sweep = Sweep::new(
        "small.toml",
        "name = 'small'\nprogram = { command = ['sh', 'train.sh', '{seed}'] }\nsweep = { seed = [0] }",
    );
    let script = r#"
        echo started >> starts
        saved=$SWEEP_CHECKPOINT_DIR/epoch
        [ -f "$saved" ] && { echo '{"epoch": 2, "loss": 0.5}'; echo '{"test_loss": 0.4}'; exit; }
        echo '{"epoch": 1, "loss": 1}'
        echo 1 > "$saved"
        sleep 60"#;
    sweep.write("train.sh", script);
    let task = |restarts: &str| {
        let task = sweep.runner("small.toml --shard auto/1 --jobs 1");
        let task = task.env("SLURM_ARRAY_JOB_ID", "7").env("SLURM_ARRAY_TASK_ID", "0");
        task.env("SLURM_RESTART_COUNT", restarts)
    };
    let mut first = task("0").start();
    let running = |name: &str| attempt(&sweep, "0-of-1").join(name).join("small/programs");
    let saved = || {
        let trials = running("slurm-7-0").read_dir().into_iter().flatten().flatten();
        trials.into_iter().any(|trial| trial.path().join("checkpoint/epoch").exists())
    };
    wait_until(saved, "the program saved its state");
    send_signal(&first, "USR1");
    assert_eq!(first.wait().unwrap().code(), Some(75));

    task("1").success();
    let store = Results::new(attempt(&sweep, "0-of-1/slurm-7-1"));
    assert_eq!(store.count("metrics WHERE name = 'loss'"), 2);
    assert_eq!(store.count("results WHERE name = 'test_loss'"), 1);
    sweep.runner("merge --attempts small.toml").success();
    assert_eq!(sweep.read("starts").lines().count(), 2);
}
