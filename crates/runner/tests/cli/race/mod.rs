//! Races: `[race]` and `--race`.

mod failure;
mod file;
mod grid;
mod plan;
mod populations;
mod resume;
mod shards;

use crate::common::{Output, Sweep};

/// Five settings of a program; the looks are after 3, 5 and 8 seeds.
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

/// All settings have the luck of the seed in common; a larger `b` is worse.
const SCRIPT: &str = r#"
common=$((($2 * 7919 + 13) % 101 * 10))
own=$((($2 + 1) * ($1 + 3) * 7907 % 89))
echo "{\"test_accuracy\": 0.$((90000 - 50 * $1 + common + own))}"
"#;

/// The number of runs that this race needs: 5 settings on 3 seeds, 4 on 5 seeds and 3 on 8.
const RUNS: i64 = 32;

/// What this race decides.
const OUTCOME: &str = "after all 8 seeds, 2 of 5 settings are left: b 0; b 1";

/// A folder with [`RACE`] as `r.toml`.
fn race() -> Sweep {
    race_of(RACE, SCRIPT)
}

fn race_of(experiment: &str, script: &str) -> Sweep {
    let sweep = Sweep::new("r.toml", experiment);
    sweep.write("train.sh", script);
    sweep
}

/// The decision that a command prints.
#[track_caller]
fn outcome(output: &Output) -> String {
    let (_, after) = output.stdout.split_once("\nRace: ").unwrap();
    let (outcome, _) = after.split_once("\n\n").unwrap();
    outcome.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that `folder` has the runs of the undisturbed race in `expected`, each trial once, and
/// that a further command decides the same without a run.
#[track_caller]
fn assert_same_race(sweep: &Sweep, folder: &str, expected: &str) {
    let results = sweep.results_in(folder);
    assert_eq!(results.count("runs WHERE status = 'finished'"), RUNS, "{folder}");
    let cells = |folder: &str| sweep.results_in(folder).reproducible_cells("r/runs.csv");
    assert_eq!(cells(folder), cells(expected), "{folder}");
    let before = results.count("runs");
    let again = sweep.runner(&format!("r.toml -r {folder}")).success();
    assert_eq!(outcome(&again), OUTCOME, "{folder}");
    again.stderr_contains("the race is over; nothing to run");
    assert_eq!(results.count("runs"), before);
}
