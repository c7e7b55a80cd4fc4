//! `runner predict`: the class probabilities of an example.

use crate::common::{FOUR_TRIALS, Sweep};

#[test]
fn predict_shows_probabilities_and_the_true_label() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.runner("small.toml -q").success();
    let trial = sweep.results().first_trial();
    let shown = sweep.runner(&format!("predict {} --index 0", &trial[..12])).success();
    let shown = shown.stdout_contains("true label").stdout;
    let probabilities: Vec<f64> = shown
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.parse().ok())
        .filter(|probability| *probability <= 1.0)
        .collect();
    assert_eq!(probabilities.len(), 10, "{shown}");
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{shown}");
    let narrow = sweep.runner(&format!("predict {trial} --index 0")).env("COLUMNS", "60").success();
    assert!(narrow.stdout.lines().all(|line| line.chars().count() <= 60), "{}", narrow.stdout);
}

#[test]
fn predict_rejects_unknown_examples_and_trials() {
    let sweep = Sweep::finished();
    let trial = sweep.results().first_trial();
    sweep
        .runner(&format!("predict {trial} --index 360"))
        .exits(2)
        .stderr_contains("test has no example 360: expected 0 to 359");
    sweep
        .runner("predict ffffffffffffffff --index 0")
        .exits(2)
        .stderr_is("error: no run or trial id starts with 'ffffffffffffffff'\n");
}

#[test]
fn predict_takes_one_id_as_argument_or_as_option() {
    let sweep = Sweep::finished();
    let trial = sweep.results().first_trial();
    let positional = sweep.runner(&format!("predict {trial} --index 0")).success().stdout;
    sweep.runner(&format!("predict --trial {trial} --index 0")).success().stdout_is(positional);
    sweep.runner("predict --index 0").exits(2).stderr_contains("not provided:\n  <ID>\n");
    sweep
        .runner(&format!("predict {trial} --trial {trial} --index 0"))
        .exits(2)
        .stderr_contains("cannot be used with");
}
