//! Trials that fail, and disks without space.

use std::time::{Duration, SystemTime};

use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store};

use crate::common::{RUNNER, Sweep, wait_until};

/// An experiment that `--set sweep.seed=…` makes as long as a test needs.
const EXPERIMENT: &str = r#"
name = "faulty"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.1 }
[sweep]
epochs = [2]
batch_size = [16, 64]
seed = [0]
"#;

#[test]
fn unwritable_weights_fail_their_trial_and_no_other() {
    let sweep = Sweep::new("faulty.toml", EXPERIMENT);
    sweep.runner("faulty.toml -q").success();
    let results = sweep.results();
    let weights = results.weights("faulty", &results.first_trial());
    replace_by_folder(&weights);
    sweep
        .runner("faulty.toml --rerun")
        .exits(1)
        .stderr_contains("failed: cannot write the weights to");
    assert_eq!(results.count("runs WHERE status = 'failed'"), 1);

    std::fs::remove_dir(&weights).unwrap();
    let retry = || sweep.runner("faulty.toml --retry-failed").success();
    let retried = retry().stderr_contains("1 of 2 trials failed and will run again");
    retried.stderr_contains("[2/2] ");
    assert!(weights.is_file());
    retry().stderr_contains("no trial failed; nothing to run");
    sweep.runner("verify --all -q").success();
}

#[test]
fn fail_fast_stops_at_the_first_failed_trial() {
    let sweep = Sweep::new("faulty.toml", EXPERIMENT);
    sweep.runner("faulty.toml -q").success();
    let results = sweep.results();
    replace_by_folder(&results.weights("faulty", &results.first_trial()));
    let wide = sweep.runner("faulty.toml -j 1 --rerun --fail-fast");
    wide.set("sweep.seed={ from = 0, to = 20 }")
        .exits(1)
        .stderr_contains("stopped at the first trial that failed");
    assert!(results.count("runs") < 42, "no trial starts after the failed one");
}

/// Makes it impossible to write a file.
fn replace_by_folder(file: &std::path::Path) {
    std::fs::remove_file(file).unwrap();
    std::fs::create_dir(file).unwrap();
}

/// The failed runs have start times two hours in the future, as after a clock is set back.
#[test]
fn retry_failed_works_after_the_clock_is_set_back() {
    let sweep = Sweep::new("faulty.toml", &EXPERIMENT.replace("[0]", "[0, 1]"));
    sweep.runner("faulty.toml -q -r earlier").success();
    let later = SystemTime::now() + Duration::from_secs(7200);
    let mut store = Store::open(sweep.path("results")).unwrap();
    let about = Experiment { name: "faulty".to_owned(), description: String::new() };
    let invocation = store.begin(&about, &Invocation::default()).unwrap();
    for run in sweep.results_in("earlier").reader().runs("faulty").unwrap() {
        let params =
            run.params.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let header =
            RunHeader { trial: run.header.trial, ..RunHeader::new("faulty", Status::Failed) };
        let failed = Run { params, ..Run::new(header, later) };
        store.record(invocation, &failed).unwrap();
    }
    drop(store);
    let retry = || sweep.runner("faulty.toml --retry-failed").success();
    retry().stderr_contains("4 of 4 trials failed and will run again");
    retry().stderr_contains("no trial failed; nothing to run");
    let runs = sweep.results().reader().runs("faulty").unwrap();
    assert!(runs.iter().all(|run| run.status == Status::Finished));
}

/// A limit on the size of files stops writes in the same way as a full disk.
#[test]
fn full_disk_is_reported_and_committed_runs_remain() {
    let sweep = Sweep::new("faulty.toml", &EXPERIMENT.replace("[2]", "[40]"));
    let seeds = "sweep.seed={ from = 0, to = 39 }";
    // Shells count the limit in blocks of 512 or 1024 bytes.
    let limited = sweep.program("sh").arg("-c").arg("ulimit -f 600; exec \"$@\"").arg("sh");
    limited
        .arg(RUNNER)
        .args("faulty.toml")
        .set(seeds)
        .exits(1)
        .stderr_contains("committed results are safe")
        .stderr_lacks("panicked");
    assert!(sweep.results().count("runs WHERE status = 'finished'") > 0);
    sweep.runner("faulty.toml -q").set(seeds).success();
    sweep.runner("faulty.toml -q -r one-run").set(seeds).success();
    let measured = |folder| sweep.results_in(folder).measurements("faulty");
    assert_eq!(measured("results"), measured("one-run"));
}

/// The program fails once, after it saved its state.
#[test]
fn failed_program_resumes_from_its_checkpoint() {
    let sweep = Sweep::new(
        "once.toml",
        "name = 'once'\nprogram = { command = ['sh', 'train.sh', '{seed}'] }\nsweep = { seed = [0] }",
    );
    let script = r#"
        saved=$SWEEP_CHECKPOINT_DIR/epoch
        if [ -f "$saved" ]; then echo '{"epoch": 2, "loss": 0.5}'; exit; fi
        echo '{"epoch": 1, "loss": 1}'
        echo 1 > "$saved"
        echo no memory >&2
        exit 3"#;
    sweep.write("train.sh", script);
    // Failures appear with --quiet, too.
    let failed = sweep.runner("once.toml -q").exits(1);
    failed.stderr_contains("failed: it ended with exit code 3: no memory");
    let results = sweep.results();
    let error: String = results.query("SELECT error FROM runs");
    assert_eq!(error, "it ended with exit code 3\nno memory");
    assert_eq!(results.count("metrics"), 1, "the epochs of a failed run are recorded");

    sweep.runner("once.toml").success();
    let finished = "run_id = (SELECT id FROM runs WHERE status = 'finished')";
    assert_eq!(results.count(&format!("metrics WHERE {finished}")), 2);
    assert!(results.path("once/programs").read_dir().unwrap().next().is_none());

    sweep.runner("once.toml --rerun").exits(1);
    sweep.runner("once.toml --rerun").exits(1);
}

#[test]
fn retry_after_wrong_output_starts_the_program() {
    let sweep = Sweep::new(
        "once.toml",
        "name = 'once'\nprogram = { command = ['sh', 'train.sh', '{seed}'] }\nsweep = { seed = [0] }",
    );
    let script = r#"
        saved=$SWEEP_CHECKPOINT_DIR/epoch
        if [ -f "$saved" ]; then echo '{"epoch": 6, "loss": 0.5}'; exit; fi
        echo '{"epoch": 5, "loss": 1}'
        echo 5 > "$saved"
        echo '{"epoch": 1, "loss": 1}'
        sleep 60"#;
    sweep.write("train.sh", script);
    let failed = sweep.runner("once.toml").exits(1);
    failed
        .stderr_contains("epoch 1 followed epoch 5: epochs must not go back")
        .stdout_contains("To see why a trial failed: cargo run -p report -- show ");
    sweep.runner("once.toml").success();
    assert_eq!(sweep.results().count("runs WHERE status = 'finished' AND last_epoch = 6"), 1);
}

/// A scheduler may send the signal that ends a job to all of its processes.
#[test]
fn signal_for_runner_and_program_is_a_stop() {
    let sweep = Sweep::new(
        "stop.toml",
        "name = 'stop'\nprogram = { command = ['sh', 'train.sh', '{seed}'] }\nsweep = { seed = [0] }",
    );
    sweep.write("train.sh", "echo $$ > pid; sleep 60");
    let mut runner = sweep.runner("stop.toml").start();
    wait_until(|| sweep.exists("pid") && !sweep.read("pid").is_empty(), "the program started");
    let program = sweep.read("pid").trim().to_owned();
    let kill = std::process::Command::new("kill").args(["-s", "TERM", &program]).status();
    assert!(kill.unwrap().success());
    std::thread::sleep(Duration::from_millis(100));
    crate::stop::send_signal(&runner, "TERM");
    assert_eq!(runner.wait().unwrap().code(), Some(75));
    assert_eq!(sweep.results().count("runs WHERE status = 'killed'"), 1);
}

#[test]
fn missing_ranking_metric_and_useless_pattern_are_reported() {
    let sweep = Sweep::new(
        "rank.toml",
        "name = 'rank'\nprogram = { command = ['sh', 'train.sh', '{seed}'] }\n\
         metrics = { rank = 'val_accuracy' }\nsweep = { seed = [0] }",
    );
    sweep.write("train.sh", "echo '{\"val_acuracy\": 0.5}'");
    let warned = sweep.runner("rank.toml -q").success();
    warned.stderr_contains("no run has the metric 'val_accuracy' that [metrics] ranks by");
    sweep.write("train.sh", "echo 'loss is low'");
    let pattern = "program.output.pattern='loss is (?<loss>.*)'";
    let warned = sweep.runner("rank.toml -q --rerun").set(pattern).success();
    warned.stderr_contains("'pattern' found no number; correct it and use --rerun");
}
