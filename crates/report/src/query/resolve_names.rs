//! Parses conditions, and finds each hyperparameter, metric and column that a query names.

use analysis::runs::{EpochChoice, FACTS, distinct, metric_names, param_names};
use anyhow::{Result, bail};
use tracking::filter::{Condition, FilterError};
use tracking::metric;
use tracking::typed_name::{find, unknown};

use super::select::SelectedRuns;
use crate::cli::ComparisonArgs;
use crate::comparison::{CompareOptions, Comparison};
use crate::table::{ALL_COLUMNS, Column, TableOptions, available_columns};

/// Parses the conditions of `--where`.
///
/// # Errors
/// If the syntax of a condition is wrong.
pub fn parse_conditions(args: &ComparisonArgs) -> Result<Vec<Condition>, FilterError> {
    args.conditions.iter().map(|text| Condition::parse(text)).collect()
}

/// Replaces the names in `options` and `conditions` by the names in the runs: `test accuracy`
/// becomes `test_accuracy`. If a direction on the command line names a metric, the returned options rank by
/// it, unless they already name one.
///
/// # Errors
/// If a name is unknown, or the ranking metric has no direction.
pub fn resolve_names(
    mut options: CompareOptions,
    selected: &[SelectedRuns],
    conditions: &mut [Condition],
) -> Result<CompareOptions> {
    let runs = || selected.iter().flat_map(|selected| &selected.runs);
    if runs().next().is_none() {
        return Ok(options);
    }
    let (params, metrics) = (param_names(runs()), metric_names(runs()));
    resolve_conditions(conditions, &params, &metrics)?;
    for key in options.by.iter_mut().flatten().chain(&mut options.replicate) {
        *key = resolve("hyperparameter", key, &params)?.to_owned();
    }
    check_sort(&options, selected, &metrics)?;
    let is_known = |name: &str| metrics.iter().any(|metric| metric::is_covered(metric, name));
    if let Some((name, _)) = options.directions.iter().find(|(name, _)| !is_known(name)) {
        bail!("{}", unknown("metric", name, &metrics));
    }
    let named = options.sort.iter().chain(options.directions.iter().map(|(name, _)| name));
    options.sort = named.into_iter().find_map(|name| find(name, &metrics)).map(str::to_owned);
    check_direction(&options, selected)?;
    Ok(options)
}

/// The one of `candidates` that `word` means. `what` says what the candidates are.
///
/// # Errors
/// If there is none. The error suggests the nearest candidate.
pub fn resolve<'a>(what: &str, word: &str, candidates: &[&'a str]) -> Result<&'a str> {
    match find(word, candidates) {
        Some(name) => Ok(name),
        None => bail!("{}", unknown(what, word, candidates)),
    }
}

/// Resolves the keys of `conditions`. If another key hides the hyperparameter or metric `NAME`,
/// `param_NAME` or `metric_NAME` is a key too.
///
/// # Errors
/// If a key or a status is unknown.
pub fn resolve_conditions(
    conditions: &mut [Condition],
    params: &[&str],
    metrics: &[&str],
) -> Result<(), FilterError> {
    let hidden_params =
        params.iter().filter(|name| FACTS.contains(name)).map(|name| format!("param_{name}"));
    let is_hidden = |name: &&&str| FACTS.contains(name) || params.contains(name);
    let hidden_metrics = metrics.iter().filter(is_hidden).map(|name| format!("metric_{name}"));
    let hidden: Vec<String> = hidden_params.chain(hidden_metrics).collect();
    let hidden = hidden.iter().map(String::as_str);
    let keys: Vec<&str> =
        params.iter().chain(metrics).copied().chain(FACTS).chain(hidden).collect();
    for condition in conditions {
        condition.resolve(&keys)?;
    }
    Ok(())
}

/// Checks the metric of `--sort`. With `--at best`, runs have only per-epoch metrics, and none if
/// the metric has no direction. The error then asks for the direction.
fn check_sort(options: &CompareOptions, selected: &[SelectedRuns], metrics: &[&str]) -> Result<()> {
    let Some(name) = options.sort.iter().find(|name| find(name, metrics).is_none()) else {
        return Ok(());
    };
    let has_no_direction =
        |selected: &SelectedRuns| options.rules(&selected.declarations).direction(name).is_none();
    if options.epoch == EpochChoice::Best && selected.iter().all(has_no_direction) {
        let name = tracking::printable(name);
        bail!(
            "no epoch is best by `{name}`: direction unknown, use --minimize {name} or --maximize {name}"
        );
    }
    bail!("{}", unknown("metric", name, metrics));
}

/// Checks that the metric of `--sort` has a direction in every experiment that measured it.
fn check_direction(options: &CompareOptions, selected: &[SelectedRuns]) -> Result<()> {
    let Some(name) = &options.sort else { return Ok(()) };
    for SelectedRuns { experiment, declarations, runs, .. } in selected {
        let is_measured = runs.iter().any(|run| run.metric(name).is_some());
        if is_measured && options.rules(declarations).direction(name).is_none() {
            let name = tracking::printable(name);
            bail!(
                "{}: direction of `{name}` unknown: use --minimize {name} or --maximize {name}",
                experiment.name
            );
        }
    }
    Ok(())
}

/// The rows and columns to show.
///
/// # Errors
/// If no table has one of the columns.
pub fn table_options(args: &ComparisonArgs, comparisons: &[Comparison]) -> Result<TableOptions> {
    let mut options = TableOptions { top: args.top, columns: args.columns.clone() };
    if !comparisons.is_empty() {
        let columns: Vec<Column> = comparisons.iter().flat_map(available_columns).collect();
        let mut known = distinct(columns.iter().map(|column| column.name.as_str()));
        known.push(ALL_COLUMNS);
        for name in options.columns.iter_mut().flatten() {
            *name = resolve("column", name, &known)?.to_owned();
        }
    }
    Ok(options)
}
