//! Runs that a user's own training loop logs through the `tracking` library.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::thread;

use command::Test;
use stores::noise;
use tempfile::TempDir;
use tracking::{Experiment, Store, Value};

/// Records `wine`, logged by three threads, and `bad`, whose runs do not all finish. Names and values
/// contain escape sequences and markup.
fn logged() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let experiment =
        Experiment { name: "wine".into(), description: "Does depth\u{1b}[2J help?".into() };
    store.declare(&experiment, tracking::invocation!()).unwrap();
    thread::scope(|scope| {
        for seed in 0..3 {
            let store = &store;
            scope.spawn(move || {
                for depth in [1, 2, 4] {
                    for kind in ["relu", "\u{1b}[31mred\n"] {
                        log_run(store, depth, kind, seed);
                    }
                }
            });
        }
    });
    let start = |depth: u32| {
        store.start_run("bad", &[("depth", depth.into()), ("rate", Value::Real(0.1))]).unwrap()
    };
    start(1).fail("out of memory").unwrap();
    start(2).diverge().unwrap();
    drop(start(3));
    start(4).finish(&[("test_loss", 0.5)]).unwrap();
    drop(store);
    folder
}

fn log_run(store: &Store, depth: u32, kind: &str, seed: u32) {
    let params =
        [("depth", depth.into()), ("=kind, \"of\" <b>", kind.into()), ("seed", seed.into())];
    let run = store
        .new_run("wine", &params)
        .dataset("wine")
        .validation("0.2")
        .engine("candle")
        .start()
        .unwrap();
    let of_seed = 0.001 * noise(u64::from(seed + 10 * depth));
    for epoch in 1..=4 {
        let accuracy = 0.9 + 0.01 * f64::from(depth) - 0.1 / f64::from(epoch) + of_seed;
        run.log(epoch, &[("loss", 1.0 - accuracy), ("val_accuracy", accuracy)]).unwrap();
    }
    run.finish(&[("test_accuracy", 0.87 + 0.01 * f64::from(depth) + of_seed), ("f1", 0.5)])
        .unwrap();
}

#[test]
fn validation_that_was_not_stated_is_not_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (depth, seed) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
        let run = store.new_run("wine", &[("depth", depth.into()), ("seed", seed.into())]);
        let run = run.dataset("wine").start().unwrap();
        run.log(1, &[("val_loss", 0.5 / f64::from(depth) + 0.01 * f64::from(seed))]).unwrap();
        run.finish(&[]).unwrap();
    }
    drop(store);
    let reader = tracking::Reader::open(folder.path()).unwrap();
    let id = reader.runs("wine").unwrap()[0].id.to_string();
    let show = ["show", id.as_str()];
    let html = ["html", "-o", "-"];
    let list = ["list", "-e", "wine"];
    let markdown = ["export", "--format", "markdown"];
    let latex = ["export", "--format", "latex"];
    let diff = ["diff", "wine", "wine"];
    for args in [&[][..], &show, &html, &list, &markdown, &latex, &diff, &["--format", "csv"]] {
        let out = Test::new(folder.path()).args(args).success();
        let out = out.split("<style>").next().unwrap().to_lowercase();
        for claim in ["on the test set", "the test set both", "held out", "optimistic"] {
            assert!(!out.contains(claim), "{args:?}: {claim}: {out}");
        }
    }
    let json = Test::new(folder.path()).args(&["--format", "json"]).success();
    assert!(json.contains("\"validation\": null"), "{json}");
}

#[test]
fn validation_that_was_not_stated_ranks_before_the_test_set() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (depth, seed) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
        let run = store.start_run("wine", &[("depth", depth.into()), ("seed", seed.into())]);
        let run = run.unwrap();
        let seed = f64::from(seed) / 1000.0;
        run.log(1, &[("val_accuracy", 0.7 + 0.1 * f64::from(depth) + seed)]).unwrap();
        run.finish(&[("test_accuracy", 0.9 - 0.1 * f64::from(depth) + seed)]).unwrap();
    }
    drop(store);
    let out = Test::new(folder.path()).args(&["-e", "wine"]).success();
    let best = out.lines().find(|line| line.contains('★')).unwrap();
    assert!(best.trim_start().starts_with('2'), "{out}");
    assert!(out.contains("ranked on validation\n"), "{out}");
    assert!(out.contains("the test accuracy of the choice, 70"), "{out}");
}

#[test]
fn logged_settings_are_compared() {
    let folder = logged();
    let out = Test::new(folder.path()).args(&["-e", "wine"]).success();
    for part in [
        "wine · Does depth\\u{1b}[2J help?\n",
        "wine · 3 seeds · 18 runs, none failed",
        "ranked on validation (0.2 of the training set held out, stratified)",
        "validation accuracy",
        "91.48 ± 0.01 %",
        "differ by up to: depth 3.0",
        "; the test accuracy of the choice, ",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let best = out.lines().find(|line| line.contains('★')).unwrap();
    assert!(best.trim_start().starts_with('4'), "{best}");
}

#[test]
fn last_logged_value_counts_without_a_final_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for depth in 1..4 {
        let run =
            store.start_run("plain", &[("depth", depth.into()), ("rate", 0.5.into())]).unwrap();
        for epoch in 1..=3 {
            let loss = f64::from(depth * 10) / f64::from(epoch);
            run.log(epoch, &[("loss", loss), ("f1", 1.0 / loss), ("rate", 0.1)]).unwrap();
        }
        run.finish(&[]).unwrap();
    }
    for (arguments, value) in [
        (&[][..], "3.33333"),
        (&["--sort", "f1"], "0.3"),
        (&["--where", "loss>4 and loss<7"], "6.66666"),
    ] {
        let test = Test::new(folder.path()).args(&["-e", "plain", "--format", "csv"]);
        let out = test.args(arguments).success();
        let best = out.lines().nth(1).unwrap();
        assert!(best.contains(value), "{arguments:?}: {best}");
    }
}

#[test]
fn unfinished_runs_are_counted() {
    let folder = logged();
    let out = Test::new(folder.path()).args(&["-e", "bad"]).success();
    assert!(out.contains("4 runs, 1 diverged, 1 failed, 1 killed"), "{out}");
}

#[test]
fn conditions_select_logged_runs() {
    let folder = logged();
    let arguments = ["-e", "wine", "--where", "depth=4 and seed=1", "--format", "json"];
    let out = Test::new(folder.path()).args(&arguments).success();
    let tables: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(tables[0]["runs"], 2);
}

#[test]
fn show_prints_the_program_that_logged_a_run() {
    let folder = logged();
    let runs = tracking::Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    let out = Test::new(folder.path()).args(&["show", runs[0].id.as_str()]).success();
    let version = concat!("report ", env!("CARGO_PKG_VERSION"));
    for part in [runs[0].trial.as_str(), "f1", "candle", version, "on 0.2 of the training set", "█"]
    {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn page_escapes_logged_names() {
    let folder = logged();
    let page = Test::new(folder.path()).args(&["html", "-o", "-"]).success();
    assert!(!page.contains("<b>") && !page.contains('\u{1b}'));
}
