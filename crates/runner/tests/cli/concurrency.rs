//! Several programs and machines use one results folder.

use std::process::Child;

use crate::common::Sweep;

#[test]
fn eight_runners_share_the_trials_of_one_folder() {
    let sweep = Sweep::new(
        "shared.toml",
        r#"
name = "shared"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.01 }
[sweep]
epochs = [10, 20]
batch_size = [2, 16]
seed = { from = 0, to = 15 }
"#,
    );
    sweep.runner("shared.toml -j 2 -q -r one-run").success();
    let start = |_| sweep.runner("shared.toml -j 2").start();
    let mut runners: Vec<Child> = (0..8).map(start).collect();
    while runners.iter_mut().any(|runner| runner.try_wait().unwrap().is_none()) {
        // A reader never waits for the runners, and the runners never wait for it.
        sweep.runner("shared.toml --plan -r results").success();
        for file in ["runs.csv", "epochs.csv"] {
            let path = sweep.path("results/shared").join(file);
            if let Ok(text) = std::fs::read_to_string(path) {
                let is_complete = text.starts_with("run,trial,") && text.ends_with('\n');
                assert!(is_complete, "{file} is incomplete:\n{text}");
            }
        }
    }
    assert!(runners.iter_mut().all(|runner| runner.wait().unwrap().success()));
    let measured = |folder| sweep.results_in(folder).measurements("shared");
    assert_eq!(measured("results"), measured("one-run"));
    let distinct = |column| {
        let sql = format!("SELECT count(DISTINCT {column}) FROM runs");
        sweep.results().query::<i64>(&sql)
    };
    assert_eq!(sweep.results().count("runs"), 64);
    assert_eq!(distinct("trial_id"), 64);
    assert!(distinct("invocation") > 1, "one runner did all the work");
}

#[test]
fn trials_of_another_machine_run_only_with_take_over() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    results.execute("UPDATE runs SET status = 'running' WHERE sequence = 1");
    results.execute("UPDATE invocations SET host = 'far'");
    sweep
        .runner("small.toml")
        .exits(1)
        .stderr_contains("running on far")
        .stderr_contains("--take-over");
    sweep.runner("small.toml --take-over").success();
    assert_eq!(results.count("runs WHERE status = 'finished'"), 16);
}
