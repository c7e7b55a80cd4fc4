//! `runner gc`: shows what no result needs, and deletes it with `--yes`.

use crate::common::Sweep;

#[test]
fn gc_of_a_new_results_folder_finds_nothing() {
    Sweep::finished().runner("gc").success().stdout_is("nothing to delete\n");
}

#[test]
fn gc_shows_garbage_and_deletes_it_with_yes() {
    let sweep = Sweep::finished();
    let results = sweep.results();
    let trial = results.first_trial();
    let stray = results.weights("small", "00000000000000ff");
    std::fs::write(&stray, "weights without a run").unwrap();
    sweep.runner("small.toml -q --rerun").success();
    let before = results.measurements("small");
    sweep
        .runner("gc --older-than 0s")
        .success()
        .stdout_contains("weights without a run")
        .stdout_contains("superseded run")
        .stdout_contains("\nnothing was deleted; use --yes to delete all of this\n");
    assert_eq!(results.count("runs"), 32);

    sweep.runner("gc --older-than 0s --yes").success();
    assert_eq!(results.count("runs"), 16);
    assert_eq!(results.query::<i64>("PRAGMA freelist_count"), 0);
    assert!(!stray.exists());
    assert!(results.weights("small", &trial).exists());
    assert_ne!(results.measurements("small"), before, "the stray file was part of the folder");
    sweep.runner("verify --all -q").success();
}
