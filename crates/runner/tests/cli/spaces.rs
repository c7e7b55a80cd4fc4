//! Sweeps of a union of spaces: recorded like a grid.

use crate::common::Sweep;

/// 16 trials of a sample, and 3 of a zip, of which one is excluded.
const UNION: &str = r#"
name = "union"
data = { dataset = "digits", validation = 0.2 }
train = { epochs = 2 }
[[sweep]]
learning_rate = { from = 0.01, to = 1, scale = "log" }
batch_size = { from = 16, to = 256, scale = "log" }
seed = { from = 0, to = 1 }
sample = 8
[[sweep]]
seed = [0]
zip = { learning_rate = [0.1, 0.2, 0.4], batch_size = [32, 64, 128] }
exclude = "batch_size > 100 and not learning_rate < 0.4"
"#;

#[test]
fn merged_shards_of_a_union_equal_one_run() {
    let sweep = Sweep::new("union.toml", UNION);
    sweep.runner("union.toml -q").success();
    let expected = sweep.results().measurements("union");
    for index in 0..3 {
        sweep.runner(&format!("union.toml -q --shard {index}/3 -r shard-{index}")).success();
    }
    sweep.runner("merge -r merged shard-2 shard-0 shard-1").success();
    assert_eq!(sweep.results_in("merged").measurements("union"), expected);
    assert_eq!(sweep.results().count("runs"), 18);
}

#[test]
fn larger_sample_runs_only_the_new_trials() {
    let first_sweep = &UNION[..UNION.rfind("[[sweep]]").unwrap()];
    let sweep = Sweep::new("one.toml", first_sweep);
    sweep.runner("one.toml -q --set sweep.sample=4").success();
    let more = sweep.runner("one.toml").success();
    more.stderr_contains("8 of 16 trials to run, 8 have their result");
    let less = sweep.runner("one.toml --set sweep.sample=6").success();
    less.stderr_contains("nothing to run");
}
