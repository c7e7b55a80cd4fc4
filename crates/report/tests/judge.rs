//! `report diff --judge`: verdicts and exit codes.
#![allow(clippy::unwrap_used, missing_docs)]

mod judged;
mod stores;

use std::ops::Range;
use std::path::Path;

use insta::assert_snapshot;
use judged::{DEPTHS, Sweep, run, verdict};
use stores::outcome;
use tracking::{Run, Status};

#[test]
fn exit_code_follows_the_verdict() {
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
        (left, right, "0.09", verdict(10, "equivalent")),
        (right, left, "0.09", verdict(10, "equivalent")),
        (right, left, "0.02", verdict(10, "worse")),
        (right, left, "0.048", verdict(10, "not better")),
    ] {
        assert_eq!(sweep.judge(&[left, right, "--margin", margin]), expected, "{margin}");
    }
    let (code, _, error) = sweep.judge(&[left, right, "--margin", "-1"]);
    assert!(code == 2 && error.contains("expected a number of at least 0"), "{error}");
    let (code, verdict, warning) = sweep.judge(&[left, right, "--margin", "0.2"]);
    assert_eq!((code, verdict.as_str()), (10, "equivalent"));
    assert_eq!(warning, "warning: --margin 0.2 is 20 points; 0.002 is 0.2 points\n");
    let (_, out, _) = sweep.text(&[left, right, "--margin", "0.01"]);
    assert!(out.contains(" margin 1 point\n"), "{out}");
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
fn json_has_the_verdict_and_its_evidence() {
    let sweep = Sweep::new(0.02);
    let runs = (0..9).map(|index| sweep.run("sweep", 2 - index % 2, index / 2));
    sweep.add("sweep", &runs.collect::<Vec<_>>());
    let (_, out, _) = sweep.text(&[DEPTHS[0], DEPTHS[1], "--format", "json"]);
    let folder = sweep.at().display().to_string();
    assert_snapshot!(out.replace(&folder, "FOLDER"));
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
    assert_eq!(sweep.judge(&["a", "b", "--margin", "0.09"]), verdict(10, "equivalent"));
    let (_, out, _) = sweep.text(&["a", "b", "--metric", "test_loss"]);
    assert!(out.contains("\n[0, 0]: equal bit for bit, without a test\np 1.00"), "{out}");
    equal("one", 0..1, true);
    assert_eq!(sweep.judge(&["one", "b"]), verdict(11, "undecided"));
    equal("c", 0..5, false);
    equal("d", 0..5, false);
    assert_eq!(sweep.judge(&["c", "d"]), verdict(11, "undecided"), "chance can equal accuracies");
    assert_eq!(sweep.judge(&["c", "d", "--margin", "0.09"]), verdict(11, "undecided"));
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
    for name in ["foo", "foo2"] {
        of(name, &|run| run.results = vec![("foo".into(), 1.0)]);
    }
    sweep.add("new", &[run("new", &[("depth", 1), ("seed", 0)], Status::Killed)]);
    of("failed", &|run| {
        run.status = Status::Failed;
        run.results.clear();
    });
    of("digits", &|run| run.dataset_sha256 = "d161".into());
    of("wide", &|run| run.params.push(("width".into(), 3.into())));
    for (left, right, options, expected) in [
        ("foo", "foo2", &[][..], "no common metric ranks: name one with --metric"),
        ("foo", "foo2", &["--metric", "foo"], "direction of `foo` unknown: use --minimize foo"),
        ("sweep:depth=1", "sweep:depth=2", &["--metric", "test_los"], "unknown metric 'test_los'"),
        ("sweep", "sweep:depth=1", &[], "4 runs are on both sides: select sides without common"),
        ("sweep", "foo", &[], "the sides have no common metric: record the same metrics"),
        ("sweep", "failed", &[], "right has no finished run (failed: 4 failed): to see why, run "),
        ("sweep", "new", &[], "right has no finished run (new: 1 killed): run it first"),
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
    assert_eq!(sweep.judge(&["foo", "foo2", "--maximize", "foo"]).0, 11);
    assert_eq!(sweep.judge(&["sweep:depth=1", "wide"]).0, 10, "width is only on the right");
    let (code, _, error) = outcome(sweep.at(), &["diff", "sweep", "sweep", "--margin", "1"]);
    assert!(code == 2 && error.contains("--judge"), "{error}");
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

/// Results that are missing on one side only can make that side look better.
#[test]
fn failures_on_one_side_prevent_a_verdict_for_it() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    let failing = |depth: i64, status: Status| {
        let runs = (8..11).map(|seed| run("sweep", &[("depth", depth), ("seed", seed)], status));
        sweep.add("sweep", &runs.collect::<Vec<_>>());
    };
    sweep.add("sweep", &(8..11).map(|seed| sweep.run("sweep", 1, seed)).collect::<Vec<_>>());
    failing(2, Status::Killed);
    assert_eq!(sweep.judge(&DEPTHS), verdict(0, "better"), "killed runs can still run");
    failing(2, Status::Diverged);
    let [left, right] = DEPTHS;
    let (code, out, _) = sweep.text(&[left, right]);
    let expected =
        "undecided with 8 seeds: 3 of 11 runs of the right side have no result (3 diverged)";
    assert!(code == 11 && out.starts_with(expected) && !out.contains("runner"), "{out}");
    let (_, out, _) = sweep.text(&[left, right, "--format", "json"]);
    assert!(out.contains("\"lacks_results\": \"right\"") && out.contains("\"seeds_to_add\": null"));
    assert_eq!(sweep.judge(&[right, left]), verdict(11, "undecided"), "left is better, but lacks");
    assert_eq!(sweep.judge(&[left, right, "--margin", "0.09"]), verdict(10, "equivalent"));
}

/// Seeds with other settings must not be compared with each other.
#[test]
fn only_seeds_with_every_setting_are_judged() {
    let sweep = Sweep::new(0.05);
    let widths = |width: i64, seeds: Range<i64>| {
        let runs = seeds.flat_map(|seed| [1, 2].map(|depth| (depth, seed)));
        let runs = runs.map(|(depth, seed)| {
            let loss = if width == 2 { 0.4 * (depth - 1) as f64 } else { 0.0 };
            run("sweep", &[("depth", depth), ("width", width), ("seed", seed)], Status::Finished)
                .with(|run| {
                    run.results = sweep.run("sweep", depth, seed).results;
                    run.results[0].1 -= loss;
                })
        });
        sweep.add("sweep", &runs.collect::<Vec<_>>());
    };
    widths(1, 0..30);
    assert_eq!(sweep.judge(&DEPTHS), verdict(0, "better"));
    widths(2, 0..1);
    let (code, out, _) = sweep.text(&DEPTHS);
    let expected = "undecided with 1 seed: run the same seeds for all 2 settings on both sides";
    assert!(code == 11 && out.starts_with(expected), "{out}");
    widths(2, 1..3);
    let (code, out, _) = sweep.text(&DEPTHS);
    assert!(code != 0 && out.contains("\npaired: 3 seeds, 6 pairs, 2 settings\n"), "{out}");
    assert!(out.contains("\n27 seeds excluded: not all 2 settings have them\n"), "{out}");
    widths(2, 3..30);
    assert_eq!(sweep.judge(&DEPTHS), verdict(10, "worse"));
}

#[test]
fn zero_difference_suggests_a_margin() {
    let sweep = Sweep::new(0.0);
    let accuracies = [[0.8, 0.81], [0.81, 0.8], [0.8, 0.82], [0.82, 0.8]];
    let runs = (0..).zip(accuracies).flat_map(|(seed, pair)| {
        [(1, pair[0]), (2, pair[1])].map(|(depth, accuracy)| {
            sweep.run("sweep", depth, seed).with(|run| {
                run.results = vec![("test_accuracy".into(), accuracy)];
            })
        })
    });
    sweep.add("sweep", &runs.collect::<Vec<_>>());
    let (code, out, _) = sweep.text(&DEPTHS);
    let expected = "undecided with 4 seeds: no difference is seen; --margin D tests";
    assert!(code == 11 && out.starts_with(expected), "{out}");
}

#[test]
fn raced_sides_are_not_judged_once() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    sweep.race("sweep");
    assert_eq!(sweep.judge(&DEPTHS), verdict(0, "better"));
    let [left, right] = DEPTHS;
    let (code, _, error) = sweep.judge(&[left, right, "--once"]);
    let expected = "sweep:depth=1 was raced: the results decided how many seeds each setting has";
    assert!(code == 2 && error.contains(expected) && error.contains("without --once"), "{error}");
    let (code, out, _) = outcome(sweep.at(), &["diff", left, right]);
    let out = out.replace('\n', " ");
    assert!(code == 0 && out.contains(expected) && out.contains("use --judge"), "{out}");
}
