//! Names on the command line: ids of trials, ids in their CSV form, and folders whose names are not UTF-8.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;

use std::path::Path;
use std::time::SystemTime;

use command::Test;
use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

/// A trial id that spreadsheets read as a number.
const ID: &str = "96925006063373e7";

/// Records two trials each of the experiments `left` and `right`. They share one trial.
fn fill(results: &Path) {
    let mut store = Store::open(results).unwrap();
    for name in ["left", "right"] {
        let about = Experiment { name: name.into(), description: String::new() };
        let invocation = store.begin(&about, &Invocation::default()).unwrap();
        for (seed, trial) in [(0, ID.parse().unwrap()), (1, TrialId::of(&[("experiment", name)]))] {
            let header = RunHeader { trial, ..RunHeader::new(name, Status::Finished) };
            let run = Run {
                params: vec![
                    ("batch_size".into(), 16.into()),
                    ("seed".into(), Value::Integer(seed)),
                ],
                results: vec![("test_accuracy".into(), 0.9)],
                ..Run::new(header, SystemTime::UNIX_EPOCH)
            };
            store.record(invocation, &run).unwrap();
        }
    }
}

fn command(results: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("--results").arg(results).args(arguments);
    command
}

#[test]
fn ambiguous_id_lists_the_experiments() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    for arguments in
        [&["show", ID][..], &["show", "id-96925006"], &["diff", ID, "left"], &["diff", "left", ID]]
    {
        let err = Test::new(folder.path()).args(arguments).failure();
        for id in [format!("left/{ID}"), format!("right/{ID}")] {
            assert!(err.contains(&id), "{arguments:?}: {err}");
        }
    }
}

#[test]
fn every_command_accepts_ids_in_csv_form() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    command(folder.path(), &["export", "--format", "csv"]).assert().success();
    let runs = std::fs::read_to_string(folder.path().join("export/csv/runs.csv")).unwrap();
    let csv_id = format!("id-{ID}");
    assert!(runs.contains(&csv_id) && !runs.contains(&format!(",{ID}")), "{runs}");
    for id in [format!("left/{ID}"), format!("left/{csv_id}"), format!("left/{}", &csv_id[..8])] {
        let out = Test::new(folder.path()).args(&["show", &id]).success();
        assert!(out.contains(ID) && out.contains("left"), "{id}: {out}");
        Test::new(folder.path()).args(&["diff", &id, "right"]).success();
    }
    for id in [ID, csv_id.as_str(), &csv_id[..8]] {
        let condition = format!("trial={id}");
        let out = Test::new(folder.path()).args(&["-e", "right", "--where", &condition]).success();
        assert!(out.contains("· 1 run"), "{id}: {out}");
    }
}

/// Unix file names are arbitrary bytes.
#[cfg(unix)]
#[test]
fn commands_accept_folders_that_are_not_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"stra\xdfe"));
    let results = odd.join("results");
    // Some file systems reject names that are not UTF-8.
    if std::fs::create_dir(&odd).is_err() {
        return;
    }
    fill(&results);
    for arguments in
        [&[][..], &["html"], &["digest"], &["show", "left/96"], &["diff", "left", "right"]]
    {
        command(&results, arguments).assert().success();
    }
    assert!(results.join("report.html").is_file());
    let outputs: [(&[&str], &str); 6] = [
        (&["html", "-o"], "page.html"),
        (&["export", "--format", "csv", "-o"], "csv"),
        (&["export", "--format", "parquet", "-o"], "parquet"),
        (&["export", "--format", "json", "-o"], "all.json"),
        (&["export", "--to", "tensorboard"], "events"),
        (&["export", "--to", "mlflow"], "mlflow"),
    ];
    for (arguments, name) in outputs {
        command(&results, arguments).arg(odd.join(name)).assert().success();
        assert!(odd.join(name).exists(), "{arguments:?}");
    }
}
