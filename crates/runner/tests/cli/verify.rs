//! `runner verify`: recorded runs are trained again and compared.

use crate::common::{Sweep, corrupt, write_dataset};

#[test]
fn verify_reproduces_runs_of_both_engines_and_diverged_runs() {
    let sweep = Sweep::finished();
    let run = || sweep.runner("small.toml -q");
    run().args("--engine autograd --set sweep.seed=[9]").success();
    run().args("--set sweep.seed=[10] --set train.learning_rate=3e38").success();
    sweep.runner("verify --all -q").success().stdout_is("24 of 24 runs are identical\n");

    let (run, trial) = (sweep.results().first_run(), sweep.results().first_trial());
    sweep.runner(&format!("verify {}", &run[..9])).success().stdout_is(format!(
        "identical  run {run} of trial {trial} (small)\n1 of 1 runs are identical\n"
    ));
}

/// A store may hold runs that other programs logged. Only those programs can reproduce them.
#[test]
fn verify_skips_runs_of_other_programs() {
    let sweep = Sweep::finished();
    let store = tracking::Store::open(sweep.path("results")).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    let id = run.id().to_string();
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    drop(store);
    sweep
        .runner("verify --all -q")
        .success()
        .stdout_is("16 of 16 runs are identical\n")
        .stderr_contains("skipped 1 run of other programs");
    let error = sweep.runner(&format!("verify {id}")).exits(2);
    error.stderr_contains("belongs to another program");
}

#[test]
fn verify_names_a_changed_metric_and_a_changed_parameter() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let run: String = results.query("SELECT run_id FROM metrics WHERE epoch = 2 LIMIT 1");
    results.execute(&format!(
        "UPDATE metrics SET value = value + 1e-9
         WHERE run_id = '{run}' AND epoch = 2 AND name = 'val_loss'"
    ));
    sweep
        .runner("verify --all -q")
        .exits(1)
        .stdout_contains(format!("DIFFERS    run {run}"))
        .stdout_contains("epoch 2, val_loss: ")
        .stdout_contains("recorded by: version")
        .stdout_contains("15 of 16 runs are identical");

    results.execute(&format!(
        "UPDATE params SET value = 17 WHERE run_id = '{run}' AND name = 'batch_size'"
    ));
    sweep.runner(&format!("verify {run}")).exits(1).stdout_contains("belong to trial");
}

#[test]
fn verify_names_changed_weights() {
    let sweep = Sweep::finished();
    let trial = sweep.results().first_trial();
    corrupt(sweep.results().weights("small", &trial));
    sweep
        .runner("verify --all -q")
        .exits(1)
        .stdout_contains(format!("the weights in results/small/models/{trial}.safetensors differ"));
}

#[test]
fn verify_trains_nothing_on_a_changed_dataset() {
    let sweep = Sweep::new(
        "own.toml",
        "name = \"own\"\ndata = { dataset = \"./set\" }\ntrain = { batch_size = 4 }\n",
    );
    write_dataset(&sweep.path("set"));
    sweep.runner("own.toml -q").success();
    sweep.runner("verify --all").success();
    corrupt(sweep.path("set/train-images-idx3-ubyte"));
    sweep
        .runner("verify --all")
        .exits(1)
        .stdout_contains("has changed: expected")
        .stdout_contains("nothing was run");
}

const ECHO: &str = r#"
name = "echo"
[program]
command = ["sh", "train.sh", "{rate}"]
files = ["train.sh"]
[sweep]
rate = [0.1, 0.2]
"#;

/// A record may come from elsewhere, so it must not start anything.
#[test]
fn verify_starts_programs_only_of_a_named_file() {
    let sweep = Sweep::new("echo.toml", ECHO);
    sweep.write("train.sh", "echo started >> log; echo \"{\\\"test_accuracy\\\": $1}\"");
    sweep.runner("echo.toml -q").success();
    let starts = || sweep.read("log").lines().count();
    sweep.runner("verify --all -q").success().stderr_contains("skipped 2 runs");
    let run = sweep.results().first_run();
    let error = sweep.runner(&format!("verify {run}")).exits(2);
    error.stderr_contains("which a record cannot start: name its experiment file");
    assert_eq!(starts(), 2);

    let all = sweep.runner("verify echo.toml -q").success();
    all.stdout_is("2 of 2 runs are identical\n");
    let one = sweep.runner(&format!("verify {run} echo.toml -q")).success();
    one.stdout_is("1 of 1 runs are identical\n");
    assert_eq!(starts(), 5);
}

#[test]
fn verify_names_a_program_that_is_not_reproducible() {
    let sweep = Sweep::new("echo.toml", ECHO);
    let script = "n=$(cat count 2> /dev/null); echo 1$n > count; echo \"{\\\"wer\\\": $n.5}\"";
    sweep.write("train.sh", script);
    sweep.write("count", "1");
    sweep.runner("echo.toml -q").success();
    let differs = sweep.runner("verify echo.toml").exits(1);
    differs.stdout_contains("wer: 1.5 was recorded, 111.5 is computed");

    sweep.write("train.sh", "echo '{\"wer\": 1}'");
    let error = sweep.runner("verify echo.toml").exits(2);
    error.stderr_contains("no recorded run with a result has the code");
}
