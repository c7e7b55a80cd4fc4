//! Runs for MLflow: into a folder with a database that MLflow opens, or to a server.

mod backend;
mod client;
mod database;
mod mlflow_run;
mod names;
mod server;
mod tags;
mod uri;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use tracking::Reader;

use super::selection::ExportSelection;
use super::summary::ExportSummary;
use backend::{Backend, ExistingRun, OpenedExperiment};
use mlflow_run::{LoggedMetric, MlflowRun, RUNNING};
use tags::DIGEST_TAG;

pub use database::MlflowDatabase;
pub use server::MlflowServer;

/// Adds the runs to MLflow, and completes runs that earlier exports added.
///
/// The digest and the status of a run are written last. If an export is interrupted, the next one
/// completes its runs.
pub fn export(
    backend: &mut dyn Backend,
    reader: &Reader,
    results: &Path,
    selections: &[ExportSelection],
) -> Result<ExportSummary> {
    let mut summary = ExportSummary::default();
    for selection in selections {
        match backend.open_experiment(&selection.experiment)? {
            OpenedExperiment::Runs(existing) => {
                export_runs(backend, reader, results, selection, &existing, &mut summary)?;
            }
            OpenedExperiment::Deleted(id) => {
                summary.deleted += selection.runs.len();
                summary.notes.insert(format!(
                    "the experiment '{}' was deleted in MLflow: to restore it, run \
                     mlflow experiments restore --experiment-id {id}; to delete it for good, run \
                     mlflow gc --experiment-ids {id}",
                    selection.experiment.name
                ));
            }
        }
    }
    summary.notes.extend(backend.finish()?);
    Ok(summary)
}

/// Exports the runs of the open experiment.
fn export_runs(
    backend: &mut dyn Backend,
    reader: &Reader,
    results: &Path,
    selection: &ExportSelection,
    existing: &HashMap<String, ExistingRun>,
    summary: &mut ExportSummary,
) -> Result<()> {
    let added_before = summary.added;
    for run in &selection.runs {
        let Some(exported) = selection.read_run(reader, results, run)? else { continue };
        let mut run = MlflowRun::new(&exported, &selection.varying)?;
        summary.notes.append(&mut run.notes);
        match existing.get(&run.id) {
            Some(existing) if existing.deleted => summary.deleted += 1,
            Some(existing) if is_complete(existing, &run) => summary.unchanged += 1,
            Some(existing) => {
                complete(backend, existing, &run)?;
                summary.completed += 1;
            }
            None => {
                add(backend, &run)?;
                summary.added += 1;
            }
        }
    }
    if summary.added > added_before { backend.deduplicate() } else { Ok(()) }
}

fn is_complete(existing: &ExistingRun, run: &MlflowRun) -> bool {
    existing.status == run.status && existing.digest.as_ref() == Some(&run.digest)
}

fn add(backend: &mut dyn Backend, run: &MlflowRun) -> Result<()> {
    let id = backend.create_run(run)?;
    fill(backend, &id, run, &run.metrics)?;
    if run.status == RUNNING { Ok(()) } else { backend.end_run(&id, run) }
}

/// Adds what is missing from a run. A metric is present if its name, epoch and value are.
fn complete(backend: &mut dyn Backend, existing: &ExistingRun, run: &MlflowRun) -> Result<()> {
    let logged: HashSet<(String, i64, u64)> = backend
        .logged_metrics(&existing.id, &run.metric_names())?
        .into_iter()
        .map(|metric| metric.identity())
        .collect();
    let is_missing = |metric: &&LoggedMetric| !logged.contains(&metric.identity());
    let missing: Vec<LoggedMetric> = run.metrics.iter().filter(is_missing).cloned().collect();
    // A tag can become outdated, such as the error of a run that was resumed.
    let is_current = |tag: &str| tag == DIGEST_TAG || run.tags.iter().any(|(name, _)| name == tag);
    for tag in backend.owned_tags(&existing.id)?.iter().filter(|tag| !is_current(tag)) {
        backend.delete_tag(&existing.id, tag)?;
    }
    fill(backend, &existing.id, run, &missing)?;
    if existing.status == run.status { Ok(()) } else { backend.end_run(&existing.id, run) }
}

fn fill(
    backend: &mut dyn Backend,
    id: &str,
    run: &MlflowRun,
    missing: &[LoggedMetric],
) -> Result<()> {
    for (path, bytes) in &run.artifacts {
        backend.put_artifact(id, path, bytes)?;
    }
    backend.log(id, run, missing)
}
