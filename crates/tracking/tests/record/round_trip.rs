//! An exported record restores the same store.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tracking::{
    Cell, DATABASE, JsonDocument, Reader, RecordError, RunId, Sink, Store, Table, read_csv,
    read_json,
};

use crate::rows::{Values, csv_of, digest, json_of, sample, store_of};

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn csv_and_json_restore_the_same_store(
        state in any::<u64>(),
        texts in prop::collection::vec(any::<String>(), 4),
        reals in prop::collection::vec(any::<f64>(), 4),
        integers in prop::collection::vec(any::<i64>(), 4),
    ) {
        let store = store_of(&Values::new(state, texts, reals, integers).rows());
        let before = digest(store.path());
        let (csv, json) = (csv_of(store.path()), json_of(store.path()));
        prop_assert!(!json.iter().any(|byte| *byte < b' ' && *byte != b'\n'), "no control characters");

        let (from_csv, from_json) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let read = Store::restore(from_csv.path(), |sink| read_csv(csv.path(), sink));
        prop_assert_eq!(read.unwrap(), before);
        let read = Store::restore(from_json.path(), |sink| read_json(json.as_slice(), "json", sink));
        prop_assert_eq!(read.unwrap(), before);
        for folder in [&from_csv, &from_json] {
            prop_assert_eq!(digest(folder.path()), before);
            prop_assert_eq!(files(csv_of(folder.path()).path()), files(csv.path()));
            prop_assert_eq!(&json_of(folder.path()), &json);
        }
    }
}

#[test]
fn partial_export_includes_referenced_rows() {
    let store = store_of(&sample());
    let wanted: HashSet<RunId> = ["0000000000000000".parse().unwrap()].into();
    let reader = Reader::open(store.path()).unwrap();
    let mut json = Vec::new();
    let mut document = JsonDocument::new(&mut json).unwrap();
    let digest = reader.export(Some(&wanted), &mut document).unwrap();
    document.finish(digest).unwrap();
    let target = tempfile::tempdir().unwrap();
    assert_eq!(
        Store::restore(target.path(), |sink| read_json(json.as_slice(), "-", sink)).unwrap(),
        digest
    );
    let restored = Reader::open(target.path()).unwrap();
    assert_eq!(restored.experiments().unwrap().len(), 1);
    assert_eq!(restored.all_runs("experiment-0").unwrap().len(), 1);
}

#[test]
fn migration_keeps_the_digest() {
    for schema in 1..=6 {
        let folder = tempfile::tempdir().unwrap();
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/schema-{schema}.db"));
        fs::copy(fixture, folder.path().join(DATABASE)).unwrap();
        let before = digest(folder.path());
        let csv = csv_of(folder.path());
        let target = tempfile::tempdir().unwrap();
        assert_eq!(
            Store::restore(target.path(), |sink| read_csv(csv.path(), sink)).unwrap(),
            before
        );
        drop(Store::open(folder.path()).unwrap());
        assert!(folder.path().join(format!("{DATABASE}.schema-{schema}")).exists());
        assert_eq!(digest(folder.path()), before, "schema {schema}");
    }
}

/// Records a run in the store when it receives the first row.
struct WriteOnce<'s> {
    folder: &'s Path,
    written: bool,
}

impl<'s> WriteOnce<'s> {
    fn new(folder: &'s Path) -> Self {
        Self { folder, written: false }
    }
}

impl Sink for WriteOnce<'_> {
    fn begin(&mut self, _: &'static Table) -> Result<(), RecordError> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> Result<(), RecordError> {
        if !std::mem::replace(&mut self.written, true) {
            Store::open(self.folder)?.start_run("wine", &[])?.finish(&[])?;
        }
        Ok(())
    }
}

/// If a store has no write-ahead log, a reader takes no lock. It checks after reading whether the
/// file has changed.
#[test]
fn write_during_an_unlocked_read_is_an_error() {
    let store = store_of(&sample());
    let reader = Reader::open(store.path()).unwrap();
    let error = reader.export(None, &mut WriteOnce::new(store.path())).unwrap_err();
    assert!(
        error.to_string().ends_with("changed while it was being read; run the same command again"),
        "{error}"
    );
}

/// With a write-ahead log, a reader sees the state at the time of opening.
#[test]
fn write_during_a_snapshot_read_is_not_exported() {
    let store = store_of(&sample());
    let writer = Store::open(store.path()).unwrap();
    let _run = writer.start_run("wine", &[("seed", 1.into())]).unwrap();
    let before = digest(store.path());
    let reader = Reader::open(store.path()).unwrap();
    assert_eq!(reader.export(None, &mut WriteOnce::new(store.path())).unwrap(), before);
    assert_ne!(digest(store.path()), before);
}
