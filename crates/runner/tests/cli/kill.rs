//! Runs that are killed and started again give the results of an undisturbed run.

use std::time::{Duration, Instant};

use crate::common::Sweep;
use crate::stop::send_signal;

/// Pseudo-random delays: a linear congruential generator, which is equal on every machine.
pub struct Delays(pub u64);

impl Delays {
    pub fn next(&mut self, limit: Duration) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((self.0 >> 33) % u64::try_from(limit.as_micros()).unwrap())
    }
}

/// The experiment to kill. `KILLED` names another file.
fn experiment() -> String {
    let smoke = include_str!("../../../../experiments/smoke.toml");
    std::env::var("KILLED").map_or_else(
        |_| smoke.replace("epochs = 3", "epochs = 40"),
        |path| std::fs::read_to_string(path).unwrap(),
    )
}

/// `KILLS` sets the number of kills. CONTRIBUTING.md describes a longer test.
#[test]
fn results_are_equal_after_kills_at_fifty_random_instants() {
    let kills: u32 = std::env::var("KILLS").map_or(50, |kills| kills.parse().unwrap());
    let experiment = experiment();
    let name = experiment.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
    let name = name.trim_matches('"');
    let sweep = Sweep::new("killed.toml", &experiment);
    let run = |results: &str| sweep.runner(&format!("killed.toml -q -j 2 -r {results}"));
    run("undisturbed").success();
    let begun = Instant::now();
    run("timed").success();
    let duration = begun.elapsed();
    let expected = sweep.results_in("undisturbed").measurements(name);

    let (mut delays, mut landed, mut folder, mut resumed) = (Delays(4), 0, 0, 0);
    while landed < kills {
        let results = format!("part-{folder}");
        let mut child = run(&results).start();
        // Two thirds of the duration: most kills hit a run that has work left.
        std::thread::sleep(delays.next(duration * 2 / 3));
        child.kill().unwrap();
        landed += u32::from(child.wait().unwrap().code().is_none());
        let is_finished = sweep.exists(&format!("{results}/{name}/runs.csv"));
        if is_finished || landed == kills || landed % 10 == 0 {
            run(&results).success();
            let results = sweep.results_in(&results);
            assert_eq!(results.measurements(name), expected, "after {landed} kills");
            assert_eq!(results.count("checkpoints"), 0);
            assert_eq!(results.count("runs WHERE status <> 'finished'"), 0);
            resumed += results.count("resumptions");
            folder += 1;
        }
    }
    assert!(resumed > 0, "no kill hit a training");
}

#[test]
fn killed_training_resumes_at_its_last_recorded_epoch() {
    let sweep = Sweep::new(
        "long.toml",
        r#"
name = "long"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.1 }
[sweep]
epochs = [30000, 60000]
batch_size = [16, 64]
seed = [0, 1]
"#,
    );
    for engine in ["fused", "autograd"] {
        let results = sweep.results_in(engine);
        let start =
            || sweep.runner(&format!("long.toml -q -j 1 --engine {engine} -r {engine}")).start();
        let mut child = start();
        results.wait_for("checkpoints WHERE epoch > 1");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(results.count("runs WHERE status = 'running'"), 2, "trials of one training");
        let recorded: i64 = results.query("SELECT max(epoch) FROM checkpoints");

        let mut child = start();
        results.wait_for("resumptions");
        results.wait_for(&format!("checkpoints WHERE epoch > {recorded}"));
        send_signal(&child, "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(75));
        assert!(results.query::<i64>("SELECT max(epoch) FROM resumptions") >= recorded);
        let by_first_program = "resumptions JOIN runs ON id = run_id
                                WHERE resumptions.invocation = runs.invocation";
        assert_eq!(results.count(by_first_program), 0, "a run keeps its first program");
        assert_eq!(results.count("runs WHERE status = 'killed'"), 2);
        assert_eq!(results.count("checkpoints"), 1);
    }
}
