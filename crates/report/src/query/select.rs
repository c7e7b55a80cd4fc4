//! Selects experiments by name.

use std::path::Path;

use analysis::runs::MeasuredRun;
use anyhow::{Result, bail};
use tracking::typed_name::unknown;
use tracking::{Declarations, Experiment, Reader};

use super::store::run_advice;

/// A selected experiment with its declarations and runs.
pub struct SelectedRuns {
    pub experiment: Experiment,
    pub declarations: Declarations,
    pub runs: Vec<MeasuredRun>,
    /// Names the runs of older code, which are not compared.
    pub left_out: Option<String>,
}

/// The experiments called `names`; all of them if `names` is empty.
///
/// # Errors
/// If a name is unknown.
pub fn select_experiments(
    reader: &Reader,
    results: &Path,
    names: &[String],
) -> Result<Vec<Experiment>> {
    let mut experiments = reader.experiments()?;
    let known: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        if known.is_empty() {
            bail!("no experiment in {} yet; {}", results.display(), run_advice(results));
        }
        bail!("{}", unknown("experiment", name, &known));
    }
    if !names.is_empty() {
        experiments.retain(|experiment| names.contains(&experiment.name));
    }
    Ok(experiments)
}
