//! `report diff --judge`: the commands that add seeds.
#![allow(clippy::unwrap_used, missing_docs)]

mod judged;
mod stores;

use std::time::Duration;

use insta::assert_snapshot;
use judged::{DEPTHS, Sweep, run};
use serde_json::Value as Json;
use tracking::{Invocation, Run, Status, TrialId};

#[test]
fn undecided_names_the_seeds_and_the_command() {
    let sweep = Sweep::new(0.02).seeds("sweep", 0..4);
    let (code, out, _) = sweep.text(&DEPTHS);
    let folder = sweep.at().display().to_string();
    assert_eq!(code, 11);
    assert_snapshot!(out.replace(&folder, "FOLDER"), @r"
    undecided with 4 seeds: add 4 to decide with a probability of 80 % if the true difference is 2.34
    points

    left   sweep:depth=1 · 4 trials, 4 finished
    right  sweep:depth=2 · 4 trials, 4 finished

              left   right   difference
      depth      1       2

    improvement in test accuracy: +2.34 points
    [-0.24, +4.91]: 95 % anytime-valid interval (normal-mixture t)
    p 0.064 · margin 0 points
    paired: 4 seeds, 4 pairs, 1 setting
    4 trials match · 0 only left, 0 only right

    to add seeds 4 to 7 to the left side, run:
      runner sweep.toml -r FOLDER --set 'sweep.depth=[1]' --set 'sweep.seed={from=0,to=7}'

    to add seeds 4 to 7 to the right side, run:
      runner sweep.toml -r FOLDER --set 'sweep.depth=[2]' --set 'sweep.seed={from=0,to=7}'
    ");
}

/// A value that the newest command did not sweep is not added to the sweep.
#[test]
fn command_narrows_only_what_it_swept() {
    let mut sweep = Sweep::new(0.0);
    for depth in [1, 2] {
        sweep.invocation.command_line = format!("runner sweep.toml --set train.depth={depth}");
        let runs: Vec<Run> = (0..2).map(|seed| sweep.run("sweep", depth, seed)).collect();
        sweep.add("sweep", &runs);
    }
    let (_, out, _) = sweep.text(&DEPTHS);
    assert!(out.contains("  runner sweep.toml --set train.depth=1 -r "), "{out}");
    assert!(!out.contains("sweep.depth"), "{out}");
}

/// The command of another program is shown as it was recorded.
#[test]
fn unknown_program_keeps_its_recorded_command() {
    let mut sweep = Sweep::new(0.0);
    sweep.invocation =
        Invocation { command_line: "python train.py".into(), ..Invocation::default() };
    let sweep = sweep.seeds("sweep", 0..5);
    let (_, out, _) = sweep.text(&DEPTHS);
    let lines = "; the record has the command:\n  python train.py\n";
    assert!(out.contains("\nadd seeds 5 to ") && out.contains(lines), "{out}");
}

#[test]
fn command_of_a_race_runs_no_race() {
    for (file, command) in [
        ("[race]\n", "runner a.toml"),
        ("race = true\n", "runner a.toml --set race.confidence=0.9"),
        ("", "runner a.toml --race"),
        ("", "runner a.toml --set race=true"),
    ] {
        let mut sweep = Sweep::new(0.0);
        sweep.invocation.experiment_file = Some(format!("name = \"sweep\"\n{file}"));
        sweep.invocation.command_line = command.into();
        let sweep = sweep.seeds("sweep", 0..5);
        let (_, out, _) = sweep.text(&DEPTHS);
        let lines: Vec<&str> = out.lines().filter(|line| line.contains("runner")).collect();
        assert!(lines[0].starts_with("  runner a.toml -r "), "{out}");
        assert!(lines[0].ends_with("}' --set race=false"), "{out}");
    }
}

/// `sample_rate` is no `sample`, and `race_car` no `race`.
#[test]
fn only_whole_keys_of_the_file_count() {
    let mut sweep = Sweep::new(0.0);
    let file =
        "name = \"sweep\"\n[train]\nsample_rate = 2\nrace_car = 1\n[sweep]\ndepth = [1, 2]\n";
    sweep.invocation.experiment_file = Some(file.into());
    let (_, out, _) = sweep.seeds("sweep", 0..2).text(&DEPTHS);
    assert!(out.contains("sweep.depth=[1]") && !out.contains("race=false"), "{out}");
}

#[test]
fn one_look_has_no_command() {
    let sweep = Sweep::new(0.0).seeds("sweep", 0..4);
    let (code, out, _) = sweep.text(&[DEPTHS[0], DEPTHS[1], "--once"]);
    assert!(
        out.ends_with("\n\n--once is valid for one look: ask without it to add seeds\n"),
        "{out}"
    );
    assert!(code == 11 && !out.contains("runner"), "{out}");
}

#[test]
fn sides_that_exclude_new_seeds_have_no_command() {
    let sweep = Sweep::new(0.0).seeds("sweep", 0..6);
    let json = |left: &str, right: &str| -> Json {
        let (_, out, _) = sweep.text(&[left, right, "--format", "json"]);
        serde_json::from_str(&out).unwrap()
    };
    let trial = sweep.run("sweep", 2, 0).header.trial.clone();
    for (left, right) in [
        ("depth=1,seed<4", "depth=2"),
        ("depth=1,seed<3", "depth=2,seed>=3"),
        ("depth=1", trial.as_str()),
    ] {
        let json = json(left, right);
        assert_eq!(json["commands"], serde_json::json!([]), "{left}");
        assert!(json["seeds_to_add"].is_number(), "{left}");
        let obstacle = "no seeds can be added: a side selects runs or seeds; select settings only";
        assert_eq!(json["obstacle"], obstacle, "{left}");
    }
    let open = json("depth=1,seed>=4", "depth=2,seed>=4");
    assert_eq!(
        (open["n"].to_string(), open["commands"][0]["seeds"][0].to_string()),
        ("2".into(), "6".into())
    );
}

#[test]
fn largest_seed_has_no_successor() {
    let sweep = Sweep::new(0.0).seeds("sweep", i64::MAX - 1..i64::MAX);
    sweep.add("sweep", &[1, 2].map(|depth| sweep.run("sweep", depth, i64::MAX)));
    let (code, out, error) = sweep.text(&DEPTHS);
    assert!(code == 11 && out.contains("no seeds can be added"), "{out} {error}");
}

/// The printed command would run the newest program.
#[test]
fn older_program_has_no_command() {
    let sweep = Sweep::new(0.0);
    for (program, depth) in [("aaaa", 1), ("bbbb", 2)] {
        let runs = (0..2).map(|seed| {
            sweep.run("sweep", depth, seed).with(|run| {
                run.params.retain(|(name, _)| name == "seed");
                run.trial = TrialId::of(&[("program", program), ("seed", &seed.to_string())]);
                run.program_sha256 = Some(program.repeat(16));
                run.started_at += Duration::from_secs(depth.unsigned_abs());
            })
        });
        sweep.add("sweep", &runs.collect::<Vec<_>>());
    }
    let (code, out, _) = sweep.text(&["sweep@aaaa", "sweep@bbbb"]);
    let restore =
        "restore the files of that version to add seed 2 to the left side, at program aaaa";
    assert!(out.replace('\n', " ").contains(restore), "{out}");
    let lines = "\n\nto add seed 2 to the right side, run:\n  runner";
    assert!(code == 11 && out.contains(lines) && !out.contains("--rerun"), "{out}");
}

#[test]
fn seeds_of_one_side_come_before_new_ones() {
    let sweep = Sweep::new(0.0).seeds("sweep", 0..1);
    sweep.add("sweep", &[sweep.run("sweep", 1, 4)]);
    let failed = run("sweep", &[("depth", 2), ("seed", 1)], Status::Failed);
    sweep.add("sweep", &[failed, sweep.run("sweep", 1, 1)]);
    let (code, out, _) = sweep.text(&[DEPTHS[0], DEPTHS[1], "--format", "json"]);
    let json: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["seeds_to_add"]), (11, &Json::from(2)));
    let seeds = |index: usize| json["commands"][index]["seeds"].to_string();
    assert_eq!((seeds(0), seeds(1)), ("[5]".to_owned(), "[4,5]".to_owned()));
    let command = json["commands"][1]["command"].as_str().unwrap();
    assert!(command.contains("'sweep.seed=[0,1,4,5]'"), "{command}");
}

#[test]
fn commits_are_judged_and_named_in_the_command() {
    let [left, right] = ["c0ffee00c0ffee00", "facade00facade00"];
    let mut sweep = Sweep::new(0.05);
    for (commit, depth) in [(left, 1), (right, 2)] {
        sweep.invocation.git_commit = Some(commit.into());
        let runs = (0..2).map(|seed| {
            sweep.run("sweep", depth, seed).with(|run| {
                run.params.retain(|(name, _)| name == "seed");
                run.trial = TrialId::of(&[("seed", &seed.to_string())]);
            })
        });
        sweep.add("sweep", &runs.collect::<Vec<_>>());
    }
    let (code, out, error) = sweep.text(&["sweep@c0ffee", "sweep@facade"]);
    assert_eq!((code, error.as_str()), (11, ""), "{out}");
    for (side, commit) in [("left", "c0ffee00c0ff"), ("right", "facade00faca")] {
        let expected = format!("add seed 2 to the {side} side, at commit {commit}, run:\n  runner");
        assert!(out.contains(&expected), "{out}");
    }
    assert_eq!(out.matches(" --set 'sweep.seed=[2]' --rerun\n").count(), 2, "{out}");
}

#[test]
fn different_seeds_are_undecided() {
    let sweep = Sweep::new(0.05);
    sweep.add("sweep", &(0..3).map(|seed| sweep.run("sweep", 1, seed)).collect::<Vec<_>>());
    sweep.add("sweep", &(3..8).map(|seed| sweep.run("sweep", 2, seed)).collect::<Vec<_>>());
    let (code, out, _) = sweep.text(&[DEPTHS[0], DEPTHS[1], "--format", "json"]);
    let json: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["n"], &json["seeds_to_add"]), (11, &Json::from(0), &Json::from(3)));
    assert_eq!(json["commands"][0]["sides"], serde_json::json!(["right"]));
    assert_eq!(json["commands"][0]["seeds"], serde_json::json!([0, 1, 2]));
    assert_eq!(json["commands"][1], Json::Null, "left has these seeds");
}
