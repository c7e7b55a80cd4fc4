//! Names on the command line: trial ids, ids in their CSV form, and folders whose names are not UTF-8.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

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

/// Runs `report` and returns its exit code and its output.
fn report(results: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let output = command.arg("--results").arg(results).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn ambiguous_id_lists_the_experiments() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    for request in
        [&["show", ID][..], &["show", "id-96925006"], &["diff", ID, "left"], &["diff", "left", ID]]
    {
        let (code, said) = report(folder.path(), request);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains(&format!("left/{ID}")) && said.contains(&format!("right/{ID}")),
            "{request:?}: {said}"
        );
    }
}

#[test]
fn every_command_accepts_ids_in_csv_form() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let csv = folder.path().join("csv");
    assert_eq!(
        report(folder.path(), &["export", "--format", "csv", "-o", csv.to_str().unwrap()]).0,
        0
    );
    let runs = std::fs::read_to_string(csv.join("runs.csv")).unwrap();
    let marked = format!("id-{ID}");
    assert!(runs.contains(&marked) && !runs.contains(&format!(",{ID}")), "{runs}");
    for id in [format!("left/{ID}"), format!("left/{marked}"), format!("left/{}", &marked[..8])] {
        let (code, said) = report(folder.path(), &["show", &id]);
        assert!(code == 0 && said.contains(ID) && said.contains("left"), "{id}: {said}");
        let (code, said) = report(folder.path(), &["diff", &id, "right"]);
        assert_eq!(code, 0, "{said}");
    }
    for id in [ID, marked.as_str(), &marked[..8]] {
        let (code, said) =
            report(folder.path(), &["-e", "right", "--where", &format!("trial={id}")]);
        assert!(code == 0 && said.contains("· 1 run"), "{id}: {said}");
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
    for request in
        [&[][..], &["html"], &["digest"], &["show", "left/96"], &["diff", "left", "right"]]
    {
        let (code, said) = report(&results, request);
        assert_eq!(code, 0, "{request:?}: {said}");
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
    for (request, name) in outputs {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
        command.arg("--results").arg(&results).args(request).arg(odd.join(name)).assert().success();
        assert!(odd.join(name).exists(), "{request:?}");
    }
}
