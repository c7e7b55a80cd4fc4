//! `runner delete` and `runner restore`: runs move to the trash and back.

use crate::common::Sweep;

#[test]
fn deleted_trial_is_restored_unchanged() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let before = results.measurements("small");
    let trial = results.first_trial();
    sweep.runner(&format!("delete {trial}")).success().stdout_is(format!(
        "moved 1 run to results/.trash; undo with: cargo run -p runner -- restore {trial}\n"
    ));
    assert_eq!(results.csv("small/runs.csv").lines().count(), 16);
    assert!(!results.weights("small", &trial).exists());

    let restored = sweep.runner(&format!("restore {trial}")).success();
    restored.stdout_is("restored 1 run to results\n");
    assert_eq!(results.measurements("small"), before);
}

#[test]
fn deleted_experiment_is_restored_unchanged() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let before = results.measurements("small");
    sweep.runner("delete small").success();
    assert!(!sweep.exists("results/small"));
    assert_eq!(results.count("experiments"), 0);
    assert!(sweep.exists("results/.trash"));
    let again = sweep.runner("delete small").exits(2);
    again.stderr_contains("no experiment has the name 'small'");

    sweep.runner("restore small").success().stdout_is("restored 16 runs to results\n");
    assert!(!sweep.exists("results/.trash"));
    assert_eq!(results.measurements("small"), before);
    sweep.runner("verify --all -q").success();
}
