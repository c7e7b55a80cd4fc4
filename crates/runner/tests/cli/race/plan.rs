//! `--plan` of a race.

use std::collections::BTreeMap;

use super::race;
use crate::common::Sweep;

/// The number of trials in each state, from CSV.
fn states(sweep: &Sweep, arguments: &str) -> String {
    let csv = sweep.runner(&format!("r.toml --plan --format csv {arguments}")).success().stdout;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        *counts.entry(line.split(',').nth(2).unwrap()).or_default() += 1;
    }
    let counts = counts.into_iter().map(|(state, count)| format!("{count} {state}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// The sentences of a plan, without the table.
fn sentences(sweep: &Sweep) -> String {
    let plan = sweep.runner("r.toml --plan -j 1").success().stdout;
    let (_, sentences) = plan.rsplit_once("\n\n").unwrap();
    sentences.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn plan_shows_the_current_look_and_what_may_follow() {
    let sweep = race();
    assert_eq!(states(&sweep, ""), "25 later, 15 to_run");
    assert_eq!(
        sentences(&sweep),
        "race with looks after 3, 5, 8 seeds: at most 40 trials, 1 at a time (no earlier run to \
         estimate the time from); likely number unknown before each setting has two seeds; the \
         table shows look 1 15 trials, 0 have their result; 1 at a time (no earlier run to estimate \
         the time from)"
    );
    assert!(!sweep.exists("results"));

    for index in 0..3 {
        sweep.runner(&format!("r.toml -q --shard {index}/3")).success();
    }
    assert_eq!(states(&sweep, ""), "15 done, 12 later, 5 not_needed, 8 to_run");
    let second = sentences(&sweep);
    let expected = "race with looks after 3, 5, 8 seeds: at most 35 trials, under 1 s with 1 at a \
                    time (from 15 earlier runs); likely about 29 trials; the table shows look 2 \
                    23 trials, 15 have their result;";
    assert!(second.starts_with(expected), "{second}");

    sweep.runner("r.toml -q").success();
    assert_eq!(states(&sweep, ""), "32 done, 8 not_needed");
    assert_eq!(
        sentences(&sweep),
        "race with looks after 3, 5, 8 seeds: after all 8 seeds, 2 of 5 settings are left: b 0; b 1 32 \
         trials, none to run"
    );
}

#[test]
fn plan_of_a_shard_is_its_part_of_the_current_look() {
    let sweep = race();
    assert_eq!(states(&sweep, "--shard 1/3"), "5 to_run");
    sweep.runner("r.toml -q --set race.seeds=[3]").success();
    let parts: Vec<String> =
        (0..3).map(|index| states(&sweep, &format!("--shard {index}/3"))).collect();
    assert_eq!(parts, ["3 to_run", "3 to_run", "2 to_run"]);
}

#[test]
fn plan_as_json_has_the_states_of_a_race() {
    let sweep = race();
    sweep.runner("r.toml -q --set race.seeds=[3]").success();
    let json = sweep.runner("r.toml --plan --format json").success().stdout;
    let count = |state: &str| json.matches(&format!("\"state\": \"{state}\"")).count();
    assert_eq!(["done", "to_run", "later", "not_needed"].map(count), [15, 8, 12, 5]);
}

#[test]
fn plan_of_rerun_shows_all_trials_that_the_race_needed() {
    let sweep = race();
    sweep.runner("r.toml -q").success();
    assert_eq!(states(&sweep, "--rerun"), "8 not_needed, 32 to_run");
}
