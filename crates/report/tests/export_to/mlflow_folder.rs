//! Folders that MLflow opens.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tracking::Store;

use crate::results::{export, files, record, results_with};
use crate::stores::{outcome, plausible};

fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("mlflow.db")).unwrap()
}

/// Exports to a folder. Returns the text on standard error, and the database.
fn exported(results: &TempDir, folder: &Path) -> (String, Connection) {
    let err = export(results, "mlflow", folder, &[]);
    (err, open(folder))
}

/// The texts in the first column of a query.
fn texts(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn count(database: &Connection, rows: &str) -> i64 {
    database.query_row(&format!("SELECT count(*) FROM {rows}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn second_export_adds_nothing() {
    let (results, out) = (results_with(5), tempfile::tempdir().unwrap());
    let mut first = BTreeMap::new();
    for expected in ["5 runs added\n", "0 runs added, 5 unchanged\n"] {
        let (err, database) = exported(&results, out.path());
        assert!(err.starts_with(expected), "{err}");
        assert_eq!(count(&database, "experiments"), 1);
        assert_eq!(count(&database, "runs WHERE status = 'FINISHED'"), 5);
        assert_eq!(count(&database, "metrics"), 5 * 30);
        assert_eq!(count(&database, "latest_metrics"), 5 * 10);
        assert_eq!(count(&database, "params"), 5 * 4);
        let files = files(out.path());
        assert_eq!(files.len(), 1 + 5 * 2);
        assert!(first.is_empty() || files == first, "the second export changed a file");
        first = files;
    }
}

#[test]
fn interrupted_export_is_completed() {
    let (results, out) = (results_with(5), tempfile::tempdir().unwrap());
    let (_, database) = exported(&results, out.path());
    let sql = "DELETE FROM metrics WHERE step > 3; UPDATE runs SET status = 'RUNNING'";
    database.execute_batch(sql).unwrap();
    let (err, database) = exported(&results, out.path());
    assert!(err.starts_with("0 runs added, 5 completed\n"), "{err}");
    assert_eq!(count(&database, "metrics"), 5 * 30);
}

#[test]
fn other_database_is_rejected() {
    let (results, out) = (results_with(1), tempfile::tempdir().unwrap());
    drop(Store::open(out.path()).unwrap());
    fs::rename(out.path().join("tracking.db"), out.path().join("mlflow.db")).unwrap();
    let arguments = ["export", "--to", "mlflow", out.path().to_str().unwrap()];
    let (code, _, err) = outcome(results.path(), &arguments);
    assert!(code == 2 && err.contains("is not a database of MLflow"), "{err}");
}

#[test]
fn final_metrics_have_names_of_their_own() {
    let (results, out) = (results_with(0), tempfile::tempdir().unwrap());
    let mut run = plausible("batch_sweep", 16, 0.0, 0);
    for epoch in &mut run.epochs {
        epoch.metrics = vec![("loss".into(), 0.5), ("final_loss".into(), 0.25)];
    }
    run.results =
        vec![("loss".into(), 7.0), ("final_loss".into(), 8.0), ("final_final_loss".into(), 9.0)];
    run.params.push(("text".into(), "x".repeat(6_001).into()));
    record(&results, &run);
    let (err, database) = exported(&results, out.path());
    let note = "note: MLflow limits the value of a hyperparameter to 6000 characters: 'text' is \
                truncated there";
    assert!(err.contains(note), "{err}");
    let mut statement =
        database.prepare("SELECT key, value FROM metrics WHERE step = ?1 ORDER BY key").unwrap();
    let last = run.epochs.last().unwrap().epoch;
    let rows = statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let found: Vec<(String, f64)> = rows.map(Result::unwrap).collect();
    let expected = [
        ("final_final_final_final_loss", 7.0),
        ("final_final_final_loss", 8.0),
        ("final_final_loss", 9.0),
        ("final_loss", 0.25),
        ("loss", 0.5),
    ];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
}

/// Temporary files below a folder. Another process can change the folder meanwhile.
fn temporary_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |path: PathBuf| if path.is_dir() { temporary_files(&path) } else { vec![path] };
    let is_temporary = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".export-"))
    };
    entries.flat_map(|entry| below(entry.path())).filter(is_temporary).collect()
}

/// MLflow shows every file in the folder of a run.
#[test]
fn killed_export_leaves_no_temporary_file_in_runs() {
    let (results, out) = (results_with(2), tempfile::tempdir().unwrap());
    for entry in fs::read_dir(results.path().join("batch_sweep/models")).unwrap() {
        // The files are large, so that the export is killed while it writes one.
        fs::write(entry.unwrap().path(), vec![1; 50_000_000]).unwrap();
    }
    let (folder, other) = (out.path().join("mlflow"), out.path().join("other"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("-r").arg(results.path()).args(["export", "--to", "mlflow"]).arg(&folder);
    let mut child = command.spawn().unwrap();
    let is_large = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() > 1_000_000);
    while !temporary_files(&folder).iter().any(is_large) {
        assert!(child.try_wait().unwrap().is_none(), "the export ended before it wrote a file");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let leftovers = temporary_files(&folder);
    let is_outside_of_runs =
        |path: &PathBuf| path.parent().unwrap().ends_with("artifacts/batch_sweep");
    assert!(leftovers.iter().all(is_outside_of_runs), "{leftovers:?}");
    for folder in [&folder, &other] {
        assert!(export(&results, "mlflow", folder, &[]).starts_with("2 runs added\n"));
    }
    let artifacts = |folder: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let found = files(&folder.join("artifacts")).into_iter();
        found.map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
    };
    assert!(artifacts(&folder) == artifacts(&other), "{:?}", temporary_files(&folder));
}

#[test]
fn renamed_experiment_is_found_again() {
    let (results, out) = (results_with(2), tempfile::tempdir().unwrap());
    let (_, database) = exported(&results, out.path());
    // A user renames the experiment and gives its name to another one.
    let sql = "UPDATE experiments SET name = 'ours' WHERE name = 'batch_sweep';
               INSERT INTO experiments (name, artifact_location, lifecycle_stage)
               VALUES ('batch_sweep', 'file:///x', 'active')";
    database.execute_batch(sql).unwrap();
    let (err, database) = exported(&results, out.path());
    assert!(err.contains("0 runs added, 2 unchanged"), "{err}");
    let sql = "SELECT experiments.name FROM experiments JOIN runs USING (experiment_id)";
    assert_eq!(texts(&database, sql), ["ours", "ours"]);
}

#[test]
fn moved_folder_keeps_locations_on_a_server() {
    let (results, out) = (results_with(2), tempfile::tempdir().unwrap());
    let (folder, moved) = (out.path().join("folder"), out.path().join("moved"));
    let (_, database) = exported(&results, &folder);
    // A server keeps the files of one run, and this run is incomplete.
    let on_server = "mlflow-artifacts:/1/its/artifacts";
    let sql = "UPDATE runs SET artifact_uri = ?1 WHERE run_uuid = (SELECT min(run_uuid) FROM runs)";
    database.execute(sql, [on_server]).unwrap();
    let sql = "UPDATE tags SET value = 'another' WHERE key = 'candle_sweep.digest'
               AND run_uuid = (SELECT min(run_uuid) FROM runs)";
    database.execute(sql, []).unwrap();
    drop(database);
    fs::rename(&folder, &moved).unwrap();
    let (err, database) = exported(&results, &moved);
    assert!(err.contains("0 runs added, 1 completed, 1 unchanged"), "{err}");
    let note = "2 files not written: a server keeps the files of these runs at 'mlflow-artifacts:";
    assert!(err.contains(note), "{err}");
    let locations = texts(&database, "SELECT artifact_uri FROM runs ORDER BY run_uuid");
    assert_eq!(locations[0], on_server);
    let artifacts =
        format!("file://{}/artifacts/batch_sweep", moved.canonicalize().unwrap().display());
    assert!(locations[1].starts_with(&artifacts), "{locations:?}");
    let sql = "SELECT artifact_location FROM experiments WHERE name = 'batch_sweep'";
    assert_eq!(texts(&database, sql), [artifacts]);
}

#[test]
fn outdated_tags_are_deleted() {
    let (results, out) = (results_with(1), tempfile::tempdir().unwrap());
    let (_, database) = exported(&results, out.path());
    let sql = "INSERT INTO tags SELECT 'candle_sweep.error', 'stopped by a signal', run_uuid
               FROM runs;
               INSERT INTO tags SELECT 'mine', 'stays', run_uuid FROM runs;
               UPDATE tags SET value = 'another' WHERE key = 'candle_sweep.digest'";
    database.execute_batch(sql).unwrap();
    let (err, database) = exported(&results, out.path());
    assert!(err.contains("0 runs added, 1 completed"), "{err}");
    let sql = "SELECT key FROM tags
               WHERE key IN ('candle_sweep.error', 'candle_sweep.run', 'mine') ORDER BY key";
    assert_eq!(texts(&database, sql), ["candle_sweep.run", "mine"]);
}
