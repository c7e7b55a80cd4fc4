//! Live runs: a training loop starts a run, logs epochs and ends it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod concurrency;
mod logging;
mod trials;

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracking::{Reader, RecordedRun, Store};

/// Opens a new store.
fn opened() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// Returns all runs of `wine` and checks that the store is intact.
fn all(folder: &Path) -> Vec<RecordedRun> {
    let reader = Reader::open(folder).unwrap();
    let runs = reader.all_runs("wine").unwrap();
    for run in &runs {
        assert!(run.is_intact());
        reader.epochs(run).unwrap();
    }
    reader.runs("wine").unwrap();
    assert_eq!(reader.integrity_issues(), []);
    runs
}

/// Waits until the first run of `wine` has committed `epoch`.
fn wait_for_epoch(folder: &Path, epoch: u32) {
    let start = Instant::now();
    while all(folder)[0].last_epoch < epoch {
        assert!(start.elapsed() < Duration::from_secs(10), "epoch {epoch} was not committed");
        std::thread::sleep(Duration::from_millis(5));
    }
}
