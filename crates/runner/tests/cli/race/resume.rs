//! Neither the number of jobs nor kills nor other runners change a race.

use std::time::Instant;

use super::{OUTCOME, RACE, RUNS, SCRIPT, assert_same_race, outcome, race, race_of};
use crate::common::Sweep;
use crate::kill::Delays;
use crate::stop::send_signal;

#[test]
fn race_is_equal_for_any_number_of_jobs() {
    let sweep = race();
    for jobs in ["1", "2", "7"] {
        let raced = sweep.runner(&format!("r.toml -j {jobs} -r jobs-{jobs}")).success();
        assert_eq!(outcome(&raced), OUTCOME);
        assert_same_race(&sweep, &format!("jobs-{jobs}"), "jobs-1");
    }
}

#[test]
fn built_in_race_is_equal_for_any_number_of_jobs() {
    let sweep = Sweep::new(
        "small.toml",
        r#"
name = "small"
data = { dataset = "digits" }
train = { learning_rate = 0.5 }
[sweep]
epochs = [1, 2]
batch_size = [16, 512]
[race]
seeds = [2, 3, 5]
"#,
    );
    let race = |jobs: u32| {
        let raced = sweep.runner(&format!("small.toml -j {jobs} -r jobs-{jobs}")).success();
        (outcome(&raced), sweep.results_in(&format!("jobs-{jobs}")).measurements("small"))
    };
    let expected = race(1);
    assert_eq!(race(2), expected);
    assert_eq!(race(7), expected);
    let runs = sweep.results_in("jobs-1").count("runs");
    assert!((8..20).contains(&runs), "no setting left: {runs} runs, {}", expected.0);
}

#[test]
fn race_is_equal_after_kills_at_random_instants() {
    let sweep = race();
    let begun = Instant::now();
    sweep.runner("r.toml -q -j 2 -r undisturbed").success();
    let duration = begun.elapsed();
    let (mut delays, mut kills) = (Delays(22), 0);
    for round in 0..3 {
        let folder = format!("killed-{round}");
        loop {
            let mut child = sweep.runner(&format!("r.toml -q -j 2 -r {folder}")).start();
            std::thread::sleep(delays.next(duration / 2));
            if kills % 3 == 2 {
                send_signal(&child, "INT");
                let code = child.wait().unwrap().code();
                assert!([Some(75), Some(0), None].contains(&code), "{code:?}");
                kills += 1;
                if code == Some(0) {
                    break;
                }
                continue;
            }
            child.kill().unwrap();
            match child.wait().unwrap().code() {
                None => kills += 1,
                Some(code) => {
                    assert_eq!(code, 0);
                    break;
                }
            }
        }
        assert_same_race(&sweep, &folder, "undisturbed");
    }
    assert!(kills >= 3, "only {kills} kills");
}

#[test]
fn race_is_equal_after_a_kill_between_two_looks() {
    let sweep = race();
    sweep.runner("r.toml -q -r undisturbed").success();
    for (runs, folder) in [(15, "first"), (23, "second"), (RUNS, "last")] {
        let mut child = sweep.runner(&format!("r.toml -q -j 1 -r {folder}")).start();
        let ended = "(SELECT count(*) AS n FROM runs WHERE status = 'finished')";
        sweep.results_in(folder).wait_for(&format!("{ended} WHERE n >= {runs}"));
        child.kill().unwrap();
        child.wait().unwrap();
        sweep.runner(&format!("r.toml -q -r {folder}")).success();
        assert_same_race(&sweep, folder, "undisturbed");
    }
}

#[test]
fn two_runners_share_a_race() {
    let slow = format!("sleep 0.02\n{SCRIPT}");
    let sweep = race_of(RACE, &slow);
    sweep.runner("r.toml -q -j 4 -r alone").success();
    let start = || sweep.runner("r.toml -q -j 2 -r shared").start();
    let (mut first, mut second) = (start(), start());
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_same_race(&sweep, "shared", "alone");
    assert_eq!(sweep.results_in("shared").count("runs"), RUNS, "some trial ran twice");
}
