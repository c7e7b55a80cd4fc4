//! Opening a store: existing stores, older schemas and files of other programs.

use std::path::Path;

use rusqlite::Connection;
use tracking::{DATABASE, Experiment, Reader, Run, RunId, Store, StoreError};

use crate::wine::{invocation, opened, run};

#[test]
fn reopening_a_store_keeps_its_runs() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(0)).unwrap();
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "wine".into(), description: "Another description".into() };
    store.begin(&experiment, &invocation()).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.experiments().unwrap(), [experiment]);
    assert_eq!(reader.runs("wine").unwrap().len(), 1);
}

/// Returns the error of opening the store. Opening must not change its file.
fn open_error(folder: &Path) -> StoreError {
    let path = folder.join(DATABASE);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder).unwrap_err();
    assert!(Reader::open(folder).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before, "the rejected file is unchanged");
    error
}

#[test]
fn foreign_and_newer_databases_are_rejected_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE);
    std::fs::write(&path, "a shopping list ".repeat(100)).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(&error, StoreError::NotAStore { .. }), "{error}");
    assert!(error.to_string().contains("move the file, or choose another folder"), "{error}");

    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE shopping (item TEXT)").unwrap();
    let error = open_error(folder.path());
    assert!(error.to_string().contains("an SQLite database of another program"), "{error}");

    std::fs::remove_file(&path).unwrap();
    drop(Store::open(folder.path()).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    let error = open_error(folder.path());
    assert!(matches!(error, StoreError::NewerSchema { found: 1000, .. }), "{error}");
}

#[test]
fn results_path_that_is_a_file_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results");
    std::fs::write(&file, "text").unwrap();
    let error = Store::open(&file).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("cannot use the results folder"), "{error}");
    assert!(error.contains(": it is a file"), "{error}");
    assert!(matches!(Store::open(file.join("below")), Err(StoreError::Folder { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "text");
}

#[test]
fn reader_creates_no_files() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(StoreError::NoStore { .. })));
    std::fs::write(folder.path().join(DATABASE), "").unwrap();
    assert!(
        matches!(Reader::open(folder.path()), Err(StoreError::NoStore { .. })),
        "an empty file is not a store"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::metadata(folder.path().join(DATABASE)).unwrap().len(), 0);
}

/// Creates a store of version 0.1.0 with one run.
fn first_schema(folder: &Path) {
    let store = Connection::open(folder.join(DATABASE)).unwrap();
    store.execute_batch(include_str!("../../src/store/schema_1.sql")).unwrap();
    store.execute_batch("PRAGMA application_id = 0x63737770; PRAGMA user_version = 1;").unwrap();
    store
        .execute_batch(
            "INSERT INTO experiments VALUES ('wine', '');
             INSERT INTO invocations (id, experiment, started_at, program_version, cpu, instruction_set, host, os, jobs,
               command_line, pid) VALUES (1, 'wine', '', '0.1.0', '', '', '', '', 1, '', 1);
             INSERT INTO runs (id, experiment, trial_id, status, dataset, dataset_sha256, validation, engine, device,
               started_at, invocation) VALUES ('00000000000000aa', 'wine', '00000000000000bb', 'finished', 'mnist', '', 'test', 'autograd', 'cpu', '', 1);
             INSERT INTO results VALUES ('00000000000000aa', 'test_loss', 0.5);",
        )
        .unwrap();
}

#[test]
fn first_schema_is_readable_and_migrates_on_write() {
    let folder = tempfile::tempdir().unwrap();
    first_schema(folder.path());
    let old = Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    assert_eq!((old.len(), old[0].result("test_loss"), &old[0].shared_from), (1, Some(0.5), &None));
    assert_eq!(Reader::open(folder.path()).unwrap().error_analysis(&old[0]).unwrap(), None);

    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.runs("wine").unwrap(), old);
    let experiment = Experiment { name: "wine".into(), description: String::new() };
    let id = store.begin(&experiment, &invocation()).unwrap();
    let source = RunId::random().unwrap();
    let shared =
        store.record(id, &run(1).with(|run| run.shared_from = Some(source.clone()))).unwrap();
    assert_eq!(store.record(id, &Run { id: Some(source.clone()), ..run(2) }).unwrap(), source);
    let found = Reader::open(folder.path()).unwrap().find(shared.as_str()).unwrap();
    assert_eq!(found.shared_from, Some(source.clone()));
    let sql = "SELECT shared_from FROM run_table WHERE run = ?1";
    let store = Connection::open(folder.path().join(DATABASE)).unwrap();
    assert_eq!(
        store.query_row(sql, [shared.as_str()], |row| row.get::<_, String>(0)).unwrap(),
        source.as_str()
    );
}

#[test]
fn sixth_schema_gets_a_view_with_validation_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE);
    std::fs::write(&path, include_bytes!("../stores/schema-6.db")).unwrap();
    let before = Reader::open(folder.path()).unwrap().runs("smoke").unwrap();
    assert_eq!(before.len(), 2);
    assert_eq!(Store::open(folder.path()).unwrap().runs("smoke").unwrap(), before);
    let sql = "SELECT count(*) FROM run_table JOIN metrics ON run_id = run AND value = val_accuracy
               WHERE name = 'val_accuracy' AND epoch = 3 AND val_loss > 0 AND test_accuracy > 0";
    let store = Connection::open(path).unwrap();
    assert_eq!(store.query_row(sql, [], |row| row.get(0)), Ok(2));
}
