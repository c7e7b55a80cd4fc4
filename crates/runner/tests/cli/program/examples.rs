//! The programs in `examples/programs`.

use std::fs;
use std::path::Path;

use crate::common::{Results, Sweep};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/programs");

/// A copy of the files of an example.
fn example(name: &str) -> Sweep {
    let sweep = Sweep::empty();
    for file in fs::read_dir(Path::new(EXAMPLES).join(name)).unwrap() {
        let file = file.unwrap();
        sweep.write(file.file_name().to_str().unwrap(), fs::read(file.path()).unwrap());
    }
    sweep
}

fn finished(results: &Results) -> i64 {
    results.count("runs WHERE status = 'finished'")
}

#[test]
fn shell_example_finishes() {
    let sweep = example("shell");
    sweep.runner("sine.toml -q --set sweep.seed=[0,1]").success();
    assert_eq!(finished(&sweep.results()), 26);
    let test_errors = "SELECT min(value) FROM results WHERE name = 'test_rmse'";
    let best: f64 = sweep.results().query(test_errors);
    assert!((0.1..0.2).contains(&best), "{best}");
}

#[test]
fn rust_example_finishes() {
    let sweep = example("rust");
    let compiled = std::process::Command::new("rustc")
        .args(["-O", "train.rs"])
        .current_dir(sweep.path(""))
        .status();
    assert!(compiled.unwrap().success());
    sweep.runner("ring.toml -q --set sweep.seed=[0]").success();
    assert_eq!(finished(&sweep.results()), 6);
}

#[test]
fn examples_that_need_packages_can_be_planned() {
    for (name, file) in [("sklearn", "wine.toml"), ("pytorch", "two_spirals.toml")] {
        example(name).runner(&format!("{file} --plan")).success().stdout_contains("to run");
    }
}
