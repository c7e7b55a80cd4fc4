//! Progress on stderr: what is counted, which metrics are shown, and how lines fit the terminal.

use crate::common::{FOUR_TRIALS, Output, Sweep};

/// The counts of all trials that ended, such as `3/4`.
fn counts(output: &Output) -> Vec<String> {
    let starts = output.stderr.lines().filter_map(|line| line.strip_prefix('['));
    starts.filter_map(|line| Some(line.split_once(']')?.0.to_owned())).collect()
}

#[test]
fn resumed_sweep_counts_trials_that_have_their_result() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let first = sweep.runner("small.toml --set sweep.seed=[0]").success();
    assert_eq!(counts(&first), ["1/2", "2/2"]);
    let resumed = sweep.runner("small.toml").success();
    assert_eq!(counts(&resumed), ["3/4", "4/4"]);
    sweep.runner("status small.toml").success().stdout_contains("4 trials: 4 done");
    let rerun = sweep.runner("small.toml --rerun").success();
    assert_eq!(counts(&rerun), ["1/4", "2/4", "3/4", "4/4"]);
}

#[test]
fn each_experiment_and_each_shard_has_a_count_of_its_own() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    sweep.write("other.toml", FOUR_TRIALS.replace("small", "other"));
    sweep.runner("small.toml -q --set sweep.seed=[0]").success();
    let both = sweep.runner("small.toml other.toml").success();
    assert_eq!(counts(&both), ["3/4", "4/4", "1/4", "2/4", "3/4", "4/4"]);
    let shard = sweep.runner("small.toml -r shard --shard 1/2").success();
    assert_eq!(counts(&shard), ["1/2", "2/2"]);
}

#[test]
fn progress_shows_the_ranking_metric_first() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let run = || sweep.runner("small.toml --rerun");
    let held_out = run().success().stdout_contains("val accuracy  test accuracy  test loss");
    for line in held_out.stderr.lines().filter(|line| line.starts_with('[')) {
        assert!(
            line.contains(" · val accuracy ") && line.contains(" % · test accuracy "),
            "{line}"
        );
    }
    let by_loss = run().set("metrics.rank=\"val_loss\"").success();
    by_loss.stdout_contains("val loss  test accuracy").stderr_contains(" · val loss 0.");
    let on_test = run().set("data.validation=\"test\"").success();
    on_test
        .stdout_contains("seed  test accuracy  test loss")
        .stderr_contains(" · test accuracy ")
        .stderr_lacks("val accuracy");
}

#[test]
fn progress_and_tables_fit_sixty_columns() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let swept = |call: &str| {
        let call = sweep.runner(call).env("COLUMNS", "60");
        call.set("sweep.decay=[0.0,1e-4]").success()
    };
    let plan = swept("small.toml --plan").stdout;
    assert_eq!(plan.matches(" to run\n").count(), 8);
    let run = swept("small.toml");
    assert_eq!(counts(&run).len(), 8);
    assert_eq!(run.stderr.matches("val accuracy").count(), 8);
    for line in plan.lines().chain(run.stderr.lines()).chain(run.stdout.lines()) {
        // The command is for copying.
        assert!(line.chars().count() <= 60 || line.starts_with("Compare: "), "{line}");
    }
    let header =
        |text: &str| text.lines().find(|line| line.contains("batch_size")).unwrap().to_owned();
    let plan_output = plan;
    let (plan, best) = (header(&plan_output), header(&run.stdout));
    assert!(plan.ends_with(" state") && best.ends_with(" val accuracy"), "{plan} {best}");
    for output in [&plan_output, &run.stderr, &run.stdout] {
        assert!(output.contains("1e-4") && !output.contains("0.0001"), "{output}");
    }
    for key in ["decay", "batch_size", "seed"] {
        assert!(plan.contains(key) && best.contains(key), "{plan} {best}");
    }
}

#[test]
fn large_losses_are_shown_with_an_exponent() {
    let sweep = Sweep::new("small.toml", &FOUR_TRIALS.replace("0.5", "1e9"));
    let run = sweep.runner("small.toml").success().stderr_contains(" · test loss ");
    let loss = run.stderr.split(" · test loss ").nth(1).unwrap();
    let loss = loss.split_whitespace().next().unwrap();
    assert!(loss.contains('e') && loss.len() < 12, "{loss}");
}
