//! Reads the metrics of runs at the chosen epoch.

use std::collections::HashSet;

use tracking::metric::{self, Rules};
use tracking::typed_name::find;
use tracking::{Direction, EpochMetrics, Queries, RecordedRun, Status, StoreError, ValidationSet};

use super::epoch_choice::EpochChoice;
use super::measured_run::{MeasuredRun, epoch_metric};
use super::names::distinct;

/// Adds the metrics at the chosen epoch to `runs`.
///
/// The metric `sort` chooses the best epoch; without it, or if the runs do not log it per epoch,
/// the ranking metric of the `rules` does.
pub fn measured_runs(
    reader: &Queries,
    runs: Vec<RecordedRun>,
    epoch: EpochChoice,
    rules: &Rules,
    sort: Option<&str>,
) -> Result<Vec<MeasuredRun>, StoreError> {
    if epoch == EpochChoice::Last {
        return measured_at_end(reader, runs);
    }
    let runs = with_test_sizes(reader, runs)?;
    let epochs: Vec<Vec<EpochMetrics>> = runs
        .iter()
        .map(|run| Ok(renamed(reader.epochs(run)?, &run.validation)))
        .collect::<Result<_, StoreError>>()?;
    let logged =
        distinct(epochs.iter().flatten().flat_map(|epoch| &epoch.metrics).map(|(name, _)| &**name));
    let measured = runs.iter().zip(&epochs).map(|(run, epochs)| {
        let position = match epoch {
            EpochChoice::Epoch(number) => epochs.iter().position(|epoch| epoch.epoch == number),
            EpochChoice::Best | EpochChoice::Last => {
                let requested = sort.and_then(|name| find(name, &logged));
                let chosen =
                    requested.or_else(|| rules.ranking(&logged, |_| false, &run.validation));
                chosen.and_then(|name| best(epochs, name, rules))
            }
        };
        at_epoch(run.clone(), epochs, position)
    });
    Ok(measured.collect())
}

/// Adds the last values of the per-epoch metrics to `runs`. Training metrics count only if the
/// program recorded no final metric.
pub fn measured_at_end(
    reader: &Queries,
    runs: Vec<RecordedRun>,
) -> Result<Vec<MeasuredRun>, StoreError> {
    let runs = with_test_sizes(reader, runs)?;
    let mut last = reader.last_values(&runs)?;
    let measured = |run: RecordedRun| {
        let mut by_epoch = last.remove(&run.id).unwrap_or_default();
        let has_no_result = run.status == Status::Finished
            && run.results.iter().all(|(name, _)| &**name == "seconds");
        let counts = |name: &str| !metric::is_of_training(name) || has_no_result;
        by_epoch.retain(|(name, _)| {
            counts(name) && !metric::is_bookkeeping(name) && run.param(name).is_none()
        });
        MeasuredRun { run, by_epoch }
    };
    Ok(runs.into_iter().map(measured).collect())
}

/// Adds the size of the test set to runs of earlier schemas, which did not record it. The confusion
/// matrix of one run gives the size for all runs on the same dataset.
fn with_test_sizes(
    reader: &Queries,
    mut runs: Vec<RecordedRun>,
) -> Result<Vec<RecordedRun>, StoreError> {
    let known =
        |run: &&RecordedRun| run.split_sizes.test.is_some() || run.status != Status::Finished;
    let mut unknown: HashSet<String> =
        runs.iter().filter(|run| !known(run)).map(|run| run.dataset_sha256.clone()).collect();
    unknown.remove("");
    for digest in unknown {
        let first = runs.iter().find(|run| run.dataset_sha256 == digest && !known(run));
        let Some(analysis) = first.map(|run| reader.error_analysis(run)).transpose()?.flatten()
        else {
            continue;
        };
        let total = analysis
            .confusion
            .iter()
            .map(|cell| cell.count)
            .fold(analysis.left_out, u64::saturating_add);
        for run in runs.iter_mut().filter(|run| run.dataset_sha256 == digest) {
            run.header.split_sizes.test.get_or_insert(total);
        }
    }
    Ok(runs)
}

/// Renames per-epoch metrics to the names of final metrics. If the test set is the validation,
/// `val_…` becomes `test_…`, unless the program logs both.
fn renamed(mut epochs: Vec<EpochMetrics>, validation: &ValidationSet) -> Vec<EpochMetrics> {
    if *validation != ValidationSet::Test {
        return epochs;
    }
    for epoch in &mut epochs {
        for index in 0..epoch.metrics.len() {
            let on_test =
                epoch.metrics[index].0.strip_prefix("val_").map(|rest| format!("test_{rest}"));
            if let Some(name) =
                on_test.filter(|name| epoch.metrics.iter().all(|(known, _)| known != name))
            {
                epoch.metrics[index].0 = name;
            }
        }
    }
    epochs
}

/// `run` as it was after the epoch at `position`: the metrics of that epoch replace the final
/// metrics, and the time is that of the epochs up to it.
fn at_epoch(mut run: RecordedRun, epochs: &[EpochMetrics], position: Option<usize>) -> MeasuredRun {
    run.results.clear();
    let Some(position) = position else { return MeasuredRun { run, by_epoch: Vec::new() } };
    let epoch = &epochs[position];
    let seconds: Option<f64> =
        epochs[..=position].iter().map(|epoch| finite(epoch, "seconds")).sum();
    let metrics = epoch
        .metrics
        .iter()
        .filter(|(name, _)| !metric::is_bookkeeping(name) && run.param(name).is_none());
    let by_epoch = metrics.map(|(name, value)| (name.as_str().into(), *value)).collect();
    run.results.push(("epoch".into(), f64::from(epoch.epoch)));
    run.results.extend(seconds.map(|seconds| ("seconds".into(), seconds)));
    MeasuredRun { run, by_epoch }
}

/// The value of the metric `name` in an epoch, if it is finite.
fn finite(epoch: &EpochMetrics, name: &str) -> Option<f64> {
    epoch_metric(epoch, name).filter(|value| value.is_finite())
}

/// The first epoch with the best value of the metric `name`; `None` if its direction is unknown.
fn best(epochs: &[EpochMetrics], name: &str, rules: &Rules) -> Option<usize> {
    let sign = match rules.direction(name)? {
        Direction::Minimize => -1.0,
        Direction::Maximize => 1.0,
    };
    let oriented =
        |(position, epoch): (usize, &EpochMetrics)| Some((position, sign * finite(epoch, name)?));
    let better = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    epochs.iter().enumerate().filter_map(oriented).reduce(better).map(|(position, _)| position)
}
