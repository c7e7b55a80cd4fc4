//! Results folders for the tests, and their export.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tracking::{Experiment, Invocation, Run, Store};

use crate::stores::{Filling, outcome, plausible};

/// A results folder with `count` runs of two batch sizes, with weights.
pub fn results_with(count: i64) -> TempDir {
    let mut filling = Filling::new("batch_sweep", "Batch sizes");
    for number in 0..count {
        let run = plausible("batch_sweep", 16 << (number % 2), 0.0, number / 2);
        let models = filling.folder.path().join("batch_sweep/models");
        fs::create_dir_all(&models).unwrap();
        fs::write(models.join(format!("{}.safetensors", run.trial)), run.trial.as_str()).unwrap();
        filling.record(&run);
    }
    filling.folder
}

/// Adds a run to the store of a results folder.
pub fn record(results: &TempDir, run: &Run) {
    let mut store = Store::open(results.path()).unwrap();
    let experiment = Experiment { name: "batch_sweep".into(), description: "Batch sizes".into() };
    let invocation = store.begin(&experiment, &Invocation::current()).unwrap();
    store.record(invocation, run).unwrap();
}

/// All files below a folder, with their content.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Exports successfully to a folder, and returns the text on standard error.
pub fn export(results: &TempDir, tool: &str, folder: &Path, more: &[&str]) -> String {
    let arguments = [&["export", "--to", tool, folder.to_str().unwrap()], more].concat();
    let (code, out, err) = outcome(results.path(), &arguments);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    err
}
