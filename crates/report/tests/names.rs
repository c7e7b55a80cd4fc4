//! What people call things by: ids of trials, ids as CSV files have them, folders whose names are no UTF-8.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

use tracking::{Experiment, Invocation, Run, Status, Store, TrialId, Value};

/// The id of a trial, which a spreadsheet takes for a number.
const ID: &str = "96925006063373e7";

/// Two trials of the experiment `left` and two of `right`, one of which is the same.
fn fill(results: &Path) {
    let mut store = Store::open(results).unwrap();
    for name in ["left", "right"] {
        let about = Experiment { name: name.into(), description: String::new() };
        let invocation = store.begin(&about, &Invocation::default()).unwrap();
        for (seed, trial) in [(0, ID.parse().unwrap()), (1, TrialId::of(&[("experiment", name)]))] {
            let run = Run {
                trial,
                params: vec![("batch_size".into(), 16.into()), ("seed".into(), Value::Integer(seed))],
                results: vec![("test_accuracy".into(), 0.9)],
                ..Run::new(name, Status::Finished, SystemTime::UNIX_EPOCH)
            };
            store.record(invocation, &run).unwrap();
        }
    }
}

/// Exit code, and all that is printed.
fn report(results: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let output = command.arg("--results").arg(results).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn an_id_of_two_experiments_lists_them() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    for request in [&["show", ID][..], &["show", "id-96925006"], &["diff", ID, "left"], &["diff", "left", ID]] {
        let (code, said) = report(folder.path(), request);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("left/{ID}")) && said.contains(&format!("right/{ID}")), "{request:?}: {said}");
    }
}

#[test]
fn an_id_as_the_csv_file_has_it_is_accepted_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let csv = folder.path().join("csv");
    assert_eq!(report(folder.path(), &["export", "--format", "csv", "-o", csv.to_str().unwrap()]).0, 0);
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
        let (code, said) = report(folder.path(), &["-e", "right", "--where", &format!("trial={id}")]);
        assert!(code == 0 && said.contains("· 1 run"), "{id}: {said}");
    }
}

/// Names of files are bytes on Unix.
#[cfg(unix)]
#[test]
fn folders_whose_names_are_not_utf8_are_folders() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"stra\xdfe"));
    let results = odd.join("results");
    // The file system may not want such names.
    if std::fs::create_dir(&odd).is_err() {
        return;
    }
    fill(&results);
    for request in [&[][..], &["html"], &["digest"], &["show", "left/96"], &["diff", "left", "right"]] {
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
