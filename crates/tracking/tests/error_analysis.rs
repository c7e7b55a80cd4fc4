//! The error analysis of a run: reading, merging, deleting and detecting changes.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod wine;

use rusqlite::Connection;
use tempfile::TempDir;
use tracking::{DATABASE, Reader, RunId, Store};

use wine::{error_analysis, opened, run};

#[test]
fn third_schema_has_runs_without_error_analysis() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = include_bytes!("stores/schema-3.db");
    std::fs::write(folder.path().join(DATABASE), bytes).unwrap();
    let check = |schema: i64| {
        let reader = Reader::open(folder.path()).unwrap();
        let runs = reader.runs("smoke").unwrap();
        assert_eq!(runs.len(), 8);
        assert!(
            runs.iter().all(|run| run.is_intact() && reader.error_analysis(run).unwrap().is_none())
        );
        assert_eq!(
            (reader.integrity_issues(), reader.completed_trials("smoke").unwrap().len()),
            (Vec::new(), 8)
        );
        let store = Connection::open(folder.path().join(DATABASE)).unwrap();
        assert_eq!(store.query_row("PRAGMA user_version", [], |row| row.get(0)), Ok(schema));
    };
    check(3);
    drop(Store::open(folder.path()).unwrap());
    check(8);
    assert_eq!(
        std::fs::read(folder.path().join(format!("{DATABASE}.schema-3"))).unwrap().len(),
        bytes.len()
    );
}

#[test]
fn confusion_matrix_is_a_view_in_the_database() {
    let (folder, mut store, id) = opened();
    let run = store.record(id, &run(1)).unwrap();
    let store = Connection::open(folder.path().join(DATABASE)).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let mut statement =
        store.prepare("SELECT label, predicted, count FROM confusion WHERE run_id = ?1").unwrap();
    let cells: Vec<(u32, u32, i64)> =
        statement.query_map([run.as_str()], row).unwrap().map(Result::unwrap).collect();
    assert_eq!(cells, [(0, 0, 40), (1, 0, 3), (1, 1, 57)]);
}

/// Changes by hand or by a malicious program.
const CHANGES: [&str; 25] = [
    "DELETE FROM examples",
    "DELETE FROM mistakes WHERE rank = 3",
    "UPDATE runs SET examples_checksum = NULL",
    "UPDATE examples SET classes = 0",
    "UPDATE examples SET classes = 3",
    "UPDATE examples SET classes = 9223372036854775807",
    "UPDATE examples SET rows = -1",
    "UPDATE examples SET rows = 4294967295, columns = 4294967295",
    "UPDATE examples SET left_out = -1",
    "UPDATE examples SET confusion = replace(confusion, '57', '58')",
    "UPDATE examples SET confusion = replace(confusion, '57', '18446744073709551615')",
    "UPDATE examples SET confusion = replace(confusion, '57', '-1')",
    "UPDATE examples SET confusion = '[[0,0,9223372036854775807],[1,1,9223372036854775807]]'",
    "UPDATE examples SET confusion = '[[7,0,1]]'",
    "UPDATE examples SET confusion = 'nothing'",
    "UPDATE examples SET confusion = replace(hex(zeroblob(100000)), '0', '[')",
    "UPDATE examples SET confusion = CAST(x'ff00ff' AS TEXT)",
    "UPDATE mistakes SET label = 2",
    "UPDATE mistakes SET example = -1",
    "UPDATE mistakes SET probability = 2.0",
    "UPDATE mistakes SET probability = 9e999",
    "UPDATE mistakes SET picture = zeroblob(30000000)",
    "UPDATE mistakes SET picture = CAST('<svg onload=alert(1)>' AS BLOB)",
    "UPDATE mistakes SET rank = -rank",
    "INSERT INTO mistakes SELECT run_id, rank + 10 * value, example, label, predicted, probability, picture
       FROM mistakes, json_each('[1, 2, 3, 4]')",
];

#[test]
fn changed_error_analysis_is_omitted_and_reported() {
    for change in CHANGES {
        let (folder, mut store, id) = opened();
        store.record(id, &run(1)).unwrap();
        drop(store);
        let database = Connection::open(folder.path().join(DATABASE)).unwrap();
        assert!(database.execute(change, []).unwrap() > 0, "{change}");
        drop(database);
        let reader = Reader::open(folder.path()).unwrap();
        let runs = reader.runs("wine").unwrap();
        assert!(
            reader.integrity_issues().is_empty()
                && reader.completed_trials("wine").unwrap().len() == 1,
            "{change}"
        );
        assert_eq!(reader.error_analysis(&runs[0]).unwrap(), None, "{change}");
        let [issue] = &reader.integrity_issues()[..] else {
            panic!("{change}: {:?}", reader.integrity_issues())
        };
        assert!(
            issue.to_string().contains("the confusion matrix or the mistakes of run"),
            "{change}: {issue}"
        );
    }
}

#[test]
fn tables_with_other_columns_are_omitted() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(1)).unwrap();
    drop(store);
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database
        .execute_batch(
            "DROP VIEW confusion; DROP TABLE examples;
             CREATE TABLE examples AS SELECT id AS run_id, 'two' AS classes, x'00' AS rows, NULL AS columns, 1.5 AS confusion,
               'none' AS left_out FROM runs;",
        )
        .unwrap();
    drop(database);
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.error_analysis(&reader.runs("wine").unwrap()[0]).unwrap(), None);
    assert_eq!(reader.integrity_issues().len(), 1);
}

#[test]
fn error_analysis_is_merged_and_deleted_with_its_run() {
    let (folder, mut store, id) = opened();
    let runs: Vec<RunId> = (0..3).map(|seed| store.record(id, &run(seed)).unwrap()).collect();
    let count = |folder: &TempDir, table: &str| -> i64 {
        let store = Connection::open(folder.path().join(DATABASE)).unwrap();
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let sql = format!("UPDATE mistakes SET label = 0, predicted = 1 WHERE run_id = '{}'", runs[2]);
    Connection::open(folder.path().join(DATABASE)).unwrap().execute(&sql, []).unwrap();
    drop(store);
    for exact in [false, true] {
        let target = tempfile::tempdir().unwrap();
        let mut merged = Store::open(target.path()).unwrap();
        for added in [3, 0] {
            let source = Reader::open(folder.path()).unwrap();
            let report = merged.merge(&source, &|_| true, exact, &mut |_| Ok(())).unwrap();
            assert_eq!(
                (report.added.len(), source.integrity_issues().len()),
                (added, usize::from(added > 0))
            );
        }
        let found: Vec<_> = runs
            .iter()
            .map(|run| merged.error_analysis(&merged.find(run.as_str()).unwrap()).unwrap())
            .collect();
        assert_eq!(found, [Some(error_analysis()), Some(error_analysis()), None]);
        assert_eq!(merged.integrity_issues().len(), 1, "merging does not hide the change");
        assert_eq!(merged.completed_trials("wine").unwrap().len(), 3);
        merged.delete_runs(&runs[..1]).unwrap();
        merged.compact().unwrap();
        drop(merged);
        assert_eq!((count(&target, "examples"), count(&target, "mistakes")), (1, 3));
    }
}
