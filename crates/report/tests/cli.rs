//! Exit codes, standard output and standard error of `report` and `report show`.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

use command::Test;
use tempfile::TempDir;
use tracking::{
    EpochMetrics, Experiment, Invocation, Process, Run, RunHeader, RunId, Status, Store, TrialId,
    Value,
};

/// A finished run. Its loss falls with the batch size and the seed.
fn finished_run(batch: i64, seed: i64) -> Run {
    let loss = 1.0 / f64::from(u32::try_from(batch + seed + 1).unwrap());
    let epochs = (1..=5).map(|epoch| EpochMetrics {
        epoch,
        step: u64::from(epoch) * 100,
        metrics: vec![
            ("loss".into(), loss / f64::from(epoch)),
            ("accuracy".into(), 0.9),
            ("seconds".into(), 0.1),
        ],
    });
    let header = RunHeader {
        trial: TrialId::of(&[("batch", &batch.to_string()), ("seed", &seed.to_string())]),
        dataset: "mnist".into(),
        dataset_sha256: "c0ffee".into(),
        engine: "autograd".into(),
        ..RunHeader::new("sweep", Status::Finished)
    };
    Run {
        params: vec![("batch_size".into(), batch.into()), ("seed".into(), seed.into())],
        epochs: epochs.collect(),
        results: vec![
            ("test_accuracy".into(), 1.0 - loss),
            ("test_loss".into(), loss),
            ("seconds".into(), 0.5),
        ],
        ..Run::new(header, SystemTime::now())
    }
}

/// Records `count` runs, two seeds per batch size.
fn results_with_runs(count: i64) -> (TempDir, Vec<RunId>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "sweep".into(), description: "Batch sizes".into() };
    let invocation = Invocation {
        jobs: 1,
        process: Process { host: "\u{1b}[31mred".into(), ..Process::default() },
        experiment_file: Some("name = \"sweep\"".into()),
        ..Invocation::default()
    };
    let invocation = store.begin(&experiment, &invocation).unwrap();
    let record = |index| store.record(invocation, &finished_run(1 + index / 2, index % 2)).unwrap();
    let ids = (0..count).map(record).collect();
    (folder, ids)
}

#[test]
fn comparison_goes_to_standard_output() {
    let (folder, _) = results_with_runs(6);
    let out = Test::new(folder.path()).success();
    let caption: Vec<&str> = out.lines().take(2).collect();
    assert_eq!(
        caption,
        [
            "sweep · Batch sizes",
            "mnist · 2 seeds · 6 runs, none failed · ranked on the test set (optimistic)",
        ]
    );
    assert_eq!(out.matches("%   ★").count(), 1, "{out}");
}

#[test]
fn missing_store_suggests_the_runner() {
    let folder = tempfile::tempdir().unwrap();
    for results in [folder.path().to_owned(), folder.path().join("nowhere")] {
        let err = Test::new(&results).failure();
        assert!(err.starts_with("error: no results in"), "{err}");
        assert!(err.contains("cargo run -p runner -- -r "), "{err}");
        assert!(!results.join("tracking.db").exists(), "reading creates no store");
    }
}

#[test]
fn store_without_runs_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let results = folder.path().display();
    let advice = format!(
        "no runs in {results} yet; run an experiment first: \
         cargo run -p runner -- -r {results} experiments/batch_sweep.toml\n"
    );
    Test::new(folder.path()).stdout("").stderr(&advice).success();
    let json = Test::new(folder.path()).args(&["--format", "json"]);
    json.stdout("[]\n").stderr(&advice).success();
}

#[test]
fn file_that_is_not_a_store_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let text = "This text is longer than the header of a database.".repeat(40);
    std::fs::write(folder.path().join("tracking.db"), text).unwrap();
    let err = Test::new(folder.path()).failure();
    assert!(err.contains("is not a store of candle-sweep"), "{err}");
}

#[test]
fn wrong_arguments_suggest_nearest() {
    let (folder, _) = results_with_runs(2);
    for (arguments, hint) in [
        (
            &["-e", "swep"][..],
            "unknown experiment 'swep': expected one of sweep; did you mean 'sweep'?",
        ),
        (&["--by", "batchsize"], "did you mean 'batch_size'?"),
        (&["--sort", "test_acuracy"], "did you mean 'test_accuracy'?"),
        (&["--where", "batchsize<=3"], "^^^^^^^^^ did you mean 'batch_size'?"),
        (&["--where", "seed<zero"], "expected a number"),
        (&["--where", "seed=1 adn batch_size=2"], "^^^ did you mean 'and'?"),
        (&["--where", "(seed=1 or batch_size=2"], "^ this parenthesis is never closed"),
        (&["--where", "not (seed=1 or batchsize=2)"], "^^^^^^^^^ did you mean 'batch_size'?"),
        (&["--where", "started_at>tomorrow"], "^^^^^^^^ expected a form such as 2026-11-24"),
        (&["--where", ""], "the condition is empty"),
        (&["show", "zzzz"], "no run or trial id starts with 'zzzz'"),
        (&["show", ""], "no run or trial id starts with ''"),
        (&["--top", "0"], "0 is not in 1.."),
        (&["--format", "xml"], "possible values: table, markdown, csv, json"),
        (&["--where", "\u{1b}[2J=1"], "unknown key '\\u{1b}[2J'"),
    ] {
        let err = Test::new(folder.path()).args(arguments).failure();
        assert!(err.contains(hint), "{arguments:?}: {err}");
    }
}

#[test]
fn conditions_select_runs() {
    let (folder, ids) = results_with_runs(8);
    let today = &tracking::timestamp(SystemTime::now())[..4];
    let started = format!("started_at>={today}");
    let first = format!("run={}", &ids[0].as_str()[..12]);
    for (conditions, expected) in [
        (&["batch_size<=2"][..], 4),
        (&["batch_size<=2", "seed=1"], 2),
        (&["batch_size != 2.0"], 6),
        (&["test_loss > 0.4"], 1),
        (&["status=finished"], 8),
        (&["dataset='mnist'"], 8),
        (&["batch_size=1 or batch_size=3 and seed=1"], 3),
        (&["not (batch_size=1 or seed=1)", "test_loss<0.3"], 2),
        (&[&started, "ended_at>2000-01-01"], 8),
        (&[&first], 1),
    ] {
        let arguments: Vec<&str> =
            conditions.iter().flat_map(|condition| ["--where", condition]).collect();
        let test = Test::new(folder.path()).args(&arguments).args(&["--format", "json"]);
        let tables: serde_json::Value = serde_json::from_str(&test.success()).unwrap();
        assert_eq!(tables[0]["runs"], expected, "{conditions:?}");
    }
    let none = Test::new(folder.path()).args(&["--where", "status!=finished", "--format", "json"]);
    none.stdout("[]\n").stderr("no run matches every --where (8 runs checked)\n").success();
}

#[test]
fn top_and_sort_select_rows() {
    let (folder, _) = results_with_runs(8);
    let out = Test::new(folder.path()).args(&["--top", "1", "--sort", "test_loss"]).success();
    assert!(out.contains("and 3 more settings") && out.contains("ranked by test loss"), "{out}");
}

#[test]
fn show_prints_all_of_a_run() {
    let (folder, ids) = results_with_runs(2);
    let out = Test::new(folder.path()).args(&["show", &ids[0].as_str()[..10]]).success();
    for part in
        [ids[0].as_str(), "batch", "█▄▂▁▁", "50.0000 %", "\\u{1b}[31mred", "name = \"sweep\""]
    {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn show_accepts_a_trial_id() {
    let (folder, ids) = results_with_runs(2);
    let trial = TrialId::of(&[("batch", "1"), ("seed", "1")]);
    let out = Test::new(folder.path()).args(&["show", trial.as_str()]).success();
    assert!(out.contains(ids[1].as_str()), "{out}");
}

#[test]
fn closed_pipe_is_not_an_error() {
    let (folder, _) = results_with_runs(400);
    let mut child = Command::new(env!("CARGO_BIN_EXE_report"))
        .args(["--format", "json", "--results"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn hyperparameters_can_be_texts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "wine".into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for (optimizer, f1) in [("adam", 0.8), ("sgd", 0.7)] {
        let header = RunHeader {
            trial: TrialId::of(&[("optimizer", optimizer)]),
            ..RunHeader::new("wine", Status::Finished)
        };
        let run = Run {
            params: vec![("optimizer".into(), Value::from(optimizer))],
            results: vec![("f1".into(), f1)],
            ..Run::new(header, SystemTime::now())
        };
        store.record(invocation, &run).unwrap();
    }
    let out = Test::new(folder.path()).success();
    assert!(out.contains("ranked by f1") && out.contains("adam        0.800   ★"), "{out}");
}

/// Run with `cargo test -p report --release --test cli -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_runs() {
    let (folder, _) = results_with_runs(10_000);
    let begun = Instant::now();
    Test::new(folder.path()).args(&["--top", "5"]).success();
    println!("report on 10,000 runs: {:?}", begun.elapsed());
}
