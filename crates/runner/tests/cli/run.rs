//! What a run writes, and which trials a second run trains.

use crate::common::{FOUR_TRIALS, Sweep};

#[test]
fn hint_is_the_program_beside_the_one_that_the_user_started() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_runner"));
    let mut runner = std::process::Command::new(program);
    runner.current_dir(sweep.path("")).env_remove("CARGO_MANIFEST_DIR");
    let output = runner.args(["small.toml", "-r", "two words"]).output().unwrap();
    let report = program.with_file_name("report");
    let hint = format!("Compare: {} -r 'two words' -e small\n", report.display());
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(&hint));
}

#[test]
fn run_records_metrics_csv_files_and_weights() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep
        .runner("small.toml")
        .success()
        .stdout_contains("Best 4 of 4 trials by validation accuracy")
        .stdout_contains("\n\nDataset: digits\nResults: results/tracking.db")
        .stdout_contains("Compare: cargo run -p report -- -e small\n");

    let results = sweep.results();
    assert_eq!(results.count("runs WHERE status = 'finished'"), 4);
    assert_eq!(results.count("metrics"), 4 * 2 * 8);
    // With held-out examples, the test set is also measured after every epoch. The values of the
    // last epoch are the results.
    let last = "metrics JOIN results USING (run_id, name)
                WHERE name IN ('test_loss', 'test_accuracy') AND epoch = 2
                AND metrics.value = results.value";
    assert_eq!(results.count(last), 4 * 2);
    assert_eq!(results.count("results"), 4 * 5);
    let ranked = "run_table JOIN metrics ON run_id = run AND value = val_accuracy
                  WHERE name = 'val_accuracy' AND epoch = 2";
    assert_eq!(results.count(ranked), 4);
    let learned = "run_table WHERE test_accuracy > 0.7 AND batch_size IN (16, 64)";
    assert_eq!(results.count(learned), 4);
    let files = "SELECT count(DISTINCT experiment_file) FROM invocations
                 WHERE experiment_file LIKE '%sweep%'";
    assert_eq!(results.query::<i64>(files), 1);

    let header = "run,trial,status,dataset,learning_rate,decay,batch_size,epochs,seed,init,\
                  last_batch,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,\
                  test_accuracy,seconds,started_at";
    assert_eq!(results.csv("small/runs.csv").lines().next(), Some(header));
    let rows = results.reproducible_cells("small/runs.csv");
    let order: Vec<String> =
        rows.iter().skip(1).map(|row| format!("{} {}", row[5], row[7])).collect();
    assert_eq!(
        order,
        ["16 0", "16 1", "64 0", "64 1"],
        "rows are in the order of batch size and seed"
    );
    assert_eq!(results.csv("small/epochs.csv").lines().count(), 1 + 4 * 2);
    assert_eq!(std::fs::read_dir(results.path("small/models")).unwrap().count(), 4);
}

#[test]
fn metrics_section_selects_the_ranking_metric() {
    let sweep = Sweep::empty();
    let ranked = format!("{FOUR_TRIALS}[metrics]\nrank = \"val_loss\"\nreport = \"test_loss\"\n");
    sweep.write("small.toml", ranked);
    sweep.runner("small.toml").success().stdout_contains("trials by validation loss");
    let declared = || sweep.results().reader().declarations("small").unwrap();
    assert_eq!(declared().rank.as_deref(), Some("val_loss"));
    assert_eq!(declared().report.as_deref(), Some("test_loss"));

    // The latest experiment file takes effect, and a change of `[metrics]` reruns no trial.
    sweep.write("small.toml", FOUR_TRIALS);
    sweep.runner("small.toml").success().stdout_contains("trials by validation accuracy");
    assert_eq!(declared().rank, None);
    let override_rank = sweep.runner("small.toml").set("metrics.rank=\"test_loss\"");
    override_rank.success().stdout_contains("trials by test loss");
    assert_eq!(declared().rank.as_deref(), Some("test_loss"));
    assert_eq!(sweep.results().count("runs"), 4);
}

#[test]
fn batch_size_may_be_one_or_the_whole_training_set() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let run = sweep.runner("small.toml --set train.epochs=1").set("sweep.batch_size=[1, 1150]");
    run.success().stdout_contains("Best 4 of 4");
}

#[test]
fn second_run_trains_nothing_and_rerun_trains_all() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.runner("small.toml").success();
    let before = sweep.read("results/small/runs.csv");
    sweep
        .runner("small.toml")
        .success()
        .stderr_is("small · digits 1437 + 360 · all 4 trials have their result; nothing to run\n");
    assert_eq!(sweep.read("results/small/runs.csv"), before);

    sweep.runner("small.toml --rerun -q").success();
    assert_ne!(sweep.read("results/small/runs.csv"), before);
    assert_eq!(sweep.results().count("runs"), 8);
}

#[test]
fn wider_sweep_runs_only_missing_trials() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.runner("small.toml -q").success();
    let wider = "small.toml --set sweep.seed=[0,1,2]";
    let plan = sweep.runner(wider).args("--plan").success().stdout;
    assert_eq!((plan.matches("done").count(), plan.matches("to run").count()), (4, 2), "{plan}");
    sweep.runner(wider).success().stderr_contains("2 of 6 trials to run, 4 have their result");
}

#[test]
fn diverged_trial_is_a_result_and_other_trials_run() {
    let sweep = Sweep::empty();
    let diverging = FOUR_TRIALS.replace("learning_rate = 0.5, ", "");
    sweep.write("small.toml", diverging + "learning_rate = [1e38, 0.5]\n");
    sweep.runner("small.toml").success().stdout_contains("\n4 diverged\n");

    let results = sweep.results();
    let rows = results.reproducible_cells("small/runs.csv");
    let diverged: Vec<_> = rows.iter().filter(|row| row[1] == "diverged").collect();
    assert_eq!(diverged.len(), 4);
    let has_no_results = |row: &[String]| row[10..16].iter().all(String::is_empty);
    assert!(diverged.iter().all(|row| has_no_results(row)), "{diverged:?}");
    assert_eq!(results.count("examples JOIN runs ON id = run_id WHERE status = 'finished'"), 4);
    assert_eq!(results.count("examples"), 4, "only finished runs have examples");
    let error: String = results.query("SELECT error FROM runs WHERE status = 'diverged'");
    assert!(error.contains("epoch 1, at step"), "{error}");
    sweep.runner("small.toml").success().stderr_contains("nothing to run");
}

#[cfg(unix)]
#[test]
fn csv_files_and_weights_are_as_readable_as_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let sweep = Sweep::finished();
    let results = sweep.results();
    let readable_by =
        |path: std::path::PathBuf| path.metadata().unwrap().permissions().mode() & 0o444;
    let expected = readable_by(results.path("tracking.db"));
    let models = std::fs::read_dir(results.path("small/models")).unwrap();
    let models = models.map(|entry| entry.unwrap().path());
    let files: Vec<_> = models.chain([results.path("small/runs.csv")]).collect();
    assert_eq!(files.len(), 17);
    assert!(files.into_iter().all(|file| readable_by(file) == expected));
}
