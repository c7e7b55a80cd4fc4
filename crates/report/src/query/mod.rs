//! A query: selects experiments and runs, compares the runs, and makes tables.

mod matching;
mod older_code;
mod resolve_names;
mod select;
pub mod store;
mod why_empty;

use std::path::Path;

use analysis::runs::{MeasuredRun, measured_runs};
use anyhow::{Context, Result};
use tracking::filter::Condition;
use tracking::{Experiment, Reader};

use crate::cli::{ComparisonArgs, DirectionArgs};
use crate::comparison::last_epoch::last_improvement;
use crate::comparison::{self, CompareOptions, Comparison};
use crate::narrative;
use crate::table::{Table, tables};
use resolve_names::{resolve_names, table_options};
use select::SelectedRuns;

pub use matching::{MatchingRuns, read_matching};
pub use resolve_names::{parse_conditions, resolve, resolve_conditions};
pub use select::select_experiments;
pub use why_empty::{print_why_empty, why_empty};

/// The runs of a query and their comparisons.
pub struct QueryResult {
    /// The runs that match every condition, by experiment.
    pub runs: Vec<(Experiment, Vec<MeasuredRun>)>,
    /// One table per comparison.
    pub tables: Vec<Table>,
    /// The reason why there are no tables.
    pub why_empty: Option<String>,
}

impl QueryResult {
    /// Prints the reason why there are no tables, if there are none.
    pub fn print_why_empty(&self) {
        if let Some(why) = &self.why_empty {
            print_why_empty(why);
        }
    }
}

/// Compares the runs that `args` select.
///
/// # Errors
/// If an option is wrong, or the store cannot be read.
pub fn compare_runs(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<QueryResult> {
    let mut conditions = parse_conditions(args)?;
    let options = options(args)?;
    let mut selected = selected_runs(reader, results, args, &options)?;
    let options = resolve_names(options, &selected, &mut conditions)?;
    let found: usize = selected.iter().map(|selected| selected.runs.len()).sum();
    let mut comparisons: Vec<Comparison> = Vec::new();
    for SelectedRuns { experiment, declarations, runs, .. } in &mut selected {
        let matches = |run: &MeasuredRun| conditions.iter().all(|condition| run.matches(condition));
        let excluded: Vec<MeasuredRun> = runs.extract_if(.., |run| !matches(run)).collect();
        let compared = comparison::compare(experiment, declarations, runs, &excluded, &options);
        comparisons.extend(compared.with_context(|| experiment.name.clone())?);
    }
    let why_empty = comparisons.is_empty().then(|| {
        let left_out = selected.iter().filter_map(|selected| selected.left_out.clone());
        let why = why_empty(reader, results, args, found);
        [why].into_iter().chain(left_out).collect::<Vec<_>>().join(". ")
    });
    let table_options = table_options(args, &comparisons)?;
    let mut tables = tables(comparisons, &table_options);
    for table in &mut tables {
        let name = &table.comparison.experiment.name;
        let Some(selected) = selected.iter().find(|selected| selected.experiment.name == *name)
        else {
            continue;
        };
        table.warnings = warnings(reader, &table.comparison, &selected.runs)?;
        table.left_out = selected.left_out.clone();
    }
    let runs = selected.into_iter().map(|selected| (selected.experiment, selected.runs)).collect();
    Ok(QueryResult { runs, tables, why_empty })
}

/// The options of the comparison.
fn options(args: &ComparisonArgs) -> Result<CompareOptions> {
    let baseline = |text| setting_condition(text, "--against");
    Ok(CompareOptions {
        by: args.by.clone(),
        sort: args.sort.clone(),
        epoch: args.at,
        directions: args.directions.directions()?,
        replicate: args.replicate.clone(),
        against: args.against.as_deref().map(baseline).transpose()?,
    })
}

/// A condition that selects settings, in which a comma means `and`, unless it contains quotes.
/// Errors name `option`, where the user typed it.
///
/// # Errors
/// If the syntax is wrong.
pub fn setting_condition(text: &str, option: &'static str) -> Result<Condition> {
    let quoted = text.contains(['\'', '"', '`']);
    let text = if quoted { text.to_owned() } else { text.replace(',', " and ") };
    Ok(Condition::parse(&text).map_err(|error| error.with_option(option))?)
}

/// Reads the runs of the selected experiments that have the newest code.
fn selected_runs(
    reader: &Reader,
    results: &Path,
    args: &ComparisonArgs,
    options: &CompareOptions,
) -> Result<Vec<SelectedRuns>> {
    let DirectionArgs { minimize, maximize } = &args.directions;
    let sort = [args.sort.as_ref(), minimize.first(), maximize.first()];
    let sort = sort.into_iter().flatten().next().map(String::as_str);
    let mut selected = Vec::new();
    for experiment in select_experiments(reader, results, &args.experiments)? {
        let declarations = reader.declarations(&experiment.name)?;
        let rules = options.rules(&declarations);
        let mut programs = reader.runs_by_program(&experiment.name)?;
        let older = programs.split_off(programs.len().min(1));
        let left_out = older_code::left_out(results, &experiment.name, &older);
        let newest = programs.pop().map_or_else(Vec::new, |newest| newest.runs);
        let runs = measured_runs(reader, newest, args.at, &rules, sort)?;
        selected.push(SelectedRuns { experiment, declarations, runs, left_out });
    }
    Ok(selected)
}

/// Warnings about the training of the best setting.
fn warnings(reader: &Reader, comparison: &Comparison, runs: &[MeasuredRun]) -> Result<Vec<String>> {
    let improvement = last_improvement(reader, comparison, runs)?;
    let warning =
        improvement.and_then(|improvement| narrative::still_improves(comparison, improvement));
    Ok(warning.into_iter().collect())
}
