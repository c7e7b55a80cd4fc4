//! Names on the command line: hyperparameters, metrics and columns, ids of trials, ids in their CSV
//! form, and folders whose names are not UTF-8.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::path::Path;
use std::time::SystemTime;

use command::Test;
use stores::sixty_three;
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

/// The headings of the first Markdown table.
fn headings(markdown: &str) -> Vec<String> {
    let header = markdown.lines().find(|line| line.starts_with('|')).unwrap();
    let headings = header.split('|').map(|heading| heading.trim().to_owned());
    headings.filter(|heading| !heading.is_empty()).collect()
}

#[test]
fn columns_can_be_typed_as_headings_show_them() {
    let folder = sixty_three();
    let report = |arguments: &[&str]| {
        headings(
            &Test::new(folder.path()).args(&["--format", "markdown"]).args(arguments).success(),
        )
    };
    for against in [&[][..], &["--against", "batch_size=16, decay=0"], &["--sort", "Test Loss"]] {
        let shown = report(against);
        assert!(shown.contains(&"batch_size".to_owned()), "{shown:?}");
        assert!(shown.contains(&"test accuracy".to_owned()), "{shown:?}");
        let typed = report(&[against, &["--columns", &shown.join(",")]].concat());
        assert_eq!(typed, shown);
    }
}

#[test]
fn options_accept_the_names_of_tables_and_sentences() {
    let folder = sixty_three();
    for (spelled, names) in [
        (&["--sort", "test loss"][..], &["--sort", "test_loss"][..]),
        (&["--sort", "Time"], &["--sort", "seconds"]),
        (&["--by", "Batch size"], &["--by", "batch_size"]),
        (&["--by", "decay", "--at", "best"], &["--by", "decay", "--at", "best"]),
        (&["--sort", "test loss", "--at", "best"], &["--sort", "test_loss", "--at", "best"]),
        (&["--maximize", "test loss"], &["--maximize", "test_loss"]),
        (&["--minimize", "train-accuracy"], &["--minimize", "train_accuracy"]),
        (&["--replicate", "batch size"], &["--replicate", "batch_size"]),
        (&["--against", "batch size=32, decay=0"], &["--against", "batch_size=32, decay=0"]),
        (
            &["--against", "batch_size=32, decay=0, learning rate=0.01"],
            &["--against", "batch_size=32, decay=0"],
        ),
        (&["--where", "batch size<=64 and time>0"], &["--where", "batch_size<=64 and seconds>0"]),
        (&["--where", "not (test accuracy>0.91)"], &["--where", "not (test_accuracy>0.91)"]),
    ] {
        let json = |arguments: &[&str]| {
            Test::new(folder.path()).args(&["--format", "json"]).args(arguments).success()
        };
        assert_eq!(json(spelled), json(names), "{spelled:?}");
    }
}

#[test]
fn every_option_suggests_the_nearest_name() {
    let folder = sixty_three();
    for (arguments, name) in [
        (["--by", "batch"], "batch_size"),
        (["--by", "lr"], "learning_rate"),
        (["--replicate", "sed"], "seed"),
        (["--sort", "test acuracy"], "test_accuracy"),
        (["--minimize", "test los"], "test_loss"),
        (["--maximize", "train_acc"], "train_accuracy"),
        (["--where", "batch<=64"], "batch_size"),
        (["--where", "test acuracy>0.5"], "test_accuracy"),
        (["--against", "batch=16, decay=0"], "batch_size"),
        (["--columns", "distance"], "distance_to_best"),
        (["--columns", "batch_size,intervall"], "interval"),
    ] {
        let err = Test::new(folder.path()).args(&arguments).failure();
        assert!(err.contains(&format!("did you mean '{name}'?")), "{arguments:?}: {err}");
    }
    for (arguments, name) in [
        (["--replicate", "batch"], "batch_size"),
        (["--minimize", "test los"], "test_loss"),
        (["--maximize", "train_acc"], "train_accuracy"),
    ] {
        let diff = ["diff", "batch_sweep", "batch_sweep"];
        let err = Test::new(folder.path()).args(&diff).args(&arguments).failure();
        assert!(err.contains(&format!("did you mean '{name}'?")), "{arguments:?}: {err}");
    }
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
