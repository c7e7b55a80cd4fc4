//! Races of the installed program: what it runs and merges is what it reports.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use assert_cmd::Command as Program;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// Five settings of a program: `b` 0 to 3 are close to each other, and 10 is clearly worse.
const RACE: &str = r#"
name = "r"
[program]
command = ["sh", "train.sh", "{b}", "{seed}"]
files = ["train.sh"]
[sweep]
b = [0, 1, 2, 3, 10]
[race]
seeds = [3, 5, 8]
"#;

const SCRIPT: &str = r#"
common=$((($2 * 7919 + 13) % 101 * 10))
own=$((($2 + 1) * ($1 + 3) * 7907 % 89))
echo "{\"test_accuracy\": 0.$((90000 - 50 * $1 + common + own))}"
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.toml"), RACE).unwrap();
    fs::write(folder.path().join("train.sh"), SCRIPT).unwrap();
    folder
}

fn candle_sweep(folder: &TempDir, line: &str) -> String {
    let mut program = Program::new(assert_cmd::cargo::cargo_bin!("candle-sweep"));
    program.current_dir(folder.path()).args(line.split_whitespace());
    String::from_utf8(program.assert().success().get_output().stdout.clone()).unwrap()
}

/// The report of the race in `results`: its state, and the place of each setting.
fn report(folder: &TempDir, results: &str) -> (Json, Vec<Json>) {
    let text = candle_sweep(folder, &format!("report -r {results} --format json"));
    let mut table = serde_json::from_str::<Json>(&text).unwrap()[0].take();
    let place = |row: &Json| json!([row["params"], row["n"], row["left"], row["in_race"]]);
    let places = table["settings"].as_array().unwrap().iter().map(place).collect();
    (table["race"].take(), places)
}

#[test]
fn grid_on_a_raced_folder_changes_no_decision() {
    let folder = folder();
    candle_sweep(&folder, "run r.toml -q");
    let (mut race, places) = report(&folder, "results");
    assert_eq!((&race["settings_left"], &race["end"]), (&json!(2), &json!("seeds_used")));
    candle_sweep(&folder, "run r.toml -q --set race=false --set sweep.seed=[5,6,80]");
    let (after, places_after) = report(&folder, "results");
    assert_eq!(places_after, places);
    // Seed 80 of five settings; seeds 5 and 6 of the settings that had left before.
    race["unused_runs"] = json!(5 + 2 * 2);
    assert_eq!(after, race);
}

#[test]
fn order_of_merges_of_different_races_decides_nothing() {
    let folder = folder();
    candle_sweep(&folder, "run r.toml -q -r long");
    candle_sweep(&folder, "run r.toml -q -r short --set race.seeds=[2,4]");
    assert_ne!(report(&folder, "long"), report(&folder, "short"));
    candle_sweep(&folder, "merge long short -r one");
    candle_sweep(&folder, "merge short long -r other");
    assert_eq!(report(&folder, "one"), report(&folder, "other"));
    assert_eq!(report(&folder, "one").1, report(&folder, "long").1);
}
