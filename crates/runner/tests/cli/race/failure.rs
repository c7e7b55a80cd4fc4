//! Settings that fail, and races that no metric decides.

use super::{RACE, SCRIPT, outcome, race_of};
use crate::common::Sweep;

/// A setting fails on its second seed, one on its fifth, and one diverges on its first.
const BROKEN: &str = r#"
echo "$1 $2" >> started
[ -e fixed ] || case "$1 $2" in
    '2 1' | '1 4') exit 3 ;;
    '3 0') echo '{"test_accuracy": NaN}'; exit ;;
esac
"#;

fn broken() -> Sweep {
    race_of(RACE, &format!("{BROKEN}{SCRIPT}"))
}

/// How often a trial has started: `2 1` is the setting `b = 2` on seed 1.
fn starts(sweep: &Sweep, trial: &str) -> usize {
    sweep.read("started").lines().filter(|line| *line == trial).count()
}

const WITHOUT_THEM: &str = "after 5 seeds, the best is b 0 (95 %). Without a result: b 1; b 2; b 3";

#[test]
fn settings_without_a_result_leave_and_are_named() {
    let sweep = broken();
    let raced = sweep.runner("r.toml").exits(1);
    assert_eq!(outcome(&raced), WITHOUT_THEM);
    let results = sweep.results();
    assert_eq!(results.count("runs"), 5 * 3 + 2 * 2);
    assert_eq!(results.count("runs WHERE status = 'failed'"), 2);
    assert_eq!(results.count("runs WHERE status = 'diverged'"), 1);
    assert_eq!([starts(&sweep, "2 1"), starts(&sweep, "1 4"), starts(&sweep, "3 0")], [1, 1, 1]);
}

#[test]
fn each_command_tries_a_failed_trial_once() {
    let sweep = broken();
    sweep.runner("r.toml -q").exits(1);
    let again = sweep.runner("r.toml").exits(1);
    let again = again.stderr_contains("the race is over; 2 trials to run again");
    assert_eq!(outcome(&again), WITHOUT_THEM);
    assert_eq!([starts(&sweep, "2 1"), starts(&sweep, "1 4"), starts(&sweep, "3 0")], [2, 2, 1]);
    sweep.runner("r.toml -q --retry-failed").exits(1);
    assert_eq!([starts(&sweep, "2 1"), starts(&sweep, "1 4"), starts(&sweep, "3 0")], [3, 3, 1]);
}

#[test]
fn setting_returns_to_the_race_when_its_trial_succeeds() {
    let sweep = broken();
    sweep.runner("r.toml -q").exits(1);
    sweep.write("fixed", "");
    let retried = sweep.runner("r.toml --retry-failed").success();
    let continues = "3 of 5 settings are left at look 2 of 3; run the same command again to \
                     continue. Without a result: b 3";
    assert_eq!(outcome(&retried), continues, "it runs only failed trials");
    sweep.runner("r.toml -q").success();
    // A diverged run is a result, so only --rerun runs its trial again.
    let rerun = sweep.runner("r.toml --rerun").success();
    assert_eq!(outcome(&rerun), super::OUTCOME);
    assert_eq!(starts(&sweep, "3 0"), 2);

    sweep.runner("r.toml -q -r fixed-from-the-start").success();
    let cells = |folder| sweep.results_in(folder).reproducible_cells("r/runs.csv");
    assert_eq!(cells("results"), cells("fixed-from-the-start"));
}

#[test]
fn fail_fast_stops_a_race_and_a_command_continues_it() {
    let sweep = broken();
    let stopped = sweep.runner("r.toml -q -j 1 --fail-fast").exits(1);
    stopped.stderr_contains("stopped at the first trial that failed");
    assert_eq!(sweep.results().count("runs WHERE status = 'failed'"), 1);
    let raced = sweep.runner("r.toml").exits(1);
    assert_eq!(outcome(&raced), WITHOUT_THEM);
}

#[test]
fn race_in_which_every_setting_fails_ends() {
    let sweep = race_of(RACE, "exit 1");
    let raced = sweep.runner("r.toml").exits(1);
    let named = "no setting is left. Without a result: \
                 b 0; b 1; b 2; b 3; b 10";
    assert_eq!(outcome(&raced), named);
    assert_eq!(sweep.results().count("runs"), 15);
}

#[test]
fn attempts_at_a_race_know_the_settings_that_failed() {
    let sweep = broken();
    let merge = || sweep.runner("merge --attempts r.toml").success();
    let tasks = || {
        let codes = ["0", "1", "2"].map(|index| {
            let task = sweep.runner("r.toml --shard auto/3").env("JOB_COMPLETION_INDEX", index);
            task.start().wait().unwrap().code().unwrap()
        });
        assert!(codes.contains(&1) && codes.contains(&0), "{codes:?}");
    };
    tasks();
    merge().stdout_contains("look 2 of 3 of r needs 4 trials; to run them:\n");
    tasks();
    merge().stdout_contains("the race of r is over; 2 of 19 trials have no result\n");
    let status = sweep.runner("status r.toml").success();
    status.stdout_contains("19 trials: 17 done, 0 running, 2 missing, of these 2 failed");
    let submit = sweep.runner("submit r.toml --dry-run").success();
    submit.stderr_is("the race of r is over; 2 of 19 trials have no result; nothing to submit\n");
    assert_eq!([starts(&sweep, "2 1"), starts(&sweep, "1 4")], [1, 1]);
}

#[test]
fn race_of_diverging_settings_exits_with_0() {
    let sweep = race_of(
        RACE,
        "[ $1 = 0 ] || { echo '{\"val_loss\": NaN}'; exit; }\necho '{\"val_loss\": 1}'",
    );
    let raced = sweep.runner("r.toml").success();
    let named = "after 3 seeds, the best is b 0 (95 %). Without a result: b 1; b 2; b 3; b 10";
    assert_eq!(outcome(&raced), named);
}

#[test]
fn race_without_a_ranking_metric_says_what_to_declare() {
    let sweep = race_of(RACE, r#"echo "{\"foo\": 0.$1$2, \"bar\": 1}""#);
    let raced = sweep.runner("r.toml -q").exits(1);
    raced.stderr_is(
        "error: it is unknown which values of bar, foo are better, so no metric decides the race \
         of 'r': add [metrics] with maximize = [\"bar\"], or minimize\n",
    );
    assert!(sweep.results().csv("r/runs.csv").lines().count() == 16, "the runs are exported");
    for command in ["r.toml -q", "r.toml --plan", "submit r.toml --dry-run", "status r.toml"] {
        sweep.runner(command).exits(2).stderr_contains("add [metrics]");
    }
    let ranked = sweep.runner("r.toml -q").set("metrics.minimize=['foo']");
    ranked.success();
    let misspelt = sweep.runner("r.toml -q").set("metrics.rank='fo'").exits(2);
    misspelt.stderr_contains("no run of 'r' has the metric 'fo'");
    let unranked = sweep.runner("r.toml -q").set("metrics.rank='foo'").exits(2);
    unranked.stderr_contains("it is unknown which values of foo are better");
}

#[test]
fn race_of_runs_without_a_metric_is_an_error() {
    let sweep = race_of(RACE, "echo nothing");
    let raced = sweep.runner("r.toml -q").exits(1);
    raced.stderr_contains("no run of the race of 'r' has a metric");
}
