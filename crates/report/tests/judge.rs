//! `report diff --judge`: verdicts, exit codes and the commands that add seeds.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use insta::assert_snapshot;
use serde_json::Value as Json;
use stores::{noise, outcome};
use tempfile::TempDir;
use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

/// The metrics of a run: its accuracy, and a loss that follows it.
fn results(accuracy: f64) -> Vec<(String, f64)> {
    vec![("test_accuracy".into(), accuracy), ("test_loss".into(), 1.0 - accuracy)]
}

/// A run with these hyperparameters, before it has a result.
fn run(experiment: &str, params: &[(&str, i64)], status: Status) -> Run {
    let params: Vec<(String, Value)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let trial = TrialId::of(&[("params", &format!("{params:?}"))]);
    let header = RunHeader { trial, ..RunHeader::new(experiment, status) };
    Run { params, ..Run::new(header, SystemTime::UNIX_EPOCH) }
}

/// A results folder in which depth 2 is better than depth 1 by `gain` on each seed, with noise of
/// about 0.01.
struct Sweep {
    folder: TempDir,
    gain: f64,
    invocation: Invocation,
}

impl Sweep {
    fn new(gain: f64) -> Self {
        let invocation = Invocation {
            command_line: "runner sweep.toml -r old --rerun --set sweep.seed=[0,1]".into(),
            experiment_file: Some("name = \"sweep\"\n[sweep]\ndepth = [1, 2]\n".into()),
            ..Invocation::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), gain, invocation }
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn add(&self, experiment: &str, runs: &[Run]) {
        let mut store = Store::open(self.at()).unwrap();
        let experiment = Experiment { name: experiment.into(), description: String::new() };
        let invocation = store.begin(&experiment, &self.invocation).unwrap();
        for run in runs {
            store.record(invocation, run).unwrap();
        }
    }

    /// Records both depths on these seeds.
    fn seeds(self, experiment: &str, seeds: Range<i64>) -> Self {
        let runs = seeds.flat_map(|seed| [1, 2].map(|depth| self.run(experiment, depth, seed)));
        self.add(experiment, &runs.collect::<Vec<_>>());
        self
    }

    fn run(&self, experiment: &str, depth: i64, seed: i64) -> Run {
        let gain = if depth == 2 { self.gain } else { 0.0 };
        let own = 0.01 * noise(u64::try_from(7 * seed + depth).unwrap());
        run(experiment, &[("depth", depth), ("seed", seed)], Status::Finished)
            .with(|run| run.results = results(0.8 + gain + own))
    }

    /// Exit code, verdict and standard error of `diff … --judge`.
    fn judge(&self, arguments: &[&str]) -> (i32, String, String) {
        let (code, out, error) = self.text(&[arguments, &["--format", "json"]].concat());
        let json: Json = serde_json::from_str(&out).unwrap_or_default();
        if code != 2 {
            assert_eq!(json["exit_code"], code, "{out}");
        }
        (code, json["verdict"].as_str().unwrap_or_default().to_owned(), error)
    }

    /// Exit code, standard output and standard error of `diff … --judge`.
    fn text(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome(self.at(), &[&["diff"], arguments, &["--judge"]].concat())
    }
}

const DEPTHS: [&str; 2] = ["sweep:depth=1", "sweep:depth=2"];

fn verdict(code: i32, verdict: &str) -> (i32, String, String) {
    (code, verdict.to_owned(), String::new())
}

#[test]
fn exit_code_tells_the_verdict() {
    let better = Sweep::new(0.05).seeds("sweep", 0..8);
    let [worse_side, better_side] = DEPTHS;
    assert_eq!(better.judge(&[worse_side, better_side]), verdict(0, "better"));
    assert_eq!(better.judge(&[better_side, worse_side]), verdict(10, "worse"));
    let few = Sweep::new(0.0).seeds("sweep", 0..3);
    assert_eq!(few.judge(&DEPTHS), verdict(11, "undecided"));
}

#[test]
fn margin_separates_better_from_equivalent() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..12);
    let [left, right] = DEPTHS;
    for (left, right, margin, expected) in [
        (left, right, "0.02", verdict(0, "better")),
        (left, right, "0.048", verdict(11, "undecided")),
        (left, right, "0.2", verdict(10, "equivalent")),
        (right, left, "0.2", verdict(10, "equivalent")),
        (right, left, "0.02", verdict(10, "worse")),
        (right, left, "0.048", verdict(10, "not better")),
    ] {
        assert_eq!(sweep.judge(&[left, right, "--margin", margin]), expected, "{margin}");
    }
    let (code, _, error) = sweep.judge(&[left, right, "--margin", "-1"]);
    assert_eq!(code, 2, "{error}");
}

#[test]
fn lower_loss_is_better() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    let [left, right] = DEPTHS;
    let loss = ["--metric", "test loss"];
    assert_eq!(sweep.judge(&[&[left, right], &loss[..]].concat()), verdict(0, "better"));
    assert_eq!(sweep.judge(&[&[right, left], &loss[..]].concat()), verdict(10, "worse"));
}

#[test]
fn one_look_decides_earlier_than_any_time() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..2);
    let [left, right] = DEPTHS;
    assert_eq!(sweep.judge(&[left, right]), verdict(11, "undecided"));
    let (code, out, _) = sweep.text(&[left, right, "--once"]);
    assert!(out.contains("95 % interval (paired t, one look)"), "{out}");
    let sweep = sweep.seeds("sweep", 2..4);
    assert_eq!(sweep.judge(&[left, right, "--once"]), verdict(0, "better"));
    let (_, out, _) = sweep.text(&[left, right]);
    assert!(out.contains("95 % anytime-valid interval (normal-mixture t)"), "{code} {out}");
}

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

    difference in test accuracy: +2.34 points; positive means that right is better
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

#[test]
fn json_has_the_verdict_and_its_evidence() {
    let sweep = Sweep::new(0.02);
    let runs = (0..9).map(|index| sweep.run("sweep", 2 - index % 2, index / 2));
    sweep.add("sweep", &runs.collect::<Vec<_>>());
    let (_, out, _) = sweep.text(&[DEPTHS[0], DEPTHS[1], "--format", "json"]);
    let folder = sweep.at().display().to_string();
    assert_snapshot!(out.replace(&folder, "FOLDER"));
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

/// A race chooses its own seeds, and other seeds would end it.
#[test]
fn command_of_a_race_is_not_changed() {
    for (file, command) in [("[race]\n", "runner a.toml"), ("", "runner a.toml --race")] {
        let mut sweep = Sweep::new(0.0);
        sweep.invocation.experiment_file = Some(format!("name = \"sweep\"\n{file}"));
        sweep.invocation.command_line = command.into();
        let sweep = sweep.seeds("sweep", 0..5);
        let (_, out, _) = sweep.text(&DEPTHS);
        let words = out.replace('\n', " ");
        let expected = format!("runs a race, which chooses its own seeds:   {command} ");
        assert!(words.ends_with(&expected), "{out}");
    }
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
fn equal_bits_are_equivalent_on_two_seeds() {
    let sweep = Sweep::new(0.0);
    let equal = |experiment: &str, seeds: Range<i64>, has_loss: bool| {
        let run = |seed: i64| {
            sweep.run("", 1, seed).with(|run| {
                run.experiment = experiment.into();
                run.results.retain(|(name, _)| has_loss || name != "test_loss");
                run.results.push(("seconds".into(), seed as f64));
            })
        };
        sweep.add(experiment, &seeds.map(run).collect::<Vec<_>>());
    };
    equal("a", 0..2, true);
    equal("b", 0..3, true);
    assert_eq!(sweep.judge(&["a", "b"]), verdict(10, "equivalent"));
    assert_eq!(sweep.judge(&["a", "b", "--margin", "0.1"]), verdict(10, "equivalent"));
    let (_, out, _) = sweep.text(&["a", "b", "--metric", "test_loss"]);
    assert!(out.contains("\n[0, 0]: equal bit for bit, without a test\np 1.00"), "{out}");
    equal("one", 0..1, true);
    assert_eq!(sweep.judge(&["one", "b"]), verdict(11, "undecided"));
    equal("c", 0..5, false);
    equal("d", 0..5, false);
    assert_eq!(sweep.judge(&["c", "d"]), verdict(11, "undecided"), "chance can equal accuracies");
    assert_eq!(sweep.judge(&["c", "d", "--margin", "0.1"]), verdict(11, "undecided"));
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
fn results_folders_are_compared_without_an_option() {
    let (left, right) = (Sweep::new(0.05), Sweep::new(0.05));
    for (sweep, depth) in [(&left, 1), (&right, 2)] {
        sweep.add("sweep", &(0..8).map(|seed| sweep.run("sweep", depth, seed)).collect::<Vec<_>>());
    }
    let [a, b] = [&left, &right].map(|sweep| sweep.at().to_str().unwrap());
    let judge = |left: &str, right: &str| {
        let arguments = ["diff", left, right, "--judge"];
        outcome(Path::new("/nowhere"), &arguments)
    };
    assert_eq!(judge(a, b).0, 0);
    assert_eq!(judge(&format!("{b}/"), &format!("{a}/sweep")).0, 10);
    assert_eq!(judge(&format!("{a}/sweep:depth=1"), &format!("{b}:depth=2")).0, 0);
    right.add("other", &[right.run("other", 1, 0)]);
    let (code, out, _) = judge(a, b);
    assert!(code == 0 && out.contains(&format!("right  {b}/sweep · 8 trials")), "{out}");
    left.add("third", &[left.run("third", 1, 0)]);
    assert_eq!(judge(a, b).0, 0, "one experiment is in both folders");
    left.add("other", &[left.run("other", 1, 0)]);
    let (code, _, error) = judge(a, b);
    let expected = format!("error: {a} has several experiments: name one of other, sweep, third");
    assert!(code == 2 && error.starts_with(&expected), "{error}");
    let (code, _, error) = judge(&format!("{a}/nothing"), b);
    assert!(code == 2 && error.contains("unknown experiment 'nothing'"), "{error}");
    let (code, _, error) = judge("nowhere/sweep", b);
    assert!(code == 2 && error.contains("'nowhere/sweep' is no results folder"), "{error}");
}

#[test]
fn condition_alone_selects_from_the_only_experiment() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    assert_eq!(sweep.judge(&["depth=1", "depth=2"]), verdict(0, "better"));
    assert_eq!(sweep.judge(&["depth=1,seed<6", "depth=2"]), verdict(0, "better"));
    let sweep = sweep.seeds("other", 0..8);
    assert_eq!(sweep.judge(&["other:depth=1", "depth=2"]), verdict(0, "better"));
    let (code, _, error) = sweep.judge(&["depth=1", "depth=2"]);
    assert!(code == 2 && error.contains("has several experiments: name one of other, sweep"));
}

#[test]
fn request_that_cannot_be_judged_says_what_to_do() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..4);
    let of = |experiment: &str, change: &dyn Fn(&mut Run)| {
        let runs = (0..4).map(|seed| {
            sweep.run("", 1, seed).with(|run| {
                run.experiment = experiment.into();
                change(run);
            })
        });
        sweep.add(experiment, &runs.collect::<Vec<_>>());
    };
    of("foo", &|run| run.results = vec![("foo".into(), 1.0)]);
    of("failed", &|run| {
        run.status = Status::Failed;
        run.results.clear();
    });
    of("digits", &|run| run.dataset_sha256 = "d161".into());
    of("wide", &|run| run.params.push(("width".into(), 3.into())));
    for (left, right, options, expected) in [
        ("foo", "foo", &[][..], "no common metric ranks: name one with --metric"),
        ("foo", "foo", &["--metric", "foo"], "direction of `foo` unknown: use --minimize foo"),
        ("sweep", "sweep", &["--metric", "test_los"], "unknown metric 'test_los': expected one of"),
        ("sweep", "foo", &[], "the sides have no common metric: record the same metrics"),
        ("sweep", "failed", &[], "right has no finished run (failed: 4 failed): run it first"),
        ("sweep", "digits", &[], "data or hyperparameters differ in every run (dataset sha256)"),
        ("sweep:depth=3", "sweep", &[], "no run matches 'sweep:depth=3'"),
        ("sweep:dept=1", "sweep", &[], "did you mean 'depth'?"),
        ("sweep:test_accuracy>0.8", "sweep", &[], "unknown key 'test_accuracy'"),
        ("swep:depth=1", "sweep", &[], "unknown experiment 'swep'"),
        ("sweep", "sweep", &["--margin", "NaN"], "expected a number of at least 0"),
    ] {
        let (code, _, error) = sweep.judge(&[&[left, right], options].concat());
        assert!(code == 2 && error.contains(expected), "{left} {right}: {code} {error}");
    }
    assert_eq!(sweep.judge(&["foo", "foo", "--maximize", "foo"]).0, 11);
    assert_eq!(sweep.judge(&["sweep:depth=1", "wide"]).0, 10, "width is only on the right");
    let (code, _, error) = outcome(sweep.at(), &["diff", "sweep", "sweep", "--margin", "1"]);
    assert!(code == 2 && error.contains("--judge"), "{error}");
}

#[test]
fn different_seeds_are_undecided() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    let (code, out, _) = sweep.text(&["depth=1,seed<3", "depth=2,seed>=3", "--format", "json"]);
    let json: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["n"], &json["seeds_to_add"]), (11, &Json::from(0), &Json::from(3)));
    assert_eq!(json["commands"][0]["sides"], serde_json::json!(["right"]));
    assert_eq!(json["commands"][0]["seeds"], serde_json::json!([0, 1, 2]));
    assert_eq!(json["commands"][1], Json::Null, "left has these seeds");
}

#[test]
fn damaged_record_exits_with_one() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    let database = rusqlite::Connection::open(sweep.at().join("tracking.db")).unwrap();
    database
        .execute(
            "UPDATE results SET value = 0.5 WHERE value = (SELECT min(value) FROM results)",
            [],
        )
        .unwrap();
    drop(database);
    let (code, _, error) = sweep.judge(&DEPTHS);
    assert!(code == 1 && error.starts_with("warning: "), "{error}");
}
