//! `report show ID`: prints the facts, metrics and epochs of a run.

use std::io::Write;
use std::iter;
use std::path::Path;
use std::process::ExitCode;

use analysis::metric::{Unit, position};
use analysis::runs::{epoch_metric, weights_file};
use anyhow::Result;
use tracking::metric;
use tracking::program_files::Stream;
use tracking::{EpochMetrics, Interruption, RecordedRun, ValidationSet, printable, shell};
use unicode_width::UnicodeWidthStr;

use crate::number_format;
use crate::page::provenance::{known, provenance};
use crate::query::store;
use crate::render::layout::{BOLD, DIM, GAP, INDENT, fitted_table, output_width, styled, wrap};
use crate::render::sparkline::sparkline;
use crate::table::{Prominence, RenderedColumn};
use crate::wording::{self, truncated};

/// The width that a value has beside long names in a narrow terminal.
const LEAST_ROOM: usize = 28;

/// The maximum and the minimum width of a sparkline.
const CURVE: usize = 40;
const SHORTEST_CURVE: usize = 6;

/// Prints the run with this id, or the newest run of the trial with this id.
pub fn show(results: &Path, id: &str) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let run = store::find(&reader, results, id)?;
    let epochs = reader.epochs(&run)?;
    let invocation = reader.invocation(&run)?;
    let width = output_width();

    let mut out = anstream::stdout().lock();
    let name = format!("run {}", run.id);
    let identity = format!("{name} of trial {}", run.trial);
    let heading = [&identity, run.status.as_str(), &run.experiment];
    for line in wrap(heading.into_iter(), " · ", width) {
        writeln!(out, "{}", line.replacen(&name, &styled(BOLD, &name), 1))?;
    }
    if !reader.integrity_issues().is_empty() {
        writeln!(
            out,
            "{}",
            styled(
                BOLD,
                "changed after it was recorded: the numbers below are not the measured ones"
            )
        )?;
    }
    section(&mut out, "hyperparameters", &hyperparameters(&run), width)?;
    section(&mut out, "results", &measurements(&run), width)?;
    section(&mut out, "data", &data(&run), width)?;
    section(&mut out, "made", &made(&run, &reader.interruptions(&run)?, results), width)?;
    section(&mut out, "by", &provenance(&invocation), width)?;
    if !epochs.is_empty() {
        writeln!(out, "\n{}", styled(BOLD, "epochs"))?;
        for line in fitted_table(epoch_columns(&epochs), width) {
            writeln!(out, "{line}")?;
        }
        section(&mut out, "curves", &curves(&epochs, width), width)?;
    }
    if let Some(text) = &invocation.experiment_file {
        writeln!(out, "\n{}", styled(BOLD, "experiment file"))?;
        for line in text.lines() {
            writeln!(out, "  {}", styled(DIM, &printable(line)))?;
        }
    }
    out.flush()?;
    Ok(super::report_damage(&reader, results))
}

/// Prints a title and one line per fact. Prints nothing if there are no facts.
fn section(
    out: &mut impl Write,
    title: &str,
    facts: &[(String, String)],
    width: usize,
) -> Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", styled(BOLD, title))?;
    let longest = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (name, value) in facts {
        let value = printable(value);
        let value = truncated(&value, width.saturating_sub(longest + INDENT + GAP).max(LEAST_ROOM));
        let gap = " ".repeat(longest - name.width());
        writeln!(out, "  {}{gap}   {value}", styled(DIM, name))?;
    }
    Ok(())
}

fn hyperparameters(run: &RecordedRun) -> Vec<(String, String)> {
    run.params.iter().map(|(name, value)| (wording::key(name), wording::value(value))).collect()
}

/// A metric with six digits, which distinguish runs.
pub fn measured(name: &str, value: f64) -> String {
    match Unit::of(name, value.abs()) {
        _ if metric::is_learning_rate(name) && value != 0.0 && value.abs() < 1e-3 => {
            format!("{value:.3e}")
        }
        unit if unit.is_points() => format!("{:.4} %", unit.scale() * value),
        Unit::Seconds => tracking::seconds(value),
        _ => number_format::decimal(value, 6),
    }
}

fn measurements(run: &RecordedRun) -> Vec<(String, String)> {
    let mut results: Vec<_> = run.results.iter().collect();
    results.sort_by_key(|(name, _)| position(name));
    results
        .into_iter()
        .map(|(name, value)| (wording::metric(name), measured(name, *value)))
        .collect()
}

fn data(run: &RecordedRun) -> Vec<(String, String)> {
    let validation = match &run.validation {
        ValidationSet::NotStated => None,
        ValidationSet::Test => Some("on the test set".to_owned()),
        ValidationSet::HeldOut(fraction) => {
            Some(format!("on {fraction} of the training set, held out, stratified"))
        }
    };
    known([
        ("dataset", Some(run.dataset.clone())),
        (
            "in place of",
            run.fallback_for.as_ref().map(|wanted| format!("{wanted}, which was unavailable")),
        ),
        ("folder", run.dataset_path.clone()),
        ("sha256", Some(run.dataset_sha256.clone())),
        ("validation", validation),
    ])
}

fn made(
    run: &RecordedRun,
    interruptions: &[Interruption],
    results: &Path,
) -> Vec<(String, String)> {
    let resumed: Vec<String> =
        interruptions.iter().map(|interruption| format!("epoch {}", interruption.epoch)).collect();
    let model = weights_file(results, run);
    let mut facts = known([
        ("engine", Some(run.engine.clone())),
        (
            "shared from",
            run.shared_from
                .as_ref()
                .map(|longer| format!("run {longer}, whose training includes this one")),
        ),
        ("device", Some(run.device.clone())),
        ("program sha256", run.program_sha256.clone()),
        ("started", Some(run.started_at.clone())),
        ("resumed after", (!resumed.is_empty()).then(|| resumed.join(", "))),
        ("ended", Some(run.ended_at.clone())),
    ]);
    // The error of a program has the last lines of its standard error.
    let names = iter::once("error").chain(iter::repeat(""));
    let error = names.zip(run.error.iter().flat_map(|error| error.lines()));
    facts.extend(error.map(|(name, line)| (name.to_owned(), line.to_owned())));
    let has_log = Stream::ALL.iter().any(|stream| {
        tracking::program_files::log_path(results, &run.experiment, &run.id, *stream).is_file()
    });
    let show_log = || shell::next_command("report", "show", results, &[run.id.as_str(), "--log"]);
    facts.extend(known([
        ("log", has_log.then(show_log)),
        ("weights", model.is_file().then(|| model.display().to_string())),
    ]));
    facts
}

/// Names of the per-epoch metrics, the usual ones first.
fn metric_order(epochs: &[EpochMetrics]) -> Vec<&str> {
    const ORDER: [&str; 6] =
        ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"];
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in epochs.iter().flat_map(|epoch| &epoch.metrics) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    names
}

fn epoch_columns(epochs: &[EpochMetrics]) -> Vec<RenderedColumn> {
    let column = |name: &str, title: &str, prominence, cells| RenderedColumn {
        name: name.to_owned(),
        title: title.to_owned(),
        prominence,
        numeric: true,
        cells,
    };
    let mut columns = vec![
        column(
            "epoch",
            "epoch",
            Prominence::Needed,
            epochs.iter().map(|epoch| epoch.epoch.to_string()).collect(),
        ),
        column(
            "step",
            "step",
            Prominence::Optional(2),
            epochs.iter().map(|epoch| epoch.step.to_string()).collect(),
        ),
    ];
    for name in metric_order(epochs) {
        let largest = epochs
            .iter()
            .filter_map(|epoch| epoch_metric(epoch, name))
            .map(f64::abs)
            .fold(0.0, f64::max);
        let text = |value: f64| match Unit::of(name, largest) {
            _ if metric::is_learning_rate(name) => measured(name, value),
            unit if unit.is_points() => format!("{:.2} %", unit.scale() * value),
            Unit::Seconds => tracking::seconds(value),
            _ => number_format::decimal(value, 4),
        };
        let cells = epochs
            .iter()
            .map(|epoch| epoch_metric(epoch, name).map_or_else(|| "—".to_owned(), text))
            .collect();
        let prominence = match name {
            "loss" | "accuracy" => Prominence::Needed,
            "val_loss" | "val_accuracy" => Prominence::Optional(5),
            name if metric::is_learning_rate(name) => Prominence::Optional(1),
            "seconds" => Prominence::Optional(0),
            _ => Prominence::Optional(3),
        };
        columns.push(column(name, &wording::metric(name), prominence, cells));
    }
    columns
}

/// The metrics over the epochs except times: a sparkline with the first and the last value.
fn curves(epochs: &[EpochMetrics], width: usize) -> Vec<(String, String)> {
    let names: Vec<&str> =
        metric_order(epochs).into_iter().filter(|name| !metric::is_time(name)).collect();
    let longest = names.iter().map(|name| wording::metric(name).width()).max().unwrap_or(0);
    let curve = |name: &&str| {
        let values: Vec<f64> =
            epochs.iter().filter_map(|epoch| epoch_metric(epoch, name)).collect();
        let (first, last) = (*values.first()?, *values.last()?);
        let ends = format!("{} → {}", measured(name, first), measured(name, last));
        let room = width.saturating_sub(longest + ends.width() + 2 * GAP + INDENT);
        let line = sparkline(&values, room.clamp(SHORTEST_CURVE, CURVE));
        Some((wording::metric(name), format!("{line}   {ends}")))
    };
    names.iter().filter_map(curve).collect()
}
