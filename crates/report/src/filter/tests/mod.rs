//! Tests of conditions, on three runs.
#![allow(clippy::unwrap_used)]

mod errors;
mod evaluation;
mod properties;

use std::sync::LazyLock;

use tracking::Status;

use super::Condition;
use crate::analysis::comparison::CompareOptions;
use crate::example::{Example, ended, run};
use crate::runs::MeasuredRun;

const ODD_KEY: &str = "odd key (`\"'=";
const KEYS: [&str; 6] = ["batch_size", "seed", "init", ODD_KEY, "not", "test_accuracy"];

/// Three runs: one without `init`, one without results, one with a key that needs quotes.
static RUNS: LazyLock<Vec<MeasuredRun>> = LazyLock::new(|| {
    let mut example = Example::new("sweep", "");
    example.record(run("sweep", &[("batch_size", 32.into()), ("seed", 0.into())], 0.9));
    let zeros = run(
        "sweep",
        &[("batch_size", 64.into()), ("seed", 1.into()), ("init", "zeros".into())],
        0.8,
    );
    example.record(ended(Status::Failed, zeros));
    let odd = [
        ("batch_size", 16.into()),
        ("init", "it's \"odd\" (and new)".into()),
        (ODD_KEY, 0.5.into()),
        ("not", 3.into()),
    ];
    example.record(run("sweep", &odd, 0.85).with(|run| run.dataset = "my data".into()));
    let mut runs = example.runs(&CompareOptions::default());
    runs.sort_by_key(|measured| measured.run.results.len() + 10 * measured.run.params.len());
    for (measured, day) in runs.iter_mut().zip(["2026-10-31", "2026-11-24", "2027-01-01"]) {
        measured.run.started_at = format!("{day}T10:30:05.123Z");
        measured.run.ended_at = format!("{day}T23:59:59.999Z");
    }
    runs[2].run.ended_at = String::new();
    runs
});

fn parse(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
}

fn error(text: &str) -> String {
    Condition::parse(text).unwrap_err().to_string()
}

/// `+` for each of [`RUNS`] that matches the condition, `-` for each other.
fn matches(text: &str) -> String {
    let condition = parse(text);
    RUNS.iter().map(|run| if condition.holds(run) { '+' } else { '-' }).collect()
}
