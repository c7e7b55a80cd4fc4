//! Signals stop a run, and the same command resumes it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::common::{FOUR_TRIALS, Sweep};

/// Sends a signal, such as `INT`.
pub fn send_signal(child: &Child, signal: &str) {
    let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

#[test]
fn interrupted_run_exits_75_and_its_folder_is_usable() {
    let sweep = Sweep::new("long.toml", &FOUR_TRIALS.replace("epochs = 2", "epochs = 200000"));
    let mut child = sweep.runner("long.toml -j 1").start();
    sweep.results().wait_for("checkpoints WHERE epoch > 1");
    send_signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(75));
    sweep.runner("long.toml -q --set train.epochs=1").success();
}

/// Small batches make the training long and the record short.
#[test]
fn resume_after_interrupts_gives_equal_results() {
    let sweep = Sweep::new(
        "long.toml",
        r#"
name = "long"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.01 }
[sweep]
epochs = [80, 300]
batch_size = [1, 2]
seed = [0, 1]
"#,
    );
    sweep.runner("long.toml -q -r undisturbed").success();
    let results = sweep.results();
    let mut recorded = 0;
    for _ in 0..4 {
        let mut child = sweep.runner("long.toml -q").start();
        results.wait_for(&format!("(SELECT count(*) AS n FROM metrics) WHERE n > {recorded}"));
        let begun = Instant::now();
        send_signal(&child, "INT");
        assert_eq!(child.wait().unwrap().code(), Some(75));
        assert!(begun.elapsed() < Duration::from_secs(4));
        recorded = results.count("metrics");
    }
    sweep.runner("long.toml -q").success();
    let measured = |folder| sweep.results_in(folder).measurements("long");
    assert_eq!(measured("results"), measured("undisturbed"));
}
