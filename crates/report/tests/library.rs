//! Runs that a training loop of somebody's own logged are compared as any others.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::thread;

use stores::{noise, outcome};
use tempfile::TempDir;
use tracking::{Experiment, Store, Value};

/// Depths, words and hostile names, three seeds each, logged by three threads; and runs that did not end well.
fn logged() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let experiment =
        Experiment { name: "wine".into(), description: "Does depth\u{1b}[2J help?".into() };
    store.declare(&experiment, tracking::invocation!()).unwrap();
    let train = |depth: u32, kind: &str, seed: u32| {
        let params =
            [("depth", depth.into()), ("=kind, \"of\" <b>", kind.into()), ("seed", seed.into())];
        let run = store
            .new_run("wine", &params)
            .dataset("wine")
            .validation("0.2")
            .engine("candle")
            .start()
            .unwrap();
        let luck = 0.001 * noise(u64::from(seed + 10 * depth));
        for epoch in 1..=4 {
            let accuracy = 0.9 + 0.01 * f64::from(depth) - 0.1 / f64::from(epoch) + luck;
            run.log(epoch, &[("loss", 1.0 - accuracy), ("val_accuracy", accuracy)]).unwrap();
        }
        run.finish(&[("test_accuracy", 0.87 + 0.01 * f64::from(depth) + luck), ("f1", 0.5)])
            .unwrap();
    };
    thread::scope(|scope| {
        for seed in 0..3 {
            let train = &train;
            scope.spawn(move || {
                for depth in [1, 2, 4] {
                    for kind in ["relu", "\u{1b}[31mred\n"] {
                        train(depth, kind, seed);
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

#[test]
fn settings_are_compared() {
    let folder = logged();
    let (code, out, err) = outcome(folder.path(), &["-e", "wine"]);
    assert_eq!((code, err.as_str()), (0, ""));
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
    assert!(!out.contains('\u{1b}'), "{out}");
    let best = out.lines().find(|line| line.contains('★')).unwrap();
    assert!(best.trim_start().starts_with('4'), "{best}");
}

/// A loop that only logs, and says of no metric that it is the final one.
#[test]
fn what_was_logged_last_stands_for_what_is_not_said_in_the_end() {
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
    let best = |arguments: &[&str]| {
        let (code, out, err) =
            outcome(folder.path(), &[&["-e", "plain", "--format", "csv"], arguments].concat());
        assert_eq!((code, err.as_str()), (0, ""));
        out.lines().nth(1).unwrap().to_owned()
    };
    assert!(best(&[]).contains("3.33333"), "{}", best(&[]));
    assert!(best(&["--sort", "f1"]).contains("0.3"), "{}", best(&["--sort", "f1"]));
    assert!(
        best(&["--where", "loss>4 and loss<7"]).contains("6.66666"),
        "{}",
        best(&["--where", "loss>4 and loss<7"])
    );
}

#[test]
fn runs_that_did_not_finish_are_counted() {
    let folder = logged();
    let (code, out, _) = outcome(folder.path(), &["-e", "bad"]);
    assert_eq!(code, 0);
    assert!(out.contains("4 runs, 1 diverged, 1 failed, 1 killed"), "{out}");
}

#[test]
fn a_run_says_what_made_it() {
    let folder = logged();
    let (code, out, err) = outcome(
        folder.path(),
        &["-e", "wine", "--where", "depth=4 and seed=1", "--format", "json"],
    );
    assert_eq!((code, err.as_str()), (0, ""));
    let tables: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(tables[0]["runs"], 2);
    let runs = tracking::Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    let (code, out, err) = outcome(folder.path(), &["show", runs[0].id.as_str()]);
    assert_eq!((code, err.as_str()), (0, ""));
    let version = concat!("report ", env!("CARGO_PKG_VERSION"));
    for part in [runs[0].trial.as_str(), "f1", "candle", version, "on 0.2 of the training set", "█"]
    {
        assert!(out.contains(part), "{part} in {out}");
    }
    let path = folder.path().join("page.html");
    let (code, _, err) = outcome(folder.path(), &["html", "-o", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(!page.contains("<b>") && !page.contains('\u{1b}'));
}
