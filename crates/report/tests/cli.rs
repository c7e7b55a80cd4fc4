//! The command as a user types it: what it prints where, and how it exits.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

use tempfile::TempDir;
use tracking::{
    EpochMetrics, Experiment, Invocation, Run, RunHeader, RunId, Status, Store, TrialId, Value,
};

fn report(results: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("--results").arg(results);
    command
}

/// Exit code, standard output, standard error.
fn outcome(results: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = report(results).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn a_run(batch: i64, seed: i64) -> Run {
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

/// A results folder of `count` runs, two seeds a batch size.
fn filled(count: i64) -> (TempDir, Vec<RunId>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "sweep".into(), description: "Batch sizes".into() };
    let provenance = Invocation {
        jobs: 1,
        process: tracking::Process { host: "\u{1b}[31mred".into(), ..tracking::Process::default() },
        experiment_file: Some("name = \"sweep\"".into()),
        ..Invocation::default()
    };
    let invocation = store.begin(&experiment, &provenance).unwrap();
    let ids = (0..count)
        .map(|index| store.record(invocation, &a_run(1 + index / 2, index % 2)).unwrap())
        .collect();
    (folder, ids)
}

#[test]
fn a_comparison_goes_to_standard_output() {
    let (folder, _) = filled(6);
    let (code, out, err) = outcome(folder.path(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with(
            "sweep · Batch sizes\nmnist · 2 seeds · 6 runs, none failed · ranked on the test set (optimistic)\n"
        ),
        "{out}"
    );
    assert_eq!(out.matches("%   ★").count(), 1, "{out}");
    assert!(!out.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn no_store_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    for results in [folder.path().to_owned(), folder.path().join("nowhere")] {
        let (code, out, err) = outcome(&results, &[]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(
            err.starts_with("error: no results in") && err.contains("cargo run -p runner -- -r "),
            "{err}"
        );
        assert!(!results.join("tracking.db").exists(), "a reader makes nothing");
    }
}

#[test]
fn a_store_without_runs_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let (code, out, err) = outcome(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("no runs in") && err.contains("cargo run -p runner"), "{err}");
    assert_eq!(outcome(folder.path(), &["--format", "json"]).1, "[]\n");
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("tracking.db"),
        "not a database at all, but long enough to look at".repeat(40),
    )
    .unwrap();
    let (code, _, err) = outcome(folder.path(), &[]);
    assert_eq!(code, 2);
    assert!(err.contains("is not a store of candle-sweep"), "{err}");
}

#[test]
fn wrong_requests_name_the_nearest_right_one() {
    let (folder, _) = filled(2);
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
        (&["--where", "(seed=1 or batch_size=2"], "^ expected a ) after this"),
        (&["--where", "not (seed=1 or batchsize=2)"], "^^^^^^^^^ did you mean 'batch_size'?"),
        (&["--where", "started_at>tomorrow"], "^^^^^^^^ expected a form such as 2026-11-24"),
        (&["--where", ""], "the condition is empty"),
        (&["show", "zzzz"], "no run and no trial id starts with 'zzzz'"),
        (&["show", ""], "no run and no trial id starts with ''"),
        (&["--top", "0"], "0 is not in 1.."),
        (&["--format", "xml"], "possible values: table, markdown, csv, json"),
        (&["--where", "\u{1b}[2J=1"], "unknown key '\\u{1b}[2J'"),
    ] {
        let (code, out, err) = outcome(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(hint), "{arguments:?}: {err}");
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
}

#[test]
fn conditions_choose_runs() {
    let (folder, ids) = filled(8);
    let runs = |conditions: &[&str]| {
        let arguments: Vec<&str> =
            conditions.iter().flat_map(|it| ["--where", it]).chain(["--format", "json"]).collect();
        let (code, out, err) = outcome(folder.path(), &arguments);
        assert_eq!(code, 0, "{err}");
        let tables: serde_json::Value = serde_json::from_str(&out).unwrap();
        tables.as_array().unwrap().iter().map(|table| table["runs"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(runs(&["batch_size<=2"]), 4);
    assert_eq!(runs(&["batch_size<=2", "seed=1"]), 2);
    assert_eq!(runs(&["batch_size != 2.0"]), 6);
    assert_eq!(runs(&["test_loss > 0.4"]), 1);
    assert_eq!(runs(&["status=finished"]), 8);
    assert_eq!(runs(&["status!=finished"]), 0);
    assert_eq!(runs(&["dataset='mnist'"]), 8);
    assert_eq!(runs(&["batch_size=1 or batch_size=3 and seed=1"]), 3);
    assert_eq!(runs(&["not (batch_size=1 or seed=1)", "test_loss<0.3"]), 2);
    let today = &tracking::timestamp(SystemTime::now())[..4];
    assert_eq!(runs(&[&format!("started_at>={today}"), "ended_at>2000-01-01"]), 8);
    assert_eq!(runs(&[&format!("run={}", &ids[0].as_str()[..12])]), 1);
}

#[test]
fn top_and_sort_choose_rows() {
    let (folder, _) = filled(8);
    let (_, out, _) = outcome(folder.path(), &["--top", "1", "--sort", "test_loss"]);
    assert!(out.contains("and 3 more settings") && out.contains("ranked by test loss"), "{out}");
}

#[test]
fn show_tells_all_of_a_run() {
    let (folder, ids) = filled(2);
    let (code, out, err) = outcome(folder.path(), &["show", &ids[0].as_str()[..10]]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in
        [ids[0].as_str(), "batch", "99", "█▄▂▁▁", "50.0000 %", "\\u{1b}[31mred", "name = \"sweep\""]
    {
        assert!(part == "99" || out.contains(part), "{part} in {out}");
    }
    let trial = TrialId::of(&[("batch", "1"), ("seed", "1")]);
    let (code, out, _) = outcome(folder.path(), &["show", trial.as_str()]);
    assert!(code == 0 && out.contains(ids[1].as_str()), "a trial id leads to its run");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let (folder, _) = filled(400);
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

/// Run with `cargo test -p report --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_runs() {
    let (folder, _) = filled(10_000);
    let begun = Instant::now();
    let (code, _, _) = outcome(folder.path(), &["--top", "5"]);
    assert_eq!(code, 0);
    println!("report on 10,000 runs: {:?}", begun.elapsed());
}

#[test]
fn values_of_other_programs_are_values() {
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
    let (code, out, _) = outcome(folder.path(), &[]);
    assert_eq!(code, 0);
    assert!(out.contains("ranked by f1") && out.contains("adam        0.800   ★"), "{out}");
}
