//! `report`: a comparison of every experiment.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use tracking::{Experiment, Reader, RecordedRun};

use crate::cli::{CompareArgs, Format};
use crate::comparison::{self, Comparison, Question, param_names};
use crate::filter::Condition;
use crate::format::{csv::csv, json::json, markdown::markdown, text::text};
use crate::nearest::suggestion;
use crate::table::{Everything, lay_out};

/// For a results folder without results.
pub const WHAT_TO_RUN: &str = "no results yet; run: cargo run -p runner -- experiments/batch_sweep.toml";

/// Columns where the terminal does not say.
const WIDTH: usize = 100;

/// Metrics that exist only per epoch; the last one's count.
const OF_LAST_EPOCH: [&str; 2] = ["val_accuracy", "val_loss"];

/// Prints the comparisons.
pub fn compare(results: &Path, args: &CompareArgs) -> Result<()> {
    let reader = Reader::open(results)?;
    let experiments = selected(reader.experiments()?, &args.experiments)?;
    let mut comparisons = Vec::new();
    for experiment in &experiments {
        comparisons.extend(compare_one(&reader, experiment, args)?);
    }
    let mut out = anstream::stdout().lock();
    if comparisons.is_empty() && matches!(args.format, Format::Table | Format::Markdown) {
        let nothing = if args.conditions.is_empty() { WHAT_TO_RUN } else { "no run fits --where" };
        writeln!(out, "{nothing}")?;
        return Ok(());
    }
    match args.format {
        Format::Table => {
            let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
            let tables: Vec<String> = comparisons.iter().map(|it| text(&lay_out(it, Everything::No), width)).collect();
            write!(out, "{}", tables.join("\n"))?;
        }
        Format::Markdown => {
            let tables: Vec<String> = comparisons.iter().map(|it| markdown(&lay_out(it, Everything::No))).collect();
            write!(out, "{}", tables.join("\n"))?;
        }
        Format::Csv => {
            let tables: Vec<_> = comparisons.iter().map(|it| lay_out(it, Everything::Yes)).collect();
            write!(out, "{}", csv(&tables)?)?;
        }
        Format::Json => write!(out, "{}", json(&comparisons))?,
    }
    Ok(())
}

fn selected(known: Vec<Experiment>, wanted: &[String]) -> Result<Vec<Experiment>> {
    let names: Vec<&str> = known.iter().map(|experiment| experiment.name.as_str()).collect();
    if let Some(name) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("no experiment '{name}' was recorded here; {}", suggestion(name, &names));
    }
    Ok(known.into_iter().filter(|it| wanted.is_empty() || wanted.contains(&it.name)).collect())
}

/// A comparison a dataset and validation: numbers of two datasets never stand in one table.
fn compare_one(reader: &Reader, experiment: &Experiment, args: &CompareArgs) -> Result<Vec<Comparison>> {
    let all = reader.runs(&experiment.name)?;
    let all: Vec<&RecordedRun> = all.iter().collect();
    check_names(&all, args)?;
    let metrics: Vec<&str> = all.iter().flat_map(|run| &run.results).map(|(name, _)| name.as_str()).collect();
    let keys: Vec<&str> = param_names(&all).into_iter().chain(tracking::RESULTS).chain(metrics).collect();
    let conditions: Vec<Condition> =
        args.conditions.iter().map(|text| Condition::parse(text, &keys)).collect::<Result<_>>()?;
    let mut parts: BTreeMap<(&str, &str, &str), Vec<&RecordedRun>> = BTreeMap::new();
    for run in all.into_iter().filter(|run| conditions.iter().all(|condition| condition.holds(run))) {
        parts.entry((&run.dataset, &run.dataset_sha256, &run.validation)).or_default().push(run);
    }
    let mut last_epoch: BTreeMap<&str, HashMap<_, _>> = BTreeMap::new();
    if parts.keys().any(|(_, _, validation)| *validation != "test") {
        for name in OF_LAST_EPOCH {
            last_epoch.insert(name, reader.last_epoch(&experiment.name, name)?);
        }
    }
    let question = Question { by: &args.by, sort: args.sort.as_deref(), top: args.top };
    let named = (experiment.name.as_str(), experiment.description.as_str());
    let nothing = BTreeMap::new();
    Ok(parts
        .into_iter()
        .map(|((_, _, validation), runs)| {
            // With validation on the test set, val_accuracy is test_accuracy once more.
            let last_epoch = if validation == "test" { &nothing } else { &last_epoch };
            comparison::compare(named, &runs, last_epoch, &question)
        })
        .collect())
}

fn check_names(runs: &[&RecordedRun], args: &CompareArgs) -> Result<()> {
    let params = param_names(runs);
    if let Some(key) = args.by.iter().find(|key| !runs.is_empty() && !params.contains(&key.as_str())) {
        bail!("--by {key}: no such hyperparameter; {}", suggestion(key, &params));
    }
    if let Some(metric) = &args.sort {
        let mut metrics: Vec<&str> = runs.iter().flat_map(|run| &run.results).map(|(name, _)| name.as_str()).collect();
        metrics.extend(OF_LAST_EPOCH);
        metrics.sort_unstable();
        metrics.dedup();
        if !runs.is_empty() && !metrics.contains(&metric.as_str()) {
            bail!("--sort {metric}: no such metric; {}", suggestion(metric, &metrics));
        }
    }
    Ok(())
}
