//! Which runs an export writes: those that `-e` and `--where` choose.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Result, bail};
use tracking::{Declarations, Reader, RecordedRun, RunId};

use crate::analysis::comparison::CompareOptions;
use crate::cli::ComparisonArgs;
use crate::filter::{self, Condition};
use crate::query::{SelectedRuns, check_names, select_experiments};
use crate::runs::measured_at_end;

/// Ids of runs; `None` for all runs of the store.
pub type RunIds = Option<HashSet<RunId>>;

/// The runs that `args` choose.
pub fn selected_runs(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<RunIds> {
    reject_comparison_options(args)?;
    if args.experiments.is_empty() && args.conditions.is_empty() {
        return Ok(None);
    }
    let mut conditions = filter::parse_all(&args.conditions)?;
    let candidates = read_candidates(reader, results, args, &mut conditions, |_| true)?;
    let runs: HashSet<RunId> = candidates
        .iter()
        .flat_map(|selected| &selected.runs)
        .filter(|measured| filter::all_hold(&conditions, measured))
        .map(|measured| measured.run.id.clone())
        .collect();
    if runs.is_empty() {
        bail!("nothing to export: no run of these experiments matches every --where");
    }
    Ok(Some(runs))
}

/// Reads the runs of the requested experiments that pass `include`, and resolves the keys of
/// `conditions` to those of the runs. Does not apply the conditions.
pub fn read_candidates(
    reader: &Reader,
    results: &Path,
    args: &ComparisonArgs,
    conditions: &mut [Condition],
    include: impl Fn(&RecordedRun) -> bool,
) -> Result<Vec<SelectedRuns>> {
    let mut candidates = Vec::new();
    for experiment in select_experiments(reader, results, &args.experiments)? {
        let runs = reader.all_runs(&experiment.name)?.into_iter().filter(&include).collect();
        let runs = measured_at_end(reader, runs)?;
        let declarations = Declarations::default();
        candidates.push(SelectedRuns { experiment, declarations, runs });
    }
    check_names(CompareOptions::default(), &candidates, conditions)?;
    Ok(candidates)
}

/// Rejects options that only a comparison has.
pub fn reject_comparison_options(args: &ComparisonArgs) -> Result<()> {
    let (experiments, conditions) = (args.experiments.clone(), args.conditions.clone());
    if *args != (ComparisonArgs { experiments, conditions, ..ComparisonArgs::default() }) {
        bail!(
            "an export of runs accepts only -e and --where: the other options shape a comparison, \
             use them with --format markdown or --format latex"
        );
    }
    Ok(())
}
