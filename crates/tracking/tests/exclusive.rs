//! A store with a single writer, on a file system without reliable locks.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::SystemTime;

use tracking::{Experiment, Invocation, Reader, Run, RunHeader, Status, Store, TrialId};

/// A process that is killed during a transaction leaves a partly changed database and a journal
/// with the original content.
#[test]
fn reader_rolls_back_an_unfinished_transaction_in_a_copy() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = Store::open_exclusive(folder.path()).unwrap();
    let experiment = Experiment { name: "wine".into(), description: String::new() };
    let invocation =
        store.begin(&experiment, &Invocation { jobs: 1, ..Invocation::default() }).unwrap();
    for seed in 0..50 {
        let header = RunHeader {
            trial: TrialId::of(&[("seed", &seed.to_string())]),
            ..RunHeader::new("wine", Status::Finished)
        };
        let run = Run {
            params: vec![("seed".into(), seed.into())],
            results: vec![("test_accuracy".into(), 0.5)],
            ..Run::new(header, SystemTime::now())
        };
        store.record(invocation, &run).unwrap();
    }
    drop(store);
    let path = folder.path().join("tracking.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA cache_size = 1; BEGIN; UPDATE results SET value = 0.9; DELETE FROM params;",
        )
        .unwrap();
    let names = ["tracking.db", "tracking.db-journal"];
    for name in names {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let bytes = || names.map(|name| std::fs::read(copy.path().join(name)).unwrap());
    let before = bytes();
    assert_ne!(
        before[0],
        {
            connection.execute_batch("ROLLBACK").unwrap();
            std::fs::read(&path).unwrap()
        },
        "the copy contains a part of the transaction"
    );

    let reader = Reader::open(copy.path()).unwrap();
    let runs = reader.runs("wine").unwrap();
    assert_eq!(runs.len(), 50);
    assert!(
        runs.iter()
            .all(|run| run.result("test_accuracy") == Some(0.5) && run.param("seed").is_some())
    );
    assert_eq!(reader.integrity_issues(), []);
    assert_eq!(bytes(), before, "the reader does not change the files");
}
