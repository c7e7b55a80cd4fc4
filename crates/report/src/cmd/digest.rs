//! `report digest`: the digest of the whole store, or of the results of each experiment.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{ComparisonArgs, DigestArgs, DigestScope};
use crate::query::{print_why_empty, select_experiments, store, why_empty};
use crate::results_digest::of_experiment;

use super::export::selected_runs;

/// Prints the digest that `args` ask for.
pub fn digest(args: &DigestArgs) -> Result<ExitCode> {
    let (scope, results, experiments) = args.resolve();
    match scope {
        DigestScope::Record => of_record(&results, experiments),
        DigestScope::Results => of_results(&results, &experiments),
    }
}

fn of_record(results: &Path, experiments: Vec<String>) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let args = ComparisonArgs { experiments, ..ComparisonArgs::default() };
    let runs = selected_runs(&reader, results, &args)?;
    let digest = reader.export(runs.as_ref(), &mut ())?;
    writeln!(std::io::stdout(), "{digest}")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints one line per experiment: the digest of its results, and its name.
fn of_results(results: &Path, experiments: &[String]) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let selected = select_experiments(&reader, results, experiments)?;
    if selected.is_empty() {
        print_why_empty(&why_empty(&reader, results, &ComparisonArgs::default(), 0));
    }
    for experiment in selected {
        let digest = of_experiment(&reader, results, &experiment.name)?;
        writeln!(std::io::stdout(), "{digest}  {}", tracking::printable(&experiment.name))?;
    }
    Ok(super::report_damage(&reader, results))
}
