//! Several writers and readers use one store at once.

use tracking::{DATABASE, Experiment, Reader, Store};

use crate::wine::{invocation, opened, run};

#[test]
fn concurrent_writers_lose_no_run() {
    let (folder, store, _) = opened();
    drop(store);
    let record = |seeds: std::ops::Range<i64>| {
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: "wine".into(), description: String::new() };
        let id = store.begin(&experiment, &invocation()).unwrap();
        for seed in seeds {
            store.record(id, &run(seed)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for first in [0, 50, 100, 150] {
            scope.spawn(move || record(first..first + 50));
        }
    });
    assert_eq!(Reader::open(folder.path()).unwrap().runs("wine").unwrap().len(), 200);
}

#[test]
fn reader_sees_a_consistent_snapshot() {
    let (folder, store, _) = opened();
    drop(store);
    let record = || {
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: "wine".into(), description: String::new() };
        let id = store.begin(&experiment, &invocation()).unwrap();
        for seed in 0..300 {
            store.record(id, &run(seed)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let writers = [scope.spawn(record), scope.spawn(record)];
        while writers.iter().any(|writer| !writer.is_finished()) {
            let reader = Reader::open(folder.path()).unwrap();
            let runs = reader.runs("wine").unwrap();
            let last = reader.last_values(&runs).unwrap();
            assert_eq!((last.len(), reader.integrity_issues()), (runs.len(), Vec::new()));
            runs.iter().take(3).for_each(|run| assert_eq!(reader.epochs(run).unwrap().len(), 5));
            assert!(reader.integrity_issues().is_empty(), "{:?}", reader.integrity_issues());
        }
    });
}

#[test]
fn database_file_alone_contains_all_runs() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(1)).unwrap();
    // While a reader is open, SQLite does not checkpoint the log when the last writer closes.
    let reader = Reader::open(folder.path()).unwrap();
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join(DATABASE), copy.path().join(DATABASE)).unwrap();
    assert_eq!(Reader::open(copy.path()).unwrap().runs("wine").unwrap().len(), 1);
    drop(reader);
}
