//! `report diff LEFT RIGHT`: only what differs between two runs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use anyhow::Result;
use tracking::{EpochMetrics, Invocation, Reader, RecordedRun, printable};

use crate::cli::{DiffArgs, DiffFormat};
use crate::diff::sets::diff_sets;
use crate::diff::side::{Side, side};
use crate::metric::position;
use crate::page::provenance::provenance;
use crate::query::store;
use crate::render::layout::{align_columns, styled};
use crate::runs::distinct;
use crate::table::{Prominence, RenderedColumn};
use crate::wording::{self, truncated};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Longest value of one side.
const LONGEST: usize = 30;

/// One thing that differs, and by how much where that is a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    what: String,
    left: String,
    right: String,
    by: String,
}

/// Prints what differs between two sides, each a run or a set of runs.
pub fn diff(results: &Path, args: &DiffArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let (left, right) = (side(&reader, results, &args.left)?, side(&reader, results, &args.right)?);
    match (left, right, args.format) {
        (Side::Run(left), Side::Run(right), DiffFormat::Table) => {
            diff_runs(&reader, results, &left, &right)
        }
        (left, right, _) => diff_sets(&reader, results, left, right, args),
    }
}

fn diff_runs(
    reader: &Reader,
    results: &Path,
    left: &RecordedRun,
    right: &RecordedRun,
) -> Result<ExitCode> {
    let invocations = (reader.invocation(left)?, reader.invocation(right)?);
    let epochs = (reader.epochs(left)?, reader.epochs(right)?);

    let mut differences = facts(left, right);
    differences.extend(params(left, right));
    differences.extend(measurements(left, right));
    differences.extend(origins(&[invocations.0], &[invocations.1]));
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
        return Ok(super::report_damage(reader, results));
    }
    for (index, line) in
        align_columns(&columns(&differences, ["first", "second"])).into_iter().enumerate()
    {
        writeln!(out, "{}", if index == 0 { styled(DIM, &line) } else { line })?;
    }
    match first {
        Some(first) => writeln!(out, "\n  first differing epoch: {first}")?,
        None if epochs.0.is_empty() => {}
        None => writeln!(out, "\n  every epoch is the same, bit for bit")?,
    }
    out.flush()?;
    Ok(super::report_damage(reader, results))
}

/// `differences` under the heads of both sides.
pub fn columns(differences: &[Difference], sides: [&str; 2]) -> Vec<RenderedColumn> {
    let column = |title: &str, numeric, cell: fn(&Difference) -> &str| RenderedColumn {
        title: title.to_owned(),
        prominence: Prominence::Needed,
        numeric,
        cells: differences
            .iter()
            .map(|it| truncated(&printable(cell(it)), LONGEST).into_owned())
            .collect(),
    };
    vec![
        column("", false, |it| &it.what),
        column(sides[0], true, |it| &it.left),
        column(sides[1], true, |it| &it.right),
        column("difference", true, |it| &it.by),
    ]
}

/// The difference, if there is one.
pub fn differing(what: &str, left: &str, right: &str) -> Option<Difference> {
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
    let text =
        |run: &RecordedRun, name| run.param(name).map_or_else(String::new, ToString::to_string);
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
    names.sort_by_key(|name| position(name));
    names.into_iter().filter(|name| *name != "seconds").filter_map(difference).collect()
}

/// What differs in what made the runs of each side; of a fact of which a side has several, all of them.
pub fn origins(left: &[Invocation], right: &[Invocation]) -> Vec<Difference> {
    let facts = |side: &[Invocation]| side.iter().flat_map(provenance).collect::<Vec<_>>();
    let (left_facts, right_facts) = (facts(left), facts(right));
    let value = |facts: &[(String, String)], name: &str| {
        each_once(facts.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()))
            .join(", ")
    };
    let names = distinct(left_facts.iter().chain(&right_facts).map(|(name, _)| name.as_str()));
    let mut differences: Vec<Difference> = names
        .into_iter()
        .filter_map(|name| differing(name, &value(&left_facts, name), &value(&right_facts, name)))
        .collect();
    let (left, right) = (texts(left), texts(right));
    if left != right {
        let sizes = |texts: &[&str]| {
            texts.iter().map(|it| format!("{} bytes", it.len())).collect::<Vec<_>>().join(", ")
        };
        let side = |texts: &[&str]| if texts.is_empty() { "—".to_owned() } else { sizes(texts) };
        let what = "experiment file".to_owned();
        differences.push(Difference {
            what,
            left: side(&left),
            right: side(&right),
            by: "another text".to_owned(),
        });
    }
    differences
}

fn texts(side: &[Invocation]) -> Vec<&str> {
    each_once(side.iter().filter_map(|it| it.experiment_file.as_deref()))
}

/// `all` in an order that says nothing, so that two lists differ only where they have something else.
pub fn each_once<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The first epoch and metric that differ in any bit, times aside.
fn first_epoch(left: &[EpochMetrics], right: &[EpochMetrics]) -> Option<String> {
    let text =
        |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |value| format!("{value:?}"));
    for (a, b) in left.iter().zip(right) {
        if (a.epoch, a.step) != (b.epoch, b.step) {
            let end = |it: &EpochMetrics| format!("{} ends at step {}", it.epoch, it.step);
            return Some(format!("{}, {}", end(a), end(b)));
        }
        for name in union(&a.metrics, &b.metrics).into_iter().filter(|name| *name != "seconds") {
            let value = |epoch: &EpochMetrics| {
                epoch.metrics.iter().find(|(key, _)| key == name).map(|(_, it)| *it)
            };
            let (left, right) = (value(a), value(b));
            if left.map(f64::to_bits) != right.map(f64::to_bits) {
                return Some(format!(
                    "{}, {} {} and {}",
                    a.epoch,
                    wording::title(name),
                    text(left),
                    text(right)
                ));
            }
        }
    }
    (left.len() != right.len())
        .then(|| format!("one has {}, the other {}", left.len(), right.len()))
}
