//! The code of a program is part of the trial ids.

use super::{TWO_SEEDS, finals, rows, sweep};

const GOOD: &str = "echo '{\"loss\": 1}'";

#[test]
fn changed_code_makes_new_trials() {
    let sweep = sweep(TWO_SEEDS, GOOD);
    let run = || sweep.runner("p.toml").success();
    run().stderr_contains("2 trials to run");
    run().stderr_contains("nothing to run");
    sweep.write("train.sh", format!("{GOOD} # changed"));
    run().stderr_contains("2 trials to run");
    sweep.write("p.toml", TWO_SEEDS.replace("\"sh\"", "\"sh\", \"-e\""));
    run().stderr_contains("2 trials to run");
    sweep.write("train.sh", GOOD);
    sweep.write("p.toml", TWO_SEEDS);
    run().stderr_contains("nothing to run");
    let codes = "SELECT count(DISTINCT program_sha256), count(DISTINCT trial_id) FROM runs";
    assert_eq!(rows(&sweep.results(), codes), "3 6");
}

#[test]
fn unlisted_script_is_reported() {
    let sweep = sweep(&TWO_SEEDS.replace("files = [\"train.sh\"]", ""), GOOD);
    let run = || sweep.runner("p.toml").success();
    run().stderr_contains("does not notice changes to train.sh: add it to 'files'");
    sweep.write("train.sh", format!("{GOOD} # changed"));
    run().stderr_contains("nothing to run");
}

#[test]
fn file_that_changes_during_the_sweep_ends_it() {
    let script = format!("{GOOD}; echo '# changed' >> train.sh");
    let sweep = sweep(TWO_SEEDS, &script);
    let changed = sweep.runner("p.toml -j 1").exits(1);
    changed.stderr_contains("train.sh has changed since the sweep began: run the sweep again");
    assert_eq!(finals(&sweep.results()), "0 loss 1");
}

#[test]
fn jobs_timeout_and_pattern_keep_the_trial_ids() {
    let sweep = sweep(TWO_SEEDS, GOOD);
    sweep.runner("p.toml -q").success();
    for setting in
        ["program.jobs=2", "program.timeout=\"1h\"", "program.output.pattern='(?<a>[0-9])'"]
    {
        sweep.runner("p.toml").set(setting).success().stderr_contains("nothing to run");
    }
    sweep.runner("p.toml").set("program.env.A=\"1\"").success().stderr_contains("2 trials to run");
}
