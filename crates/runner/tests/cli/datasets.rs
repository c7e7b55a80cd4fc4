//! Datasets that are absent, of another shape, or damaged.

use crate::common::{FOUR_TRIALS, Sweep, write_dataset};

#[test]
fn offline_fallback_is_used_reported_and_recorded() {
    let dataset = "dataset = \"kmnist\", offline_fallback = \"digits\"";
    let experiment = FOUR_TRIALS.replace("dataset = \"digits\"", dataset);
    let sweep = Sweep::new("small.toml", &experiment);
    sweep
        .runner("small.toml --offline")
        .success()
        .stderr_contains(
            "warning: kmnist is not available: --offline was given; using digits instead \
             (offline_fallback)\nsmall · digits 1437 + 360",
        )
        .stdout_contains("\nDataset: digits instead of kmnist, which is not available\nResults: ");
    let recorded = "runs WHERE dataset = 'digits' AND fallback_for = 'kmnist'";
    assert_eq!(sweep.results().count(recorded), 4);
}

#[test]
fn fallback_warning_names_the_mirror_and_the_cause() {
    let dataset = "dataset = \"kmnist\", offline_fallback = \"digits\"";
    let experiment = FOUR_TRIALS.replace("dataset = \"digits\"", dataset);
    let sweep = Sweep::new("small.toml", &experiment);
    sweep
        .runner("small.toml --quiet --data-dir d --mirror http://127.0.0.1:1")
        .success()
        .stderr_contains("warning: kmnist is not available: http://127.0.0.1:1/")
        .stderr_contains("refused")
        .stderr_contains("; using digits instead (offline_fallback)\n");
}

#[test]
fn mnist_needs_no_network_and_no_cache() {
    let experiment = FOUR_TRIALS.replace("\"digits\"", "\"mnist\"");
    let sweep = Sweep::new("small.toml", &experiment);
    let run = sweep.runner("small.toml --offline --set train.epochs=1 --set sweep.seed=[0]");
    // Nothing can be written there.
    run.env("XDG_CACHE_HOME", "/proc/nowhere").env("HOME", "/proc/nowhere").success();
    let accuracy: f64 =
        sweep.results().query("SELECT min(value) FROM results WHERE name = 'test_accuracy'");
    assert!(accuracy > 0.88, "{accuracy}");
    let digest = "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca";
    let recorded = format!("runs WHERE dataset = 'mnist' AND dataset_sha256 = '{digest}'");
    assert_eq!(sweep.results().count(&recorded), 2);
}

#[test]
fn offline_without_a_fallback_runs_nothing() {
    let experiment = FOUR_TRIALS.replace("dataset = \"digits\"", "dataset = \"kmnist\"");
    let sweep = Sweep::new("small.toml", &experiment);
    sweep.runner("small.toml --offline").exits(2).stderr_contains("kmnist");
    assert!(!sweep.exists("results"));
}

#[test]
fn idx_folder_of_other_shape_and_classes_is_trained_on() {
    let sweep = Sweep::new(
        "own.toml",
        "name = \"own\"\ndata = { dataset = \"=set\" }\n\
         train = { batch_size = 4, learning_rate = 0.5 }\n",
    );
    write_dataset(&sweep.path("=set"));
    sweep.runner("own.toml").success();
    let runs = sweep.read("results/own/runs.csv");
    // The quotation mark keeps spreadsheets from reading the cell as a formula.
    assert!(runs.lines().nth(1).unwrap().contains(",'=set,"), "{runs}");
    assert!(runs.contains(",1.0,"), "every class is learned: {runs}");

    sweep.write("=set/train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
    sweep.runner("own.toml").exits(2).stderr_contains("30");
}
