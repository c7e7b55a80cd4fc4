//! Metrics of a user's own program: their direction, their unit, and the value that counts.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use command::Test;
use serde_json::Value as Json;
use stores::noise;
use tempfile::TempDir;
use tracking::{Direction, Store, Value};

/// A value of a metric with 1 % of noise.
fn noisy(value: f64, rate: u32, seed: u32) -> f64 {
    value * (1.0 + 0.01 * noise(u64::from(rate + 100 * seed)))
}

/// Records learning rates 1 and 2 with four seeds each. `log` logs the epochs of a run and returns
/// its final metrics.
fn store(
    name: &str,
    log: impl Fn(&tracking::LiveRun, u32, u32) -> Vec<(&'static str, f64)>,
) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (rate, seed) in (1..=2).flat_map(|rate| (0..4).map(move |seed| (rate, seed))) {
        let run = store.start_run(name, &[("rate", rate.into()), ("seed", seed.into())]).unwrap();
        let results = log(&run, rate, seed);
        run.finish(&results).unwrap();
    }
    folder
}

fn report(folder: &TempDir, arguments: &[&str]) -> Test {
    Test::new(folder.path()).args(arguments)
}

fn comparison(folder: &TempDir, arguments: &[&str]) -> Json {
    let out = report(folder, &["--format", "json"]).args(arguments).success();
    serde_json::from_str::<Json>(&out).unwrap()[0].take()
}

/// The `rate` of the best setting.
fn best(folder: &TempDir, arguments: &[&str]) -> Option<i64> {
    let comparison = comparison(folder, arguments);
    let mut settings = comparison["settings"].as_array().unwrap().iter();
    let best = settings.find(|setting| setting["best"] == true)?;
    best["params"]["rate"].as_i64()
}

#[test]
fn known_names_have_a_direction() {
    for (name, best_rate) in [
        ("wer", 1),
        ("val/loss", 1),
        ("RMSE", 1),
        ("fid", 1),
        ("latency", 1),
        ("memory_mb", 1),
        ("eval-perplexity", 1),
        ("val/acc", 2),
        ("BLEU", 2),
        ("throughput", 2),
    ] {
        let folder = store("own", |_, rate, seed| vec![(name, noisy(f64::from(rate), rate, seed))]);
        assert_eq!(best(&folder, &[]), Some(best_rate), "{name}");
        let out = report(&folder, &[]).success();
        assert_eq!(out.contains("lower is better"), best_rate == 1, "{out}");
    }
}

#[test]
fn unknown_direction_can_be_given_or_declared() {
    let folder = store("own", |_, rate, seed| vec![("babble", noisy(f64::from(rate), rate, seed))]);
    let out = report(&folder, &[]).success();
    assert!(!out.contains('★'), "{out}");
    assert!(
        out.contains("irection of `babble` unknown: use --minimize babble or --maximize babble"),
        "{out}"
    );
    assert_eq!(best(&folder, &["--minimize", "babble"]), Some(1));
    assert_eq!(best(&folder, &["--maximize", "babble"]), Some(2));
    let store = Store::open(folder.path()).unwrap();
    store.declare_metric("own", "babble", Direction::Minimize).unwrap();
    drop(store);
    assert_eq!(best(&folder, &[]), Some(1));
    assert_eq!(
        best(&folder, &["--maximize", "babble"]),
        Some(2),
        "an option overrides a declaration"
    );
}

#[test]
fn diff_uses_the_direction_of_the_metric() {
    for (name, better_side) in [("wer", "right"), ("val_bleu", "left")] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for (side, level) in [("before", 3.0), ("after", 2.0)] {
            for seed in 0..4 {
                let params = [("rate", Value::Integer(1)), ("seed", seed.into())];
                let run = store.start_run(side, &params).unwrap();
                run.finish(&[(name, noisy(level, seed, seed))]).unwrap();
            }
        }
        let out = report(&folder, &["diff", "before", "after", "--format", "json"]).success();
        let metric = serde_json::from_str::<Json>(&out).unwrap()["metrics"][name].take();
        assert_eq!(metric["verdict"], better_side, "{metric}");
    }
}

/// The program validates every fifth epoch and passes no final metric.
#[test]
fn last_logged_value_counts() {
    let folder = store("own", |run, rate, seed| {
        for epoch in 1..=12 {
            let score = noisy(f64::from(rate * epoch), rate, seed) / 30.0;
            run.log(epoch, &[("loss", 1.0 - score)]).unwrap();
            if epoch % 5 == 0 {
                run.log(epoch, &[("val_f1", score), ("val_accuracy", score)]).unwrap();
            }
        }
        Vec::new()
    });
    let compared = comparison(&folder, &[]);
    assert_eq!(compared["ranked_by"], "val_accuracy");
    assert_eq!(best(&folder, &["--sort", "val_f1"]), Some(2));
    for name in ["val_f1", "val_accuracy"] {
        let mean = compared["settings"][0]["metrics"][name]["mean"].as_f64().unwrap();
        assert!((mean - 2.0 / 3.0).abs() < 0.02, "the value of epoch 10: {mean}");
    }
}

#[test]
fn ranking_metric_chooses_the_best_epoch() {
    for (name, is_minimized) in [("val/acc", false), ("valid-perplexity", true)] {
        let folder = store("own", |run, rate, seed| {
            for epoch in 1..=6u32 {
                // Epoch 4 is the best.
                let distance = f64::from(epoch.abs_diff(4));
                let level = noisy(0.5 / f64::from(rate), rate, seed);
                let value =
                    if is_minimized { level + distance } else { 0.9 - level - 0.05 * distance };
                run.log(epoch, &[("loss", 9.0 - f64::from(epoch)), (name, value)]).unwrap();
            }
            Vec::new()
        });
        let compared = comparison(&folder, &["--at", "best"]);
        assert_eq!(compared["ranked_by"], name);
        assert_eq!(
            compared["settings"][0]["metrics"]["loss"]["mean"], 5.0,
            "the value of epoch 4: {compared}"
        );
        assert_eq!(best(&folder, &["--at", "best", "--sort", name]), Some(2));
        let by_loss = comparison(&folder, &["--at", "best", "--sort", "loss"]);
        assert_eq!(by_loss["settings"][0]["metrics"]["loss"]["mean"], 3.0);
    }
}

#[test]
fn accuracy_in_percent_is_shown_unchanged() {
    for name in ["test_accuracy", "top1"] {
        let folder = store("own", |_, rate, seed| {
            vec![(name, 90.0 + f64::from(rate) + 0.1 * noise(u64::from(seed)))]
        });
        let out = report(&folder, &[]).success();
        assert!(out.contains(" 91.9") && !out.contains("9200"), "{out}");
        assert!(!out.contains("100.00 points"), "{out}");
    }
}

#[test]
fn csv_column_names_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (n, seed) in (1..3).flat_map(|n| (0..3).map(move |seed| (n, seed))) {
        let params = [
            ("n", Value::Integer(n)),
            ("runs", 2.into()),
            ("failed", (n + 1).into()),
            ("best", (n + 7).into()),
            ("trial", n.into()),
            ("f1", n.into()),
            ("seed", seed.into()),
        ];
        let run = store.start_run("own", &params).unwrap();
        run.log(1, &[("epoch", 1.0), ("step", 10.0), ("f1", 0.5), ("lr", 0.1)]).unwrap();
        let value = f64::from(u8::try_from(10 * n + seed).unwrap());
        run.finish(&[
            ("test_f1", value / 100.0),
            ("difference", value),
            ("run", 1.0),
            ("status", 2.0),
        ])
        .unwrap();
    }
    store.export_csv("own").unwrap();
    drop(store);
    let compared = report(&folder, &["--format", "csv"]).success();
    let file = |name: &str| std::fs::read_to_string(folder.path().join("own").join(name)).unwrap();
    for text in [compared, file("runs.csv"), file("epochs.csv")] {
        let mut names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{text}");
    }
}

#[test]
fn unknown_direction_chooses_no_best_epoch() {
    let folder = store("own", |run, rate, seed| {
        for epoch in 1..=3 {
            run.log(epoch, &[("babble", noisy(f64::from(rate + epoch), rate, seed))]).unwrap();
        }
        Vec::new()
    });
    let out = report(&folder, &["--at", "best"]).success();
    assert!(out.contains("name one with --minimize NAME or") && !out.contains('★'), "{out}");
    let err = report(&folder, &["--at", "best", "--sort", "babble"]).failure();
    assert!(err.contains("use --minimize babble or --maximize babble"), "{err}");
    assert_eq!(best(&folder, &["--at", "best", "--minimize", "babble"]), Some(1));
}

/// A per-epoch `loss` is the training loss, as in Keras.
#[test]
fn training_loss_never_ranks_at_a_chosen_epoch() {
    let folder = store("own", |run, rate, seed| {
        for epoch in 1..=3 {
            run.log(epoch, &[("loss", f64::from(rate)), ("babble", noisy(1.0, rate, seed))])
                .unwrap();
        }
        Vec::new()
    });
    for arguments in [&["--at", "2"][..], &["--at", "best"], &[]] {
        let out = report(&folder, arguments).success();
        assert!(!out.contains('★'), "{arguments:?}: {out}");
        assert!(!out.contains("No finished run has an epoch"), "{arguments:?}: {out}");
    }
    let out = report(&folder, &["--at", "9"]).success();
    assert!(out.contains("No finished run has an epoch 9."), "{out}");
}

#[test]
fn declared_training_metric_ranks() {
    let folder = store("own", |_, rate, seed| {
        vec![("train_loss", noisy(f64::from(rate), rate, seed)), ("val_f1", 0.5)]
    });
    assert_eq!(comparison(&folder, &[])["ranked_by"], "val_f1");
    let declared = tracking::Declarations {
        rank: Some("train_loss".into()),
        ..tracking::Declarations::default()
    };
    Store::open(folder.path()).unwrap().declare_metrics("own", &declared).unwrap();
    assert_eq!(comparison(&folder, &[])["ranked_by"], "train_loss");
}

#[test]
fn invalid_options_are_rejected() {
    let folder = store("own", |_, rate, seed| vec![("wer", noisy(f64::from(rate), rate, seed))]);
    for (arguments, error) in [
        (
            &["--minimize", "wer", "--maximize", "wer"][..],
            "--minimize and --maximize both name wer",
        ),
        (&["diff", "own", "own", "--minimize", "wers"], "unknown metric 'wers'"),
        (&["diff", "own", "own", "--replicate", "sed"], "did you mean 'seed'?"),
        (&["--against", "rte=1"], "  --against 'rte=1'\n"),
        (&["--against", "rate=7"], "expected one of 'rate=1', 'rate=2'"),
        (&["show", "own"], "'own' is an experiment"),
    ] {
        let err = report(&folder, arguments).failure();
        assert!(err.contains(error), "{arguments:?}: {err}");
    }
}

#[test]
fn small_differences_show_nonzero_digits() {
    let folder = store("own", |_, rate, seed| {
        vec![("val_loss", 0.5 + 1e-8 * f64::from(rate) + 1e-10 * noise(u64::from(rate + 9 * seed)))]
    });
    let out = report(&folder, &[]).success();
    assert!(out.contains("e-9 to ") || out.contains("e-8 to "), "{out}");
    let out = report(&folder, &["--against", "rate=1"]).success();
    assert!(out.contains("e-8 [") || out.contains("e-9 ["), "{out}");
}

#[test]
fn missing_ranking_metric_is_reported() {
    let folder = store("own", |_, rate, seed| vec![("val_f1", noisy(f64::from(rate), rate, seed))]);
    let store = Store::open(folder.path()).unwrap();
    for seed in 0..2 {
        let run = store.start_run("other", &[("rate", 1.into()), ("seed", seed.into())]).unwrap();
        run.finish(&[("val_accuracy", 0.5)]).unwrap();
        let run = store.start_run("plain", &[("rate", 1.into()), ("seed", seed.into())]).unwrap();
        run.log(1, &[("loss", 0.5)]).unwrap();
        run.finish(&[]).unwrap();
    }
    drop(store);
    let out = report(&folder, &["--sort", "val_f1"]).success();
    assert!(out.contains("No finished run here has the ranking metric."), "{out}");
    assert!(out.contains("No metric ranks by default: loss is a training metric"), "{out}");
}
