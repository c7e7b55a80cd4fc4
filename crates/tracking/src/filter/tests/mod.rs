//! Tests of conditions, on three runs.
#![allow(clippy::unwrap_used)]

mod errors;
mod evaluation;
mod properties;

use std::sync::LazyLock;

use super::Condition;
use crate::Value;

const ODD_KEY: &str = "odd key (`\"'=";
const KEYS: [&str; 6] = ["batch_size", "seed", "init", ODD_KEY, "not", "test_accuracy"];

/// Keys and their values.
type Run = Vec<(&'static str, Value)>;

/// Three runs: one without `init`, one without results, one with a key that needs quotes.
static RUNS: LazyLock<[Run; 3]> = LazyLock::new(|| {
    [
        vec![
            ("run", "0b5a4b3e7f5d4f0c".into()),
            ("dataset", "mnist".into()),
            ("status", "finished".into()),
            ("started_at", "2026-10-31T10:30:05.123Z".into()),
            ("ended_at", "2026-10-31T23:59:59.999Z".into()),
            ("batch_size", 32.into()),
            ("seed", 0.into()),
            ("test_accuracy", 0.9.into()),
        ],
        vec![
            ("run", "9c1d6a0e2b7f4a35".into()),
            ("dataset", "mnist".into()),
            ("status", "failed".into()),
            ("started_at", "2026-11-24T10:30:05.123Z".into()),
            ("ended_at", "2026-11-24T23:59:59.999Z".into()),
            ("batch_size", 64.into()),
            ("seed", 1.into()),
            ("init", "zeros".into()),
        ],
        vec![
            ("run", "f3e2d1c0b9a85746".into()),
            ("dataset", "my data".into()),
            ("status", "finished".into()),
            ("started_at", "2027-01-01T10:30:05.123Z".into()),
            ("batch_size", 16.into()),
            ("init", "it's \"odd\" (and new)".into()),
            (ODD_KEY, 0.5.into()),
            ("not", 3.into()),
            ("test_accuracy", 0.85.into()),
        ],
    ]
});

/// The value of `key` in `run`.
fn value(run: &[(&str, Value)], key: &str) -> Option<Value> {
    run.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
}

fn holds(condition: &Condition, run: &[(&str, Value)]) -> bool {
    condition.holds(&|key| value(run, key))
}

fn parse(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
}

fn error(text: &str) -> String {
    Condition::parse(text).unwrap_err().to_string()
}

/// `+` for each of [`RUNS`] that matches the condition, `-` for each other.
fn matches(text: &str) -> String {
    let condition = parse(text);
    RUNS.iter().map(|run| if holds(&condition, run) { '+' } else { '-' }).collect()
}
