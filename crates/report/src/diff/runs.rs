//! The differences between two runs, as text.

use std::fmt::Write;

use analysis::metric::position;
use anyhow::Result;
use tracking::{EpochMetrics, Reader, RecordedRun};

use super::field::{FieldDifference, columns, invocation_differences};
use crate::render::layout::{BOLD, fitted_table, output_width, styled};
use crate::wording;

/// Describes the differences between two runs.
pub fn text(reader: &Reader, left: &RecordedRun, right: &RecordedRun) -> Result<String> {
    let invocations = (reader.invocation(left)?, reader.invocation(right)?);
    let epochs = (reader.epochs(left)?, reader.epochs(right)?);

    let mut differences = fact_differences(left, right);
    differences.extend(param_differences(left, right));
    differences.extend(result_differences(left, right));
    differences.extend(invocation_differences(&[invocations.0], &[invocations.1]));
    let first_epoch = first_differing_epoch(&epochs.0, &epochs.1);

    let id = |run: &RecordedRun| styled(BOLD, &format!("run {}", run.id));
    let mut text = format!("{} and {}\n\n", id(left), id(right));
    if differences.is_empty() && first_epoch.is_none() {
        text.push_str("  no differences except start time and duration\n");
        return Ok(text);
    }
    for line in fitted_table(columns(&differences), output_width()) {
        writeln!(text, "{line}")?;
    }
    match first_epoch {
        Some(epoch) => writeln!(text, "\n  first differing epoch: {epoch}")?,
        None if epochs.0.is_empty() => {}
        None => text.push_str("\n  all epochs are equal, bit for bit\n"),
    }
    Ok(text)
}

fn fact_differences(left: &RecordedRun, right: &RecordedRun) -> Vec<FieldDifference> {
    let facts = |run: &RecordedRun| {
        [
            ("experiment", run.experiment.clone()),
            ("status", run.status.to_string()),
            ("error", run.error.clone().unwrap_or_default()),
            ("dataset", run.dataset.clone()),
            ("dataset sha256", run.dataset_sha256.clone()),
            ("in place of", run.fallback_for.clone().unwrap_or_default()),
            ("folder", run.dataset_path.clone().unwrap_or_default()),
            ("validation", run.validation.key().to_owned()),
            ("engine", run.engine.clone()),
            ("device", run.device.clone()),
            ("program sha256", run.program_sha256.clone().unwrap_or_default()),
        ]
    };
    let pairs = facts(left).into_iter().zip(facts(right));
    pairs
        .filter_map(|((name, left), (_, right))| FieldDifference::of(name, &left, &right))
        .collect()
}

fn param_differences(left: &RecordedRun, right: &RecordedRun) -> Vec<FieldDifference> {
    let text =
        |run: &RecordedRun, name| run.param(name).map_or_else(String::new, ToString::to_string);
    union(&left.params, &right.params)
        .into_iter()
        .filter_map(|name| {
            FieldDifference::of(&wording::key(name), &text(left, name), &text(right, name))
        })
        .collect()
}

/// Compares all digits of the final metrics. The duration does not count.
fn result_differences(left: &RecordedRun, right: &RecordedRun) -> Vec<FieldDifference> {
    let text = |value: Option<f64>| value.map_or_else(String::new, all_digits);
    let difference = |name| {
        let (left, right) = (left.result(name), right.result(name));
        let mut difference =
            FieldDifference::of(&wording::metric(name), &text(left), &text(right))?;
        if let (Some(left), Some(right)) = (left, right) {
            difference.change = match right - left {
                change if change.abs() < LARGE => format!("{change:+.6}"),
                change => format!("{change:+.2e}"),
            };
        }
        Some(difference)
    };
    let mut names = union(&left.results, &right.results);
    names.sort_by_key(|name| position(name));
    names.into_iter().filter(|name| *name != "seconds").filter_map(difference).collect()
}

/// From this size on, numbers have an exponent.
const LARGE: f64 = 1e6;

/// A number that reads back as the same bits.
fn all_digits(value: f64) -> String {
    if value.abs() < LARGE { format!("{value:?}") } else { format!("{value:e}") }
}

/// The names in `left`, followed by those only in `right`.
fn union<'a, N: AsRef<str>, T>(left: &'a [(N, T)], right: &'a [(N, T)]) -> Vec<&'a str> {
    let mut names: Vec<&str> = left.iter().map(|(name, _)| name.as_ref()).collect();
    for (name, _) in right {
        if !names.contains(&name.as_ref()) {
            names.push(name.as_ref());
        }
    }
    names
}

/// Describes the first epoch and metric whose bits differ. The duration does not count.
fn first_differing_epoch(left: &[EpochMetrics], right: &[EpochMetrics]) -> Option<String> {
    let text = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), all_digits);
    for (a, b) in left.iter().zip(right) {
        if (a.epoch, a.step) != (b.epoch, b.step) {
            let end = |epoch: &EpochMetrics| format!("{} ends at step {}", epoch.epoch, epoch.step);
            return Some(format!("{}, {}", end(a), end(b)));
        }
        for name in union(&a.metrics, &b.metrics).into_iter().filter(|name| *name != "seconds") {
            let value = |epoch: &EpochMetrics| {
                let metric = epoch.metrics.iter().find(|(known, _)| known == name);
                metric.map(|(_, value)| *value)
            };
            let (left, right) = (value(a), value(b));
            if left.map(f64::to_bits) != right.map(f64::to_bits) {
                let metric = wording::metric(name);
                return Some(format!("{}, {metric} {} and {}", a.epoch, text(left), text(right)));
            }
        }
    }
    let (left, right) = (left.len(), right.len());
    (left != right)
        .then(|| format!("{}, one run has {left} epochs, the other {right}", left.min(right) + 1))
}
