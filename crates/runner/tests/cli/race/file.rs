//! `[race]` in experiment files: its seeds, and its errors.

use super::{RACE, SCRIPT, race_of};
use crate::common::Sweep;

/// The values of the replicate `name` in the plan.
fn seeds(experiment: &str, name: &str, settings: &[&str]) -> Vec<String> {
    let sweep = race_of(experiment, SCRIPT);
    let plan = sweep.runner("r.toml --plan --format csv");
    let plan = settings.iter().fold(plan, |plan, setting| plan.set(setting)).success().stdout;
    let column = plan.lines().next().unwrap().split(',').position(|column| column == name);
    let values = plan.lines().skip(1).map(|row| row.split(',').nth(column.unwrap()).unwrap());
    let mut distinct: Vec<String> = Vec::new();
    for value in values {
        if !distinct.iter().any(|known| known == value) {
            distinct.push(value.to_owned());
        }
    }
    distinct
}

#[test]
fn seeds_of_a_race_continue_those_of_the_sweep() {
    let seeds = |settings: &[&str]| seeds(RACE, "seed", settings).join(" ");
    assert_eq!(seeds(&[]), "0 1 2 3 4 5 6 7");
    assert_eq!(seeds(&["sweep.seed=[7,3]"]), "7 3 8 9 10 11 12 13");
    assert_eq!(seeds(&["sweep.seed={from=5,to=50}"]), "5 6 7 8 9 10 11 12");
    assert_eq!(seeds(&["race.seeds=[2,4]"]), "0 1 2 3");
    assert_eq!(seeds(&["sweep.seed=['a','b','c']", "race.seeds=[2,3]"]), "a b c");
}

#[test]
fn program_receives_the_seeds_of_a_race() {
    let sweep = race_of(RACE, &format!("echo \"$2\" >> seeds\n{SCRIPT}"));
    sweep.runner("r.toml -q -j 1 --set sweep.b=[1,2]").success();
    let mut seeds: Vec<String> = sweep.read("seeds").lines().map(str::to_owned).collect();
    seeds.sort();
    seeds.dedup();
    assert_eq!(seeds, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn declared_replicate_repeats_the_settings_of_a_race() {
    let draws = RACE
        .replace("\"{seed}\"", "\"{draw}\"")
        .replace("[race]", "[metrics]\nreplicate = 'draw'\n[race]");
    assert_eq!(seeds(&draws, "draw", &[]).join(" "), "0 1 2 3 4 5 6 7");
    let folds = RACE.replace("\"{seed}\"", "\"{fold}\"").replace("[race]", "fold = [1, 2]\n[race]");
    assert_eq!(seeds(&folds, "fold", &["race.seeds=[2]"]).join(" "), "1 2");
}

#[test]
fn union_of_sweeps_races_with_equal_seeds() {
    let union =
        RACE.replace("[sweep]\nb = [0, 1, 2, 3, 10]", "[[sweep]]\nb = [0, 1]\n[[sweep]]\nb = [7]");
    assert_eq!(seeds(&union, "seed", &[]).len(), 8);
    assert_eq!(seeds(&union, "b", &[]), ["0", "1", "7"]);
}

#[test]
fn errors_of_a_race_point_into_the_file() {
    let shown = [
        ("[sweep]\nb = [1]\n[race]\nseeds = [5, 3]", &[][..]),
        ("[sweep]\nb = [1]\n[race]\nseeds = 3", &[]),
        ("[sweep]\nb = [1]\n[race]\nseeds = [3, 'a']", &[]),
        ("[sweep]\nb = [1]\n[race]\nseeds = [3, 1000000000000]", &[]),
        ("[sweep]\nb = [1]\n[race]\nseeds = [-3]", &[]),
        ("[sweep]\nb = [1]\n[race]\nconfidence = 95", &[]),
        ("[sweep]\nb = [1]\n[race]\nindifference = 0", &[]),
        ("[sweep]\nb = [1]\n[race]\nindifference = 'small'", &[]),
        ("[sweep]\nb = [1]\n[race]\nsees = [3]", &[]),
        ("race = 3\n[sweep]\nb = [1]", &[]),
        ("train = { seed = 3 }\n[sweep]\nb = [1]\n[race]", &[]),
        ("[sweep]\nb = [1]\nseed = ['a', 'b']\n[race]", &[]),
        ("[sweep]\nb = [1]\nseed = [9223372036854775807]\n[race]", &[]),
        ("[sweep]\nb = [1]\nfold = [0, 1, 2, 3, 4]\n[race]", &[]),
        ("[metrics]\nreplicate = 'fold'\n[sweep]\nb = [1]\n[race]", &[]),
        ("[sweep]\nzip = { b = [1, 2], seed = [0, 1] }\n[race]\nseeds = [2]", &[]),
        ("[sweep]\nb = [1, 2]\nexclude = 'b = 1 and seed = 1'\n[race]", &[]),
        ("[[sweep]]\nb = [1]\nseed = [0]\n[[sweep]]\nb = [2]\nseed = [1]\n[race]", &[]),
        ("[sweep]\nb = [1]", &["race.seeds=[1]"]),
        ("[sweep]\nb = [1]\n[race]", &["program.command=['echo','{b}']"]),
    ];
    let error = |(text, settings): &(&str, &[&str])| {
        let sweep = Sweep::new(
            "r.toml",
            &format!("name = 'r'\nprogram.command = ['echo', '{{params}}']\n{text}\n"),
        );
        let run = settings.iter().fold(sweep.runner("r.toml"), |run, setting| run.set(setting));
        let run = run.exits(2);
        assert!(!sweep.exists("results"));
        run.stderr
    };
    insta::assert_snapshot!(shown.iter().map(error).collect::<Vec<_>>().join("\n"));
}
