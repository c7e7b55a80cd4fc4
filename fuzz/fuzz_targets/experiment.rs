//! An experiment file is a plan, or an error that can be shown.
#![no_main]
#![allow(dead_code)]

// The runner is a program, not a library: its rooms, as they are.
#[path = "../../crates/runner/src/diagnostic.rs"]
mod diagnostic;
#[path = "../../crates/runner/src/document.rs"]
mod document;
#[path = "../../crates/runner/src/plan.rs"]
mod plan;
#[path = "../../crates/runner/src/range.rs"]
mod range;
#[path = "../../crates/runner/src/spec.rs"]
mod spec;

use data::{DatasetInfo, ImageShape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let spec = match spec::Spec::read(&path, &[]) {
        Ok(spec) => spec,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let shape = ImageShape { rows: 8, columns: 8 };
    let facts =
        DatasetInfo { sha256: "00".to_owned(), train_len: 1_000, test_len: 100, shape, classes: 10 };
    match plan::Plan::new(&spec, &facts) {
        Ok(plan) => assert!((1..=plan::LARGEST_PLAN).contains(&plan.trials.len())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
