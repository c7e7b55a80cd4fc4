//! An experiment file gives a plan or an error message, never a panic.
#![no_main]
#![allow(dead_code)]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;

use built_in::hyperparameters::BuiltIn;
use built_in::on_dataset::OnDataset;
use experiment::plan::Plan;
use experiment::spec::{Spec, Trained};
use program::code::Code;

// These modules are private to the runner, so this target compiles them.
#[path = "../../crates/runner/src/experiment"]
mod experiment {
    pub mod axis;
    pub mod command_template;
    pub mod data_section;
    pub mod diagnostic;
    pub mod exclude;
    pub mod file;
    pub mod learner;
    pub mod metrics;
    pub mod plan;
    pub mod program_learner;
    pub mod program_section;
    pub mod race;
    pub mod race_section;
    pub mod range;
    pub mod sample;
    pub mod sampler;
    pub mod section;
    pub mod space;
    pub mod spec;
    pub mod sweep_section;
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
    pub mod on_dataset;
}

#[path = "../../crates/runner/src/executor/program"]
mod program {
    pub mod code;
}

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let spec = match Spec::read(&path, &[], Arc::new(BuiltIn)) {
        Ok(spec) => spec,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let plan = match &spec.trained {
        Trained::BuiltIn(data) => Plan::new(&spec, &OnDataset::new("00", 1_000, data.validation)),
        // The files of the machine are not part of the input.
        Trained::Program(program) if !program.files.is_empty() => return,
        Trained::Program(program) => Plan::new(&spec, &Code::read(program).unwrap()),
    };
    match plan {
        Ok(plan) => assert!((1..=experiment::MAX_TRIALS).contains(&plan.trials.len())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
