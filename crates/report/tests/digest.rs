//! `report digest --results`: equal for two sweeps that computed the same results.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use command::Test;
use sha2::{Digest, Sha256};
use stores::{Filling, plausible};
use tempfile::TempDir;
use tracking::{
    Checkpoint, ClaimOptions, ClaimOutcome, EpochMetrics, Experiment, Invocation, Order, Process,
    Run, RunHeader, Status, Store, TrialId, Value,
};

/// The digest of the results of the only experiment in a folder.
fn digest(results: &Path) -> String {
    let out = Test::new(results).args(&["digest", "--results"]).success();
    let (digest, name) = out.trim_end().split_once("  ").unwrap();
    assert_eq!(name, "sweep");
    digest.to_owned()
}

/// A sweep of four trials.
fn sweep() -> Vec<Run> {
    let settings = [(16, 0), (16, 1), (32, 0), (32, 1)];
    settings.map(|(batch, seed)| plausible("sweep", batch, 0.0, seed)).to_vec()
}

fn weights_file(results: &Path, run: &Run) -> std::path::PathBuf {
    results.join("sweep/models").join(format!("{}.safetensors", run.trial))
}

/// Records runs in order, each with weights.
fn recorded(runs: &[Run]) -> TempDir {
    let mut filling = Filling::new("sweep", "");
    fs::create_dir_all(filling.folder.path().join("sweep/models")).unwrap();
    for run in runs {
        filling.record(run);
        let weights = format!("weights of {}", run.trial);
        fs::write(weights_file(filling.folder.path(), run), weights).unwrap();
    }
    filling.folder
}

/// Sets a metric of the last epoch.
fn set_metric(run: &mut Run, name: &str, value: f64) {
    let metrics = &mut run.epochs.last_mut().unwrap().metrics;
    metrics.iter_mut().find(|(known, _)| known == name).unwrap().1 = value;
}

#[test]
fn order_clock_host_and_times_do_not_change_the_digest() {
    let expected = digest(recorded(&sweep()).path());

    let mut runs = sweep();
    runs.reverse();
    for run in &mut runs {
        run.started_at += Duration::from_secs(86_400);
        run.engine = "autograd".into();
        run.dataset_path = Some("/elsewhere".into());
        set_metric(run, "seconds", 99.0);
        run.results.retain(|(name, _)| name != "seconds");
        run.results.push(("images_per_second".into(), 1e6));
        run.params.reverse();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let invocation = Invocation {
        jobs: 64,
        process: Process { host: "elsewhere".into(), ..Process::default() },
        ..Invocation::default()
    };
    let experiment = Experiment { name: "sweep".into(), description: "Again".into() };
    let invocation = store.begin(&experiment, &invocation).unwrap();
    fs::create_dir_all(folder.path().join("sweep/models")).unwrap();
    for run in &runs {
        let failed = run.clone().with(|run| {
            run.status = Status::Failed;
            run.results = Vec::new();
        });
        store.record(invocation, &failed).unwrap();
        store.record(invocation, run).unwrap();
        fs::write(weights_file(folder.path(), run), format!("weights of {}", run.trial)).unwrap();
    }
    assert_eq!(digest(folder.path()), expected);
}

#[test]
fn resume_after_kill_gives_equal_digest() {
    let run = plausible("sweep", 16, 0.0, 0);
    let mut uninterrupted = Filling::new("sweep", "");
    uninterrupted.record(&run);
    let expected = digest(uninterrupted.folder.path());

    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "sweep".into(), description: String::new() };
    let begun = run.clone().with(|run| {
        run.status = Status::Running;
        run.epochs = Vec::new();
        run.results = Vec::new();
        run.order = Order::Next;
    });
    let first = store.begin(&experiment, &Invocation::default()).unwrap();
    let transaction = store.transaction().unwrap();
    let claim = transaction.claim(first, &begun, ClaimOptions::default()).unwrap();
    let ClaimOutcome::Claimed(id, None) = claim else { unreachable!("{claim:?}") };
    let checkpoint = Checkpoint { epoch: 2, seconds: 0.1, model: vec![0] };
    transaction.record_epochs(&id, &run.epochs[..2], &checkpoint).unwrap();
    transaction.commit().unwrap();
    assert_ne!(digest(folder.path()), expected);

    let second = store.begin(&experiment, &Invocation::default()).unwrap();
    let transaction = store.transaction().unwrap();
    let terms = ClaimOptions { rerun: false, take_over: true };
    let claim = transaction.claim(second, &begun, terms).unwrap();
    let ClaimOutcome::Claimed(id, Some(_)) = claim else { unreachable!("{claim:?}") };
    transaction.end_run(&id, &Run { epochs: run.epochs[2..].to_vec(), ..run.clone() }).unwrap();
    transaction.commit().unwrap();
    assert_eq!(digest(folder.path()), expected);
}

#[test]
fn any_changed_result_changes_the_digest() {
    let expected = digest(recorded(&sweep()).path());
    type Change = (&'static str, fn(&mut Run));
    let changes: [Change; 10] = [
        ("metric", |run| set_metric(run, "val_loss", 0.125)),
        ("step", |run| run.epochs[0].step += 1),
        ("epochs", |run| run.epochs.truncate(4)),
        ("result", |run| run.results[3].1 += f64::EPSILON),
        ("missing result", |run| run.results.truncate(3)),
        ("status", |run| run.status = Status::Diverged),
        ("value", |run| run.params[2].1 = Value::Integer(64)),
        ("type", |run| run.params[2].1 = Value::Real(16.0)),
        ("dataset", |run| run.dataset_sha256 = "decaf".into()),
        ("validation", |run| run.validation = "0.1".into()),
    ];
    for (what, change) in changes {
        let mut runs = sweep();
        change(&mut runs[1]);
        assert_ne!(digest(recorded(&runs).path()), expected, "{what}");
    }
    assert_ne!(digest(recorded(&sweep()[1..]).path()), expected, "a missing trial");
}

#[test]
fn validation_that_is_not_stated_counts_as_the_test_set() {
    let mut runs = sweep();
    runs[1].validation = "".into();
    assert_eq!(digest(recorded(&runs).path()), digest(recorded(&sweep()).path()));
}

#[test]
fn changed_or_missing_weights_change_the_digest() {
    let folder = recorded(&sweep());
    let weights = weights_file(folder.path(), &sweep()[0]);
    let digests = [
        digest(folder.path()),
        {
            fs::write(&weights, "other weights").unwrap();
            digest(folder.path())
        },
        {
            fs::write(&weights, "").unwrap();
            digest(folder.path())
        },
        {
            fs::remove_file(&weights).unwrap();
            digest(folder.path())
        },
    ];
    let distinct: std::collections::HashSet<&String> = digests.iter().collect();
    assert_eq!(distinct.len(), 4, "{digests:?}");
}

#[test]
fn digest_is_the_hash_of_the_documented_bytes() {
    let header = RunHeader {
        trial: TrialId::of(&[("depth", "3")]),
        dataset_sha256: "c0ffee".into(),
        ..RunHeader::new("sweep", Status::Finished)
    };
    let run = Run {
        params: vec![("rate".into(), Value::Real(0.5)), ("depth".into(), Value::Integer(3))],
        epochs: vec![EpochMetrics {
            epoch: 1,
            step: 100,
            metrics: vec![("seconds".into(), 9.0), ("loss".into(), 0.25)],
        }],
        results: vec![("test_accuracy".into(), 0.75)],
        ..Run::new(header, SystemTime::now())
    };
    let number = |number: u64| number.to_le_bytes().to_vec();
    let text = |text: &str| [number(text.len() as u64), text.as_bytes().to_vec()].concat();
    let bytes = |weights: &[u8]| {
        let fields = [
            text("candle-sweep results 1"),
            text(run.trial.as_str()),
            text("c0ffee"),
            text("test"),
            text("finished"),
            number(2),
            [text("depth"), b"i".to_vec(), number(3)].concat(),
            [text("rate"), b"r".to_vec(), number(0x3fe0_0000_0000_0000)].concat(),
            number(1),
            [number(1), number(100), number(1), text("loss")].concat(),
            number(0x3fd0_0000_0000_0000),
            [number(1), text("test_accuracy"), number(0x3fe8_0000_0000_0000)].concat(),
            weights.to_vec(),
        ];
        fields.concat()
    };
    let sha256 = |bytes: &[u8]| {
        let hash = Sha256::digest(bytes);
        format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };

    let folder = recorded(std::slice::from_ref(&run));
    let file = Sha256::digest(fs::read(weights_file(folder.path(), &run)).unwrap());
    assert_eq!(digest(folder.path()), sha256(&bytes(&[&b"w"[..], &file].concat())));
    fs::remove_file(weights_file(folder.path(), &run)).unwrap();
    assert_eq!(digest(folder.path()), sha256(&bytes(b"a")));
}

#[test]
fn results_names_a_folder_or_asks_for_the_results() {
    let parent = tempfile::tempdir().unwrap();
    for (results, batch) in [("results", 16), ("a", 32)] {
        let mut store = Store::open(parent.path().join(results)).unwrap();
        for name in ["sweep", "other"] {
            let experiment = Experiment { name: name.into(), description: String::new() };
            let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
            store.record(invocation, &plausible(name, batch, 0.0, 0)).unwrap();
        }
    }
    let run = |arguments: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
        command.current_dir(&parent).args(arguments.split(' '));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{arguments}: {}", text(output.stderr));
        text(output.stdout)
    };
    let record = |results: &str| {
        let reader = tracking::Reader::open(&parent.path().join(results)).unwrap();
        format!("{}\n", reader.export(None, &mut ()).unwrap())
    };

    assert_eq!(run("digest"), record("results"));
    for arguments in
        ["-r a digest", "--results a digest", "digest -r a", "digest --results a", "digest -ra"]
    {
        assert_eq!(run(arguments), record("a"), "{arguments}");
    }

    let of_default = run("digest --results");
    let of_a = run("-r a digest --results");
    assert_ne!(of_a, of_default);
    for digests in [&of_default, &of_a] {
        let names: Vec<&str> = digests.lines().map(|line| &line["sha256:".len() + 64..]).collect();
        assert_eq!(names, ["  other", "  sweep"]);
    }
    let all = ["digest -r a --results", "digest --results -r a", "--results a digest --results"];
    for arguments in all {
        assert_eq!(run(arguments), of_a, "{arguments}");
    }
    let of_sweep = format!("{}\n", of_a.lines().nth(1).unwrap());
    for arguments in [
        "-r a digest --results sweep",
        "-r a digest --results -e sweep",
        "-r a digest sweep --results",
        "digest -r a sweep --results",
        "digest --results -r a sweep",
    ] {
        assert_eq!(run(arguments), of_sweep, "{arguments}");
    }
    assert_eq!(run("digest --results a sweep"), run("-r a digest -e sweep"));
}

#[test]
fn unknown_experiment_suggests_nearest() {
    let folder = recorded(&sweep());
    Test::new(folder.path())
        .args(&["digest", "--results", "swep"])
        .stderr("error: unknown experiment 'swep': expected one of sweep; did you mean 'sweep'?\n")
        .failure();
}
