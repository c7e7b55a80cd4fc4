//! Comparisons of small stores with known answers.
#![allow(clippy::unwrap_used)]

mod pairing;
mod promises;
mod race;
mod ranking;
mod seeds_simulation;

use tracking::{Run, Value};

use super::{CompareOptions, Comparison};
use crate::example::{Example, run};

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

fn compared(example: &Example) -> Comparison {
    example.comparisons(&CompareOptions::default()).remove(0)
}

fn batches(comparison: &Comparison) -> Vec<String> {
    comparison
        .settings
        .iter()
        .map(|setting| setting.values[0].clone().unwrap().to_string())
        .collect()
}

/// Compares runs with these accuracies by batch size and seed. `change` edits each run before it is
/// recorded.
fn settings(accuracies: &[(i64, &[(i64, f64)])], change: impl Fn(Run) -> Run) -> Comparison {
    let mut example = Example::new("settings", "");
    for (batch, runs) in accuracies {
        for (seed, accuracy) in *runs {
            let params = [("batch_size", Value::Integer(*batch)), ("seed", Value::Integer(*seed))];
            example.record(change(run("settings", &params, *accuracy)));
        }
    }
    compared(&example)
}
