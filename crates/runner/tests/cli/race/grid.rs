//! Races and grids of the same experiment.

use std::fs::File;

use tracking::JsonDocument;

use super::{OUTCOME, RACE, RUNS, SCRIPT, assert_same_race, outcome, race, race_of};
use crate::common::Sweep;

/// The experiment without its race, on three seeds.
fn grid() -> Sweep {
    let grid = RACE.replace("[race]\nseeds = [3, 5, 8]\n", "seed = { from = 0, to = 2 }\n");
    race_of(&grid, SCRIPT)
}

fn has_race(sweep: &Sweep) -> bool {
    sweep.results().count("declarations WHERE role = 'race'") == 1
}

const RACED: &str = "r.toml --race --set race.seeds=[3,5,8]";

#[test]
fn race_continues_a_finished_grid() {
    let sweep = grid();
    sweep.runner("r.toml -q").success();
    let raced = sweep.runner(RACED).success();
    assert_eq!(outcome(&raced), OUTCOME);
    raced
        .stderr_contains("look 2 of 3 with 5 seeds · 4 of 5 settings left · 8 trials to run")
        .stderr_lacks("look 1");
    race().runner("r.toml -q").success();
    assert_eq!(sweep.results().count("runs"), RUNS);
}

#[test]
fn other_seeds_and_settings_do_not_enter_a_race() {
    let sweep = grid();
    // Seeds 3 to 7 of the two worst settings, other seeds, and another setting.
    sweep.runner("r.toml -q --set sweep.b=[3,10] --set sweep.seed=[3,4,5,6,7,80]").success();
    sweep.runner("r.toml -q --set sweep.b=[-90] --set sweep.seed=[0,1,2,3]").success();
    let before = sweep.results().count("runs");
    let raced = sweep.runner(RACED).success();
    assert_eq!(outcome(&raced), OUTCOME);
    // The race needs settings 3 and 10 on three and on five seeds, of which two are recorded.
    let recorded_of_race = 2;
    assert_eq!(sweep.results().count("runs"), before + RUNS - recorded_of_race);
}

#[test]
fn race_stays_until_every_setting_has_every_seed() {
    let sweep = grid();
    sweep.runner(RACED).success();
    sweep.runner("r.toml").success().stderr_contains("nothing to run");
    let warning = "warning: the recorded runs are those of a race; only a command with --race";
    sweep.runner("status r.toml --set sweep.seed=[0,80]").exits(1).stderr_contains(warning);
    let more = sweep.runner("r.toml -q --set sweep.b=[10,80] --set sweep.seed=[0,1,80]");
    more.success().stderr_contains(warning);
    assert!(has_race(&sweep));
    sweep.runner("r.toml -q --set sweep.seed={from=0,to=7}").success();
    assert!(!has_race(&sweep));
    sweep.runner(RACED).success().stderr_contains("nothing to run");
    assert!(has_race(&sweep), "the race is declared again");
}

#[test]
fn race_cannot_shrink_to_some_of_its_settings() {
    let sweep = race();
    sweep.runner("r.toml -q").success();
    for part in ["[1]", "[1,2]"] {
        sweep
            .runner(&format!("r.toml --set sweep.b={part}"))
            .exits(2)
            .stderr_contains("the race of 'r' has 5 settings, and this command only");
    }
    sweep.runner("r.toml --set sweep.b=[1]").set("name=\"part\"").success();
    sweep.runner("r.toml --set sweep.b=[0,1,2,3,10,80]").success();
}

#[test]
fn race_can_be_switched_on_and_off() {
    let sweep = race();
    sweep
        .runner("r.toml --plan --set race=false --set sweep.seed=[0]")
        .success()
        .stdout_lacks("race");
    let plan = sweep.runner("r.toml --plan --set race=true").success();
    plan.stdout_contains("race with looks after 3, 5, 8, 12, 20 seeds");
}

#[test]
fn race_flag_keeps_the_looks_of_the_file() {
    let sweep = race();
    let raced = sweep.runner("r.toml --race").success();
    assert_eq!(outcome(&raced), OUTCOME);
}

#[test]
fn race_with_more_looks_continues_a_race() {
    let sweep = race();
    sweep.runner("r.toml -q").success();
    let longer = |folder: &str| {
        let command = format!("r.toml -r {folder} --set race.seeds=[3,5,8,12]");
        outcome(&sweep.runner(&command).success())
    };
    assert_eq!(longer("results"), longer("alone"));
    let race = "SELECT name FROM declarations WHERE role = 'race'";
    let declared = |folder| sweep.results_in(folder).query::<String>(race);
    assert_eq!(declared("results").replace("\"changes\":1,", ""), declared("alone"));
    longer("results");
    assert!(declared("results").contains("\"changes\":1,"), "the same rules are no change");
}

#[test]
fn race_of_one_setting_ends_at_its_first_look() {
    let sweep = race_of(&RACE.replace("[0, 1, 2, 3, 10]", "[1]"), SCRIPT);
    let raced = sweep.runner("r.toml").success();
    assert_eq!(outcome(&raced), "there is only one setting");
}

#[test]
fn race_of_equal_settings_uses_all_seeds() {
    let sweep = race_of(RACE, r#"echo "{\"test_accuracy\": 0.9$2}""#);
    let raced = sweep.runner("r.toml").success();
    assert_eq!(
        outcome(&raced),
        "after all 8 seeds, 5 of 5 settings are left: b 0; b 1; b 2; b 3; b 10"
    );
    assert_eq!(sweep.results().count("runs"), 40);
}

#[test]
fn race_of_close_settings_ends_within_the_indifference() {
    let sweep = race_of(RACE, &SCRIPT.replace("50 * $1", "0"));
    let raced = sweep.runner("r.toml --set race.indifference=0.05").success();
    let close = "after 3 seeds, 5 of 5 settings are left, within the indifference of each other: b 0; b 1; b 2; b 3; b 10";
    assert_eq!(outcome(&raced), close);
    assert_eq!(sweep.results().count("runs"), 15);
}

#[test]
fn race_of_a_sample_reruns_its_points() {
    let sampled = RACE.replace("b = [0, 1, 2, 3, 10]", "b = { from = 0, to = 999 }\nsample = 6");
    let sweep = race_of(&sampled, SCRIPT);
    let raced = sweep.runner("r.toml").success();
    assert_eq!(
        sweep.results().query::<i64>("SELECT count(DISTINCT value) FROM params WHERE name = 'b'"),
        6
    );
    assert!(outcome(&raced).contains("the best is b "), "{}", outcome(&raced));
}

/// Runs of the race are verified with the file, also if only the command line asks for the race.
#[test]
fn verify_finds_the_trials_of_a_race() {
    let sweep = grid();
    sweep.runner(RACED).success();
    let verified = sweep.runner(&format!("verify {RACED} -j 4")).success();
    verified.stdout_contains("32 of 32 runs are identical");
}

#[test]
fn merged_and_imported_races_are_the_same_race() {
    let sweep = race();
    sweep.runner("r.toml -q").success();
    sweep.runner("merge results -r merged").success();
    let mut json = JsonDocument::new(File::create(sweep.path("export.json")).unwrap()).unwrap();
    let digest = sweep.results().reader().export(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    sweep.runner("import export.json -r imported").success();
    for folder in ["merged", "imported"] {
        let report = |folder| sweep.results_in(folder).reader().declarations("r").unwrap();
        assert_eq!(report(folder), report("results"), "{folder}");
        assert!(report(folder).race.is_some());
        assert_same_race(&sweep, folder, "results");
    }
}

#[test]
fn deleted_experiment_takes_its_race_to_the_trash_and_back() {
    let sweep = race();
    sweep.runner("r.toml -q").success();
    sweep.runner("delete r").success();
    assert!(!has_race(&sweep));
    sweep.runner("restore r").success();
    assert!(has_race(&sweep));
    sweep.runner("gc --older-than 0s --yes").success();
    sweep.runner("r.toml").success().stderr_contains("the race is over; nothing to run");
}
