//! Reads the details of a comparison for the page: learning curves, the best trial and its
//! provenance. Only the few settings that are drawn are read.

use std::collections::HashMap;
use std::path::Path;

use analysis::runs::{MeasuredRun, distinct, epoch_metric, weights_file};
use analysis::statistics::Statistic;
use tracking::metric;
use tracking::{EpochMetrics, ErrorAnalysis, Invocation, Reader, RecordedRun, RunId, StoreError};

use crate::comparison::{Comparison, Setting};
use crate::page::weights::Weights;

/// The maximum number of settings with learning curves.
const CURVES: usize = 8;
/// The maximum number of runs in the mean of a learning curve.
pub const RUNS: usize = 50;

/// A metric of a setting over its epochs.
#[derive(Debug)]
pub struct Curve {
    /// The index of the setting in the comparison.
    pub setting: usize,
    /// Each epoch with the metric over the runs that have it there.
    pub points: Vec<(u32, Statistic)>,
}

/// The best run of the best setting.
#[derive(Debug)]
pub struct BestTrial {
    /// The run as recorded.
    pub run: RecordedRun,
    /// Its error analysis, if recorded.
    pub examples: Option<ErrorAnalysis>,
    /// Its weights, if their file exists.
    pub weights: Option<Weights>,
}

/// The details of a comparison.
#[derive(Debug, Default)]
pub struct Details {
    /// Metrics that were measured after each epoch, with their curves.
    pub curves: Vec<(String, Vec<Curve>)>,
    /// The best trial; `None` if no setting is ranked.
    pub best: Option<BestTrial>,
    /// The invocation of the best run, or else of the first.
    pub invocation: Option<Invocation>,
}

/// Reads the details of `comparison`, whose runs are among `runs`.
pub fn details(
    reader: &Reader,
    results: &Path,
    comparison: &Comparison,
    runs: &[MeasuredRun],
) -> Result<Details, StoreError> {
    let by_id: HashMap<&RunId, &MeasuredRun> =
        runs.iter().map(|measured| (&measured.run.id, measured)).collect();
    let finished = |setting: &Setting| {
        setting.finished.iter().filter_map(|id| by_id.get(id).copied()).collect()
    };
    let mut epochs: Vec<Vec<Vec<EpochMetrics>>> = Vec::new();
    for setting in comparison.settings.iter().take(CURVES) {
        let of_setting: Vec<&MeasuredRun> = finished(setting);
        epochs.push(
            of_setting
                .iter()
                .take(RUNS)
                .map(|measured| reader.epochs(&measured.run))
                .collect::<Result<_, _>>()?,
        );
    }
    let curves = curve_metrics(&epochs, comparison)
        .into_iter()
        .map(|name| (name.to_owned(), curves(&epochs, name)))
        .collect();
    let best = comparison
        .best()
        .map(finished)
        .and_then(|runs: Vec<&MeasuredRun>| best_of(&runs, comparison));
    let best = best.map(|measured| best_trial(reader, results, &measured.run)).transpose()?;
    let of_these =
        |measured: &&MeasuredRun| measured.run.dataset_sha256 == comparison.dataset_sha256;
    let first = runs.iter().find(of_these).map(|measured| measured.run.clone());
    let run = best.as_ref().map(|best| best.run.clone()).or(first);
    let invocation = run.map(|run| reader.invocation(&run)).transpose()?;
    Ok(Details { curves, best, invocation })
}

/// The two most important per-epoch metrics: the ranking metric, then validation before training.
fn curve_metrics<'a>(
    epochs: &'a [Vec<Vec<EpochMetrics>>],
    comparison: &Comparison,
) -> Vec<&'a str> {
    let all = epochs.iter().flatten().flatten().flat_map(|epoch| &epoch.metrics);
    let mut names =
        distinct(all.map(|(name, _)| name.as_str()).filter(|name| !metric::is_bookkeeping(name)));
    let ranked_by = comparison.ranked_by.as_deref();
    const FIRST: [&str; 4] = ["val_accuracy", "val_loss", "accuracy", "loss"];
    let known = |name: &str| FIRST.iter().position(|known| *known == name).unwrap_or(FIRST.len());
    names.sort_by_key(|name| (Some(*name) != ranked_by, metric::is_of_training(name), known(name)));
    names.truncate(2);
    names
}

fn curves(epochs: &[Vec<Vec<EpochMetrics>>], name: &str) -> Vec<Curve> {
    let curve = |(setting, runs): (usize, &Vec<Vec<EpochMetrics>>)| {
        let mut values: Vec<(u32, f64)> = runs
            .iter()
            .flatten()
            .filter_map(|epoch| Some((epoch.epoch, epoch_metric(epoch, name)?)))
            .filter(|point| point.1.is_finite())
            .collect();
        values.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let point = |chunk: &[(u32, f64)]| {
            Some((chunk[0].0, Statistic::of(chunk.iter().map(|(_, value)| *value).collect())?))
        };
        Curve { setting, points: values.chunk_by(|a, b| a.0 == b.0).filter_map(point).collect() }
    };
    epochs.iter().enumerate().map(curve).filter(|curve| !curve.points.is_empty()).collect()
}

/// The run with the best ranking metric; among equal ones, that of the first trial id.
fn best_of<'a>(runs: &[&'a MeasuredRun], comparison: &Comparison) -> Option<&'a MeasuredRun> {
    let metric = comparison.ranking()?;
    let oriented = |measured: &&'a MeasuredRun| {
        Some((*measured, metric.oriented(measured.metric(&metric.name)?)))
    };
    let better = |a: (&'a MeasuredRun, f64), b: (&'a MeasuredRun, f64)| {
        if b.1.total_cmp(&a.1).then(a.0.run.trial.as_str().cmp(b.0.run.trial.as_str())).is_gt() {
            b
        } else {
            a
        }
    };
    runs.iter().filter_map(oriented).reduce(better).map(|(measured, _)| measured)
}

fn best_trial(reader: &Reader, results: &Path, run: &RecordedRun) -> Result<BestTrial, StoreError> {
    let examples = reader.error_analysis(run)?;
    Ok(BestTrial {
        run: run.clone(),
        examples,
        weights: Weights::read(&weights_file(results, run)),
    })
}
