//! Commands complete their work when the reader of their standard output is gone.

use crate::common::{Call, Sweep};

/// Connects standard output to a pipe without a reader.
fn with_broken_pipe(call: Call) -> Call {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    call.stdout(writer)
}

#[test]
fn merge_completes_without_a_reader_of_its_output() {
    let sweep = Sweep::finished();
    sweep.runner("small.toml -q -r other --set sweep.seed=[7]").success();
    with_broken_pipe(sweep.runner("merge results other -r merged")).success();
    assert_eq!(sweep.results_in("merged").count("runs"), 20);
    assert_eq!(sweep.read("merged/small/runs.csv").lines().count(), 21);
}

#[test]
fn verify_exits_with_1_without_a_reader_of_its_output() {
    let sweep = Sweep::finished();
    let trial = sweep.results().first_trial();
    std::fs::write(sweep.results().weights("small", &trial), "other").unwrap();
    with_broken_pipe(sweep.runner("verify --all")).exits(1);
}

#[test]
fn gc_completes_without_a_reader_of_its_output() {
    let sweep = Sweep::finished();
    sweep.runner("small.toml -q --rerun").success();
    with_broken_pipe(sweep.runner("gc --yes --older-than 0s")).success();
    assert_eq!(sweep.results().count("runs"), 16);
}
