//! `report`: store → comparison → table → format.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use tracking::{Experiment, Reader};

use crate::cli::{CompareArgs, Format, QuestionArgs};
use crate::comparison::{self, Comparison, Question};
use crate::filter::Condition;
use crate::format;
use crate::observed::{At, FACTS, Observed, metric_names, observe, param_names};
use crate::suggestion::unknown;
use crate::table::{Column, Layout, Table, choosable, tables};

type Recorded = Vec<(Experiment, Vec<Observed>)>;

/// Prints the comparison of every experiment asked for.
pub fn compare(results: &Path, args: &CompareArgs) -> Result<ExitCode> {
    let reader = super::open(results)?;
    let answer = ask(&reader, results, &args.question)?;
    answer.say_why_empty();
    let tables = answer.tables;
    let text = match args.format {
        Format::Table => format::text::text(&tables, super::width()),
        Format::Markdown => format::markdown::markdown(&tables),
        Format::Csv => format::csv::csv(&tables)?,
        Format::Json => format::json::json(&tables),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(super::damage(&reader, results))
}

/// What an answer rests on, and the answer.
pub struct Answer {
    /// The runs that every condition holds of, by experiment.
    pub runs: Recorded,
    /// Their comparisons, laid out.
    pub tables: Vec<Table>,
    /// Why there are none.
    pub why_empty: Option<String>,
}

impl Answer {
    /// Tells the user why there is nothing to see.
    pub fn say_why_empty(&self) {
        if let Some(why) = &self.why_empty {
            anstream::eprintln!("{}", tracking::printable(why));
        }
    }
}

/// Compares the runs that `args` ask for.
pub fn ask(reader: &Reader, results: &Path, args: &QuestionArgs) -> Result<Answer> {
    let conditions = args.conditions.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut runs = read(reader, select(reader, results, &args.experiments)?, args.at)?;
    let question = question(args, &runs, &conditions)?;
    let found: usize = runs.iter().map(|(_, runs)| runs.len()).sum();
    for (_, runs) in &mut runs {
        runs.retain(|run| conditions.iter().all(|condition| condition.holds(run)));
    }
    let comparisons: Vec<Comparison> =
        runs.iter().flat_map(|(experiment, runs)| comparison::compare(experiment, runs, &question)).collect();
    let why_empty = comparisons.is_empty().then(|| match found {
        0 if !reader.damage().is_empty() => "no run is as it was recorded".to_owned(),
        0 => format!("no runs in {} yet; {}", results.display(), super::what_to_run(results)),
        _ => format!("none of {found} runs fulfils every --where"),
    });
    let layout = layout(args, &comparisons)?;
    Ok(Answer { runs, tables: tables(comparisons, &layout), why_empty })
}

/// What is to be shown, once it is known that some table has it.
fn layout(args: &QuestionArgs, comparisons: &[Comparison]) -> Result<Layout> {
    if let Some(wanted) = args.columns.as_ref().filter(|_| !comparisons.is_empty()) {
        let columns: Vec<Column> = comparisons.iter().flat_map(choosable).collect();
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
    Ok(Layout { top: args.top, columns: args.columns.clone() })
}

/// The experiments of these names; all, where none is named.
pub(super) fn select(reader: &Reader, results: &Path, names: &[String]) -> Result<Vec<Experiment>> {
    let mut experiments = reader.experiments()?;
    let known: Vec<&str> = experiments.iter().map(|it| it.name.as_str()).collect();
    if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
        if known.is_empty() {
            bail!("no experiment in {} yet; {}", results.display(), super::what_to_run(results));
        }
        bail!("{}", unknown("experiment", stranger, &known));
    }
    if !names.is_empty() {
        experiments.retain(|it| names.contains(&it.name));
    }
    Ok(experiments)
}

fn read(reader: &Reader, experiments: Vec<Experiment>, at: At) -> Result<Recorded> {
    let read = |experiment: Experiment| Ok((experiment.clone(), observe(reader, &experiment.name, at)?));
    experiments.into_iter().map(read).collect()
}

/// What is asked, once it is known that the runs have what it names.
pub(super) fn question(args: &QuestionArgs, recorded: &Recorded, conditions: &[Condition]) -> Result<Question> {
    let runs = || recorded.iter().flat_map(|(_, runs)| runs);
    let question = Question { by: args.by.clone(), sort: args.sort.clone(), at: args.at };
    if runs().next().is_none() {
        return Ok(question);
    }
    let (params, metrics) = (param_names(runs()), metric_names(runs()));
    let keys: Vec<&str> = params.iter().chain(&metrics).copied().chain(FACTS).collect();
    for condition in conditions {
        condition.check(&keys)?;
    }
    if let Some(stranger) = args.by.iter().flatten().find(|key| !params.contains(&key.as_str())) {
        bail!("{}", unknown("hyperparameter", stranger, &params));
    }
    if let Some(stranger) = args.sort.iter().find(|metric| !metrics.contains(&metric.as_str())) {
        bail!("{}", unknown("metric", stranger, &metrics));
    }
    Ok(question)
}
