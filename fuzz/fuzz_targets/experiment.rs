//! An experiment file gives a plan or an error message, never a panic.
#![no_main]
#![allow(dead_code)]

use data::{DatasetInfo, ImageShape};
use libfuzzer_sys::fuzz_target;

use built_in::hyperparameters::BuiltIn;
use experiment::plan::Plan;
use experiment::spec::Spec;

// These modules are private to the runner, so this target compiles them.
#[path = "../../crates/runner/src/experiment"]
mod experiment {
    pub mod axis;
    pub mod diagnostic;
    pub mod file;
    pub mod learner;
    pub mod metrics;
    pub mod plan;
    pub mod range;
    pub mod section;
    pub mod spec;
    pub mod trial;
    pub mod validation;

    pub const MAX_TRIALS: usize = 100_000;
}

#[path = "../../crates/runner/src/metric.rs"]
mod metric;
#[path = "../../crates/runner/src/separator.rs"]
mod separator;

#[path = "../../crates/runner/src/executor/built_in"]
mod built_in {
    pub mod hyperparameters;
    mod metrics;
}

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let spec = match Spec::read(&path, &[], &BuiltIn) {
        Ok(spec) => spec,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let shape = ImageShape { rows: 8, columns: 8 };
    let dataset = DatasetInfo {
        sha256: "00".to_owned(),
        train_len: 1_000,
        test_len: 100,
        shape,
        classes: 10,
    };
    match Plan::new(&spec, &dataset, &BuiltIn) {
        Ok(plan) => assert!((1..=experiment::MAX_TRIALS).contains(&plan.trials.len())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
