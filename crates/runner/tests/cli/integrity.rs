//! Records that were changed after they were written.

use crate::common::Sweep;

#[test]
fn changed_run_stays_changed_after_merge_delete_and_restore() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let run: String = results.query("SELECT run_id FROM metrics WHERE epoch = 2 LIMIT 1");
    results.execute(&format!(
        "UPDATE metrics SET value = 0.5
         WHERE run_id = '{run}' AND epoch = 2 AND name = 'val_loss'"
    ));
    sweep.runner("merge results --results merged").exits(1).stdout_contains("15 added");
    sweep.runner(&format!("delete {run}")).success();
    sweep.runner(&format!("restore {run}")).success();
    sweep.runner(&format!("verify {run}")).exits(1);
    // A changed run is no result, so the next run trains its trial again.
    sweep.runner("small.toml").success().stderr_contains("1 of 16 trials to run");
}

fn change_loss(sweep: &Sweep, run: &str) {
    sweep.results().execute(&format!(
        "UPDATE metrics SET value = 2.0 * value
         WHERE run_id = '{run}' AND epoch = 1 AND name = 'loss'"
    ));
}

#[test]
fn older_run_replaces_a_damaged_rerun() {
    let sweep = Sweep::finished();
    let before = sweep.read("results/small/runs.csv").lines().count();
    sweep.runner("small.toml -q --rerun --set sweep.seed=[0]").success();
    let newest: String =
        sweep.results().query("SELECT id FROM runs ORDER BY sequence DESC LIMIT 1");
    change_loss(&sweep, &newest);
    sweep
        .runner("small.toml")
        .success()
        .stderr_contains("nothing to run")
        .stderr_contains(format!("the epochs of run {newest}"));
    assert_eq!(sweep.read("results/small/runs.csv").lines().count(), before);
}

#[test]
fn damaged_run_is_trained_again_and_then_not_reported() {
    let sweep = Sweep::finished();
    let only = sweep.results().first_run();
    change_loss(&sweep, &only);
    let plan = sweep.runner("small.toml --plan").success();
    plan.stdout_contains("15 have their result");
    sweep.runner("small.toml").success().stderr_contains("1 of 16 trials to run");
    sweep.runner("small.toml").success().stderr_lacks(&only);
}

#[test]
fn changed_error_analysis_is_reported_and_causes_no_rerun() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let run = results.first_run();
    results.execute(&format!(
        "UPDATE mistakes SET probability = probability / 2 WHERE run_id = '{run}'"
    ));
    let warning = format!("the confusion matrix or the mistakes of run {run}");
    sweep
        .runner("verify --all -q")
        .exits(1)
        .stderr_contains(&warning)
        .stdout_is("16 of 16 runs are identical\n");
    sweep.runner("small.toml").success().stderr_contains("nothing to run");
    sweep
        .runner("merge results --results merged")
        .exits(1)
        .stdout_contains("16 added")
        .stderr_contains(&warning);

    sweep.runner("small.toml -q --rerun").success();
    sweep.runner("gc --older-than 0s --yes").success();
    sweep.runner("verify --all -q").success();
    for table in ["examples", "mistakes"] {
        let runs = format!("SELECT count(DISTINCT run_id) FROM {table}");
        assert_eq!(results.query::<i64>(&runs), 16, "{table}");
    }
}

#[test]
fn run_with_an_invalid_trial_id_is_the_only_run_lost() {
    let sweep = Sweep::finished();
    let sql = "UPDATE runs SET trial_id = '../../../victim' WHERE sequence = 1";
    sweep.results().execute(sql);
    sweep
        .runner("small.toml")
        .success()
        .stderr_contains("1 of 16 trials to run")
        .stderr_contains("contains 15 runs, but 16 were recorded");
    assert_eq!(sweep.read("results/small/runs.csv").lines().count(), 17);
}

#[test]
fn status_reports_damaged_runs_and_a_damaged_store() {
    let sweep = Sweep::finished();
    sweep.runner("status small.toml").success().stdout_contains("16 trials: 16 done");
    let run = sweep.results().first_run();
    change_loss(&sweep, &run);
    sweep
        .runner("status small.toml")
        .exits(1)
        .stdout_contains("16 trials: 15 done, 0 running, 1 missing")
        .stderr_contains(format!("warning: the epochs of run {run}"));
    sweep.write("results/tracking.db", "no database");
    sweep.runner("status small.toml").exits(2).stderr_contains("error: results/tracking.db");
}
