//! A database that is no store of ours, or was one, is an error or is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracking::{DATABASE, Reader, Store};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DATABASE), bytes).unwrap();
    if let Ok(reader) = Reader::open(folder.path()) {
        for experiment in reader.experiments().unwrap_or_default() {
            let runs = reader.runs(&experiment.name).unwrap_or_default();
            let _ = reader.last_epoch(&runs, "val_loss");
            for run in &runs {
                let _ = (
                    reader.epochs(run),
                    reader.error_analysis(run),
                    reader.invocation(run),
                    reader.find(run.id.as_str()),
                );
            }
        }
    }
    if let Ok(store) = Store::open(folder.path()) {
        for experiment in store.experiments().unwrap_or_default() {
            let _ = (store.completed_trials(&experiment.name), store.export_csv(&experiment.name));
        }
    }
    // Whatever it says, it makes files nowhere else.
    let outside = folder.path().parent().unwrap().join("runs.csv");
    assert!(!outside.exists());
});
