//! Which runs an export writes: those that `-e` and `--where` choose.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Result, bail};
use tracking::{Reader, RunId};

use crate::cli::ComparisonArgs;
use crate::query::read_matching;

/// Ids of runs; `None` for all runs of the store.
pub type RunIds = Option<HashSet<RunId>>;

/// The runs that `args` choose.
pub fn selected_runs(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<RunIds> {
    reject_comparison_options(args)?;
    if args.experiments.is_empty() && args.conditions.is_empty() {
        return Ok(None);
    }
    let matching = read_matching(reader, results, args, |_| true)?;
    let runs = matching.into_iter().flat_map(|matching| matching.runs);
    let runs: HashSet<RunId> = runs.map(|measured| measured.run.id).collect();
    Ok(Some(runs))
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
