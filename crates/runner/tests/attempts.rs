//! Parts of a plan that a scheduler hands out, without a scheduler: `cluster/run.sh` has a real one.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::PathBuf;

use common::{Folder, measured};
use rusqlite::Connection;

const SMALL: &str = r#"
name = "small"
data = { dataset = "digits" }
train = { learning_rate = 0.5, epochs = 2 }
[sweep]
batch_size = [16, 64]
seed = { from = 0, to = 5 }
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder
}

/// Runs a part as a task of an array: exit code, standard error.
fn task(folder: &Folder, index: u32, variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = folder.command();
    command.args(["small.toml", "--shard", "auto"]).env("SLURM_ARRAY_JOB_ID", "7");
    command.env("SLURM_ARRAY_TASK_ID", index.to_string()).env("SLURM_ARRAY_TASK_MIN", "0");
    command.env("SLURM_ARRAY_TASK_MAX", "2").env("SLURM_ARRAY_TASK_COUNT", "3");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn attempt(folder: &Folder, name: &str) -> PathBuf {
    folder.path("results/shards/small").join(name)
}

#[test]
fn tasks_write_stores_of_their_own_and_a_merge_makes_them_whole() {
    let folder = folder();
    for index in 0..3 {
        assert_eq!(task(&folder, index, &[]).0, 0);
    }
    assert!(!folder.exists("results/tracking.db"), "no task writes where others do");
    let store = Connection::open(attempt(&folder, "1-of-3/slurm-7-0/tracking.db")).unwrap();
    let mode: String = store.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_ne!(mode, "wal", "a log needs memory that two machines do not share");
    drop(store);

    let output = folder.output(&["status", "small.toml"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "done, but not merged: {said}");
    assert!(
        said.contains("12 trials: 12 done, 0 running, 0 missing") && said.contains("to merge them"),
        "{said}"
    );
    let command = said.lines().last().unwrap().trim();
    assert_eq!(command, "runner merge --attempts small.toml -r results");
    let said = folder.run(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert!(said.contains("all 12 trials of small have their result"), "{said}");
    assert!(folder.run(&["status", "small.toml"]).contains("2/3"));
    let other = folder.output(&["status", "small.toml", "--set", "train.epochs=3"]);
    assert!(
        !String::from_utf8(other.stdout).unwrap().contains("2/3"),
        "these attempts are at another plan"
    );

    let gone = folder.run(&["gc", "--older-than", "0s"]);
    assert_eq!(gone.matches("merged attempt").count(), 3, "{gone}");
    folder.run(&["gc", "--older-than", "0s", "--yes"]);
    assert!(!attempt(&folder, "1-of-3/slurm-7-0").exists());

    folder.run(&["small.toml", "-q", "-r", "alone"]);
    assert_eq!(measured(&folder, "results", "small"), measured(&folder, "alone", "small"));
}

#[test]
fn an_attempt_that_is_not_merged_is_no_garbage() {
    let folder = folder();
    assert_eq!(task(&folder, 0, &[]).0, 0);
    // The others are missing still.
    assert_eq!(folder.output(&["merge", "--attempts", "small.toml"]).status.code(), Some(1));
    assert_eq!(task(&folder, 1, &[]).0, 0);
    let gone = folder.run(&["gc", "--older-than", "0s"]);
    assert!(gone.contains("0-of-3") && !gone.contains("1-of-3"), "{gone}");
}

#[test]
fn another_attempt_skips_what_is_done_anywhere() {
    let folder = folder();
    task(&folder, 0, &[]);
    let (code, said) = task(&folder, 0, &[("SLURM_RESTART_COUNT", "1")]);
    assert!(code == 0 && said.contains("all trials of this shard have their result"), "{said}");
    // Cut in other parts, too; and what is in the results folder itself counts.
    folder.run(&["small.toml", "-q", "--set", "sweep.batch_size=[16]"]);
    let status = String::from_utf8(folder.output(&["status", "small.toml"]).stdout).unwrap();
    let missing = status.split(", ").nth(2).unwrap().split(' ').next().unwrap();
    assert!(["2", "3", "4", "5", "6"].contains(&missing), "{status}");
    let mut command = folder.command();
    command.args(["small.toml", "--shard", "auto/1"]).env("JOB_COMPLETION_INDEX", "0");
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(said.contains(&format!("{missing} of 12 trials to run in this shard")), "{said}");
}

#[test]
fn a_merge_names_what_is_missing_and_the_command_that_runs_it() {
    let folder = folder();
    task(&folder, 1, &[]);
    let output = folder.output(&["merge", "--attempts", "small.toml"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("8 of 12 trials of small are missing:")
            && said.contains("batch_size 64 · seed "),
        "{said}"
    );
    let command = said.lines().last().unwrap().trim();
    assert_eq!(command, "runner small.toml -r results");
    folder.run(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert!(
        folder
            .run(&["merge", "--attempts", "small.toml"])
            .contains("all 12 trials of small have their result")
    );
}

/// Killed before anything was recorded; and a disk that lost a file.
#[test]
fn an_attempt_that_is_no_store_keeps_nobody_from_merging() {
    let folder = folder();
    for index in 0..3 {
        task(&folder, index, &[]);
    }
    folder.write("results/shards/small/0-of-3/slurm-8-0/tracking.db", "");
    folder.write(
        "results/shards/small/1-of-3/slurm-8-0/tracking.db",
        "no database at all".repeat(100),
    );
    let output = folder.output(&["merge", "--attempts", "small.toml"]);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        output.status.success() && said.contains("all 12 trials of small have their result"),
        "{said}{warned}"
    );
    assert!(
        warned.contains("warning: left out: ") && warned.contains("1-of-3/slurm-8-0"),
        "{warned}"
    );
    assert_eq!(warned.lines().count(), 1, "of what never began there is nothing to say: {warned}");
}

#[test]
fn the_command_leads_to_the_same_plan() {
    let folder = folder();
    task(&folder, 1, &[]);
    let set = ["--set", "train.epochs=3", "--offline"];
    let output = folder.output(&[&["status", "small.toml"][..], &set].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.ends_with("  runner small.toml -r results --set train.epochs=3 --offline\n"),
        "{said}"
    );
    let said = String::from_utf8(folder.output(&["status", "small.toml"]).stdout).unwrap();
    let both = "  runner merge --attempts small.toml -r results; runner small.toml -r results\n";
    assert!(said.ends_with(both), "{said}");
}

#[test]
fn what_is_no_part_of_a_whole_is_refused() {
    let folder = folder();
    let (code, said) = task(&folder, 0, &[("SLURM_ARRAY_TASK_MAX", "5")]);
    assert!(code == 2 && said.contains("no whole plan"), "{said}");
    let said = folder.run_fails(&["small.toml", "--shard", "auto"], 2);
    assert!(said.contains("none of these is set"), "{said}");
    folder.write("other.toml", SMALL.replace("small", "other"));
    let said = folder.run_fails(&["small.toml", "other.toml", "--shard", "auto"], 2);
    assert!(said.contains("one experiment at a time"), "{said}");
    assert!(!folder.exists("results"), "nothing was written");
}

#[test]
fn a_dry_run_shows_the_jobs_and_writes_nothing() {
    let folder = folder();
    let options = ["--concurrent", "2", "--shards", "3", "--set", "train.learning_rate=0.1"];
    let said = folder.run(
        &[&["submit", "small.toml", "--dry-run"][..], &options, &["--", "--time=10", "--mem=1G"]]
            .concat(),
    );
    for words in [
        "--array=0-2%2",
        "--time=10 --mem=1G",
        "--shard auto/3",
        "--set train.learning_rate=0.1",
        "--jobs \"${SLURM_CPUS_PER_TASK:-1}\"",
        "--dependency=afterany:<array>",
        "merge --attempts",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(!folder.exists("results"), "nothing was written");
    // Of a plan that takes milliseconds, one task.
    assert!(folder.run(&["submit", "small.toml", "--dry-run"]).contains("--array=0 "));
}

/// A shell's words, and a scheduler that is not there.
#[test]
fn odd_names_are_quoted_and_a_missing_scheduler_is_said() {
    let folder = folder();
    folder.write("it's $odd/small.toml", SMALL);
    let said = folder.run(&["submit", "it's $odd/small.toml", "--dry-run", "-r", "a b"]);
    assert!(said.contains(r"it'\''s $odd/small.toml'") && said.contains("/a b'"), "{said}");
    let mut command = folder.command();
    let output = command.args(["submit", "small.toml"]).env("PATH", "").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("sbatch cannot be run"), "{said}");
}
