//! `report diff ID ID`: only what differs between two runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use anyhow::Result;
use tracking::{EpochMetrics, Invocation, RecordedRun, printable};

use crate::cmd::show::provenance;
use crate::format::text::{aligned, styled};
use crate::observed::metric_position;
use crate::table::{Prominence, Shown};
use crate::wording::{self, truncated};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Longest value of one side.
const LONGEST: usize = 32;

/// One thing that differs, and by how much where that is a number.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    what: String,
    left: String,
    right: String,
    by: String,
}

/// Prints what differs between the runs of two ids.
pub fn diff(results: &Path, left: &str, right: &str) -> Result<ExitCode> {
    let reader = super::open(results)?;
    let (left, right) = (super::find(&reader, results, left)?, super::find(&reader, results, right)?);
    let invocations = (reader.invocation(&left)?, reader.invocation(&right)?);
    let epochs = (reader.epochs(&left)?, reader.epochs(&right)?);

    let mut differences = facts(&left, &right);
    differences.extend(params(&left, &right));
    differences.extend(measurements(&left, &right));
    differences.extend(origins(&invocations.0, &invocations.1));
    let first = first_epoch(&epochs.0, &epochs.1);

    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} and {}\n",
        styled(BOLD, &format!("run {}", left.id)),
        styled(BOLD, &format!("run {}", right.id))
    )?;
    if differences.is_empty() && first.is_none() {
        writeln!(out, "  nothing differs but when they ran and for how long")?;
        out.flush()?;
        return Ok(super::damage(&reader, results));
    }
    for (index, line) in aligned(&columns(&differences)).into_iter().enumerate() {
        writeln!(out, "{}", if index == 0 { styled(DIM, &line) } else { line })?;
    }
    match first {
        Some(first) => writeln!(out, "\n  first differing epoch: {first}")?,
        None if epochs.0.is_empty() => {}
        None => writeln!(out, "\n  every epoch is the same, bit for bit")?,
    }
    out.flush()?;
    Ok(super::damage(&reader, results))
}

fn columns(differences: &[Difference]) -> Vec<Shown> {
    let column = |title: &str, numeric, cell: fn(&Difference) -> &str| Shown {
        title: title.to_owned(),
        prominence: Prominence::Needed,
        numeric,
        cells: differences.iter().map(|it| truncated(&printable(cell(it)), LONGEST).into_owned()).collect(),
    };
    vec![
        column("", false, |it| &it.what),
        column("first", true, |it| &it.left),
        column("second", true, |it| &it.right),
        column("difference", true, |it| &it.by),
    ]
}

/// The difference, if there is one.
fn differing(what: &str, left: &str, right: &str) -> Option<Difference> {
    let side = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
    let (what, by) = (what.to_owned(), String::new());
    (left != right).then(|| Difference { what, left: side(left), right: side(right), by })
}

fn facts(left: &RecordedRun, right: &RecordedRun) -> Vec<Difference> {
    let facts = |run: &RecordedRun| {
        [
            ("experiment", run.experiment.clone()),
            ("status", run.status.to_string()),
            ("error", run.error.clone().unwrap_or_default()),
            ("dataset", run.dataset.clone()),
            ("dataset sha256", run.dataset_sha256.clone()),
            ("in place of", run.fallback_for.clone().unwrap_or_default()),
            ("folder", run.dataset_path.clone().unwrap_or_default()),
            ("validation", run.validation.clone()),
            ("engine", run.engine.clone()),
            ("device", run.device.clone()),
        ]
    };
    let pairs = facts(left).into_iter().zip(facts(right));
    pairs.filter_map(|((what, left), (_, right))| differing(what, &left, &right)).collect()
}

/// The names of `left`, then those that only `right` has.
fn union<'a, N: AsRef<str>, T>(left: &'a [(N, T)], right: &'a [(N, T)]) -> Vec<&'a str> {
    let mut names: Vec<&str> = left.iter().map(|(name, _)| name.as_ref()).collect();
    for (name, _) in right {
        if !names.contains(&name.as_ref()) {
            names.push(name.as_ref());
        }
    }
    names
}

fn params(left: &RecordedRun, right: &RecordedRun) -> Vec<Difference> {
    let text = |run: &RecordedRun, name| run.param(name).map_or_else(String::new, ToString::to_string);
    let names = union(&left.params, &right.params);
    names
        .into_iter()
        .filter_map(|name| differing(&wording::title(name), &text(left, name), &text(right, name)))
        .collect()
}

/// Final metrics in full; how long it took is no difference.
fn measurements(left: &RecordedRun, right: &RecordedRun) -> Vec<Difference> {
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:?}"));
    let difference = |name| {
        let (a, b) = (left.result(name), right.result(name));
        let mut difference = differing(&wording::title(name), &text(a), &text(b))?;
        if let (Some(a), Some(b)) = (a, b) {
            difference.by = format!("{:+.6}", b - a);
        }
        Some(difference)
    };
    let mut names = union(&left.results, &right.results);
    names.sort_by_key(|name| metric_position(name));
    names.into_iter().filter(|name| *name != "seconds").filter_map(difference).collect()
}

fn origins(left: &Invocation, right: &Invocation) -> Vec<Difference> {
    let (left_facts, right_facts) = (provenance(left), provenance(right));
    let value = |facts: &[(String, String)], name: &str| {
        facts.iter().find(|(key, _)| key == name).map_or_else(String::new, |(_, value)| value.clone())
    };
    let names = union(&left_facts, &right_facts);
    let mut differences: Vec<Difference> = names
        .into_iter()
        .filter_map(|name| differing(name, &value(&left_facts, name), &value(&right_facts, name)))
        .collect();
    if left.experiment_file != right.experiment_file {
        let size = |text: &Option<String>| text.as_ref().map_or_else(String::new, |it| format!("{} bytes", it.len()));
        let (left, right) = (size(&left.experiment_file), size(&right.experiment_file));
        let what = "experiment file".to_owned();
        differences.push(Difference { what, left, right, by: "another text".to_owned() });
    }
    differences
}

/// The first epoch and metric that differ in any bit, times aside.
fn first_epoch(left: &[EpochMetrics], right: &[EpochMetrics]) -> Option<String> {
    let text = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |value| format!("{value:?}"));
    for (a, b) in left.iter().zip(right) {
        if (a.epoch, a.step) != (b.epoch, b.step) {
            let end = |it: &EpochMetrics| format!("{} ends at step {}", it.epoch, it.step);
            return Some(format!("{}, {}", end(a), end(b)));
        }
        for name in union(&a.metrics, &b.metrics).into_iter().filter(|name| *name != "seconds") {
            let value = |epoch: &EpochMetrics| epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, it)| *it);
            let (left, right) = (value(a), value(b));
            if left.map(f64::to_bits) != right.map(f64::to_bits) {
                return Some(format!("{}, {} {} and {}", a.epoch, wording::title(name), text(left), text(right)));
            }
        }
    }
    (left.len() != right.len()).then(|| format!("one has {}, the other {}", left.len(), right.len()))
}
