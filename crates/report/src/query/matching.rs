//! Selects recorded runs for lists and exports, whatever their status.

use std::collections::HashSet;
use std::path::Path;

use analysis::runs::{MeasuredRun, measured_at_end, varying_params};
use anyhow::Result;
use tracking::{Declarations, Experiment, Reader, RecordedRun, RunId};

use super::resolve_names::{parse_conditions, resolve_names};
use super::select::{SelectedRuns, select_experiments};
use super::why_empty::{print_why_empty, why_empty};
use crate::cli::ComparisonArgs;
use crate::comparison::CompareOptions;

/// The selected runs of an experiment.
pub struct MatchingRuns {
    pub experiment: Experiment,
    pub declarations: Declarations,
    /// The runs that match every condition, in the order in which they started.
    pub runs: Vec<MeasuredRun>,
    /// The run of each trial that counts in comparisons.
    pub effective: HashSet<RunId>,
    /// Names of the hyperparameters that vary over all runs of the experiment.
    pub varying: Vec<String>,
}

/// Reads the runs that `args` select and `include` accepts. Leaves out experiments without such a
/// run, and prints why if there are none at all.
pub fn read_matching(
    reader: &Reader,
    results: &Path,
    args: &ComparisonArgs,
    include: impl Fn(&RecordedRun) -> bool,
) -> Result<Vec<MatchingRuns>> {
    let mut conditions = parse_conditions(args)?;
    let (mut candidates, mut effective) = (Vec::new(), Vec::new());
    for experiment in select_experiments(reader, results, &args.experiments)? {
        let (runs, effective_runs) = reader.all_and_effective_runs(&experiment.name)?;
        effective.push(effective_runs);
        let runs = measured_at_end(reader, runs.into_iter().filter(&include).collect())?;
        let declarations = reader.declarations(&experiment.name)?;
        candidates.push(SelectedRuns { experiment, declarations, runs, left_out: None });
    }
    resolve_names(CompareOptions::default(), &candidates, &mut conditions)?;
    let found = candidates.iter().map(|candidates| candidates.runs.len()).sum();
    let mut matching = Vec::new();
    for (candidates, effective) in candidates.into_iter().zip(effective) {
        let SelectedRuns { experiment, declarations, mut runs, .. } = candidates;
        let varying = varying_params(&runs);
        runs.retain(|run| conditions.iter().all(|condition| run.matches(condition)));
        if !runs.is_empty() {
            matching.push(MatchingRuns { experiment, declarations, runs, effective, varying });
        }
    }
    if matching.is_empty() {
        print_why_empty(&why_empty(reader, results, args, found));
    }
    Ok(matching)
}
