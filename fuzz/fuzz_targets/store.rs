//! A foreign or damaged database gives an error or readable runs, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracking::{DATABASE, Reader, Store};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DATABASE), bytes).unwrap();
    if let Ok(reader) = Reader::open(folder.path()) {
        for experiment in reader.experiments().unwrap_or_default() {
            let runs = reader.runs(&experiment.name).unwrap_or_default();
            let _ = reader.last_values(&runs);
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
    // The content of the database cannot create files outside the folder.
    let outside = folder.path().parent().unwrap().join("runs.csv");
    assert!(!outside.exists());
});
