//! From what a user asks for to tables: selects experiments and runs, compares them and lays them out.

pub mod store;

use std::path::Path;

use anyhow::{Context, Result, bail};
use tracking::{Declarations, Experiment, Reader};

use crate::analysis::comparison::{self, CompareOptions, Comparison};
use crate::analysis::last_epoch::last_improvement;
use crate::cli::{ComparisonArgs, DirectionArgs};
use crate::filter::{self, Condition};
use crate::metric;
use crate::narrative;
use crate::runs::{EpochChoice, FACTS, MeasuredRun, measured_runs, metric_names, param_names};
use crate::suggestion::unknown;
use crate::table::{Column, Table, TableOptions, available_columns, tables};
use store::run_advice;

type Recorded = Vec<(Experiment, Vec<MeasuredRun>)>;

/// What an answer rests on, and the answer.
pub struct QueryResult {
    /// The runs that every condition holds of, by experiment.
    pub runs: Recorded,
    /// Their comparisons, laid out.
    pub tables: Vec<Table>,
    /// Why there are none.
    pub why_empty: Option<String>,
}

impl QueryResult {
    /// Tells the user why there is nothing to see.
    pub fn print_why_empty(&self) {
        if let Some(why) = &self.why_empty {
            anstream::eprintln!("{}", tracking::printable(why));
        }
    }
}

/// Compares the runs that `args` ask for.
pub fn compare_runs(reader: &Reader, results: &Path, args: &ComparisonArgs) -> Result<QueryResult> {
    let conditions = filter::parse_all(&args.conditions)?;
    let asked = CompareOptions {
        by: args.by.clone(),
        sort: args.sort.clone(),
        epoch: args.at,
        directions: args.directions.directions()?,
        replicate: args.replicate.clone(),
        against: args.against.as_deref().map(baseline).transpose()?,
    };
    let mut recorded: Vec<SelectedRuns> = Vec::new();
    for experiment in select_experiments(reader, results, &args.experiments)? {
        let declarations = reader.declarations(&experiment.name)?;
        let rules = asked.rules(&declarations);
        let DirectionArgs { minimize, maximize } = &args.directions;
        let sort = [args.sort.as_ref(), minimize.first(), maximize.first()];
        let sort = sort.into_iter().flatten().next().map(String::as_str);
        let runs = measured_runs(reader, &experiment.name, args.at, &rules, sort)?;
        recorded.push(SelectedRuns { experiment, declarations, runs });
    }
    let options = check_names(asked, &recorded, &conditions)?;
    let found: usize = recorded.iter().map(|it| it.runs.len()).sum();
    for selected in &mut recorded {
        selected.runs.retain(|run| filter::all_hold(&conditions, run));
    }
    let mut comparisons: Vec<Comparison> = Vec::new();
    for SelectedRuns { experiment, declarations, runs } in &recorded {
        let compared = comparison::compare(experiment, declarations, runs, &options);
        comparisons.extend(compared.with_context(|| experiment.name.clone())?);
    }
    let why_empty = comparisons.is_empty().then(|| match found {
        0 if !reader.integrity_issues().is_empty() => "no run is as it was recorded".to_owned(),
        0 => format!("no runs in {} yet; {}", results.display(), run_advice(results)),
        _ => format!("none of {found} runs fulfils every --where"),
    });
    let layout = layout(args, &comparisons)?;
    let mut tables = tables(comparisons, &layout);
    for table in &mut tables {
        let runs =
            recorded.iter().find(|it| it.experiment.name == table.comparison.experiment.name);
        let runs: &[MeasuredRun] = runs.map_or(&[], |selected| &selected.runs);
        let improvement = last_improvement(reader, &table.comparison, runs)?;
        table.warnings = improvement
            .and_then(|improvement| narrative::still_improves(&table.comparison, improvement))
            .into_iter()
            .collect();
    }
    Ok(QueryResult {
        runs: recorded.into_iter().map(|it| (it.experiment, it.runs)).collect(),
        tables,
        why_empty,
    })
}

/// An experiment that is asked for: what it declares, and its runs.
pub struct SelectedRuns {
    pub experiment: Experiment,
    pub declarations: Declarations,
    pub runs: Vec<MeasuredRun>,
}

/// The setting that `--against` names: a condition, in which a comma means `and`.
fn baseline(text: &str) -> Result<Condition> {
    let quoted = text.contains(['\'', '"', '`']);
    let text = if quoted { text.to_owned() } else { text.replace(',', " and ") };
    Ok(Condition::parse(&text).map_err(|error| error.with_option("--against"))?)
}

/// What is to be shown, once it is known that some table has it.
fn layout(args: &ComparisonArgs, comparisons: &[Comparison]) -> Result<TableOptions> {
    if let Some(wanted) = args.columns.as_ref().filter(|_| !comparisons.is_empty()) {
        let columns: Vec<Column> = comparisons.iter().flat_map(available_columns).collect();
        let mut known: Vec<&str> = Vec::new();
        for column in &columns {
            if !known.contains(&column.name.as_str()) {
                known.push(&column.name);
            }
        }
        if let Some(stranger) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
            bail!("{}", unknown("column", stranger, &known));
        }
    }
    Ok(TableOptions { top: args.top, columns: args.columns.clone() })
}

/// The experiments of these names; all, where none is named.
pub fn select_experiments(
    reader: &Reader,
    results: &Path,
    names: &[String],
) -> Result<Vec<Experiment>> {
    let mut experiments = reader.experiments()?;
    let known: Vec<&str> = experiments.iter().map(|it| it.name.as_str()).collect();
    if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
        if known.is_empty() {
            bail!("no experiment in {} yet; {}", results.display(), run_advice(results));
        }
        bail!("{}", unknown("experiment", stranger, &known));
    }
    if !names.is_empty() {
        experiments.retain(|it| names.contains(&it.name));
    }
    Ok(experiments)
}

/// `options`, once it is known that the runs have what it names.
pub fn check_names(
    options: CompareOptions,
    recorded: &[SelectedRuns],
    conditions: &[Condition],
) -> Result<CompareOptions> {
    let runs = || recorded.iter().flat_map(|it| &it.runs);
    if runs().next().is_none() {
        return Ok(options);
    }
    let (params, metrics) = (param_names(runs()), metric_names(runs()));
    let taken_params =
        params.iter().filter(|name| FACTS.contains(name)).map(|name| format!("param_{name}"));
    let is_taken = |name: &&&str| FACTS.contains(name) || params.contains(name);
    let taken: Vec<String> = taken_params
        .chain(metrics.iter().filter(is_taken).map(|name| format!("metric_{name}")))
        .collect();
    let taken = taken.iter().map(String::as_str);
    let keys: Vec<&str> =
        params.iter().chain(&metrics).copied().chain(FACTS).chain(taken).collect();
    for condition in conditions {
        condition.check(&keys)?;
    }
    let strange = |key: &&String| !params.contains(&key.as_str());
    if let Some(stranger) = options.by.iter().flatten().chain(&options.replicate).find(strange) {
        bail!("{}", unknown("hyperparameter", stranger, &params));
    }
    if let Some(stranger) = options.sort.iter().find(|metric| !metrics.contains(&metric.as_str())) {
        if options.epoch == EpochChoice::Best
            && recorded
                .iter()
                .all(|it| options.rules(&it.declarations).direction(stranger).is_none())
        {
            let name = tracking::printable(stranger);
            bail!(
                "no epoch is best by `{name}`: direction unknown, use --minimize {name} or --maximize {name}"
            );
        }
        bail!("{}", unknown("metric", stranger, &metrics));
    }
    let known = |name: &str| metrics.iter().any(|metric| metric::is_covered(metric, name));
    if let Some((stranger, _)) = options.directions.iter().find(|(name, _)| !known(name)) {
        bail!("{}", unknown("metric", stranger, &metrics));
    }
    // A direction on the command line also ranks by that metric.
    let first = options
        .directions
        .iter()
        .map(|(name, _)| name)
        .find(|name| metrics.contains(&name.as_str()));
    let sort = options.sort.clone().or_else(|| first.cloned());
    for SelectedRuns { experiment, declarations, runs } in recorded {
        let measured = |name: &&String| runs.iter().any(|run| run.metric(name).is_some());
        let rules = options.rules(declarations);
        if let Some(name) =
            sort.iter().filter(measured).find(|name| rules.direction(name).is_none())
        {
            let name = tracking::printable(name);
            bail!(
                "{}: direction of `{name}` unknown: use --minimize {name} or --maximize {name}",
                experiment.name
            );
        }
    }
    Ok(CompareOptions { sort, ..options })
}
