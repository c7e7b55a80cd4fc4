//! The list of the runs of an experiment.

use analysis::metric::Metric;
use analysis::runs::{MeasuredRun, is_final, metric_names, metric_of, param_names};
use serde_json::Value as Json;
use tracking::metric::Rules;
use tracking::{ColumnNames, Value};

use super::short_ids::ShortIds;
use super::{ListCell, ListColumn, Listing};
use crate::number_format::with_unit;
use crate::query::MatchingRuns;
use crate::table::Prominence;
use crate::wording;

/// The names of the columns besides hyperparameters and the ranking metric.
const FACTS: [&str; 8] =
    ["experiment", "run", "trial", "status", "superseded", "dataset", "started_at", "seconds"];

/// The list of no runs, with the columns that every list of runs has.
pub fn no_runs() -> Listing {
    let column = |name| ListColumn::new(name, name, Prominence::Machine, Vec::new());
    Listing { heading: None, columns: FACTS.map(column).into() }
}

/// Lists the newest `top` runs of an experiment. Ids are short for people.
pub fn runs(selected: &MatchingRuns, top: usize, ids: &ShortIds) -> Listing {
    let shown: Vec<&MeasuredRun> = selected.runs.iter().rev().take(top).collect();
    let column = |name: &str, title: &str, prominence, cell: &dyn Fn(&MeasuredRun) -> ListCell| {
        ListColumn::new(name, title, prominence, shown.iter().map(|run| cell(run)).collect())
    };
    let id = |shown: String, id: &str| ListCell { shown, value: id.into() };
    let mut columns = vec![
        column("experiment", "experiment", Prominence::Machine, &|_| {
            ListCell::text(&selected.experiment.name)
        }),
        column("run", "run", Prominence::Needed, &|run| id(ids.run(&run.run), run.run.id.as_str())),
        column("trial", "trial", Prominence::Optional(5), &|run| {
            id(ids.trial(&run.run), run.run.trial.as_str())
        }),
    ];
    let mut names = ColumnNames::new(FACTS);
    for name in param_names(&selected.runs) {
        let varies = selected.varying.iter().any(|varying| varying == name);
        let prominence = if varies { Prominence::Needed } else { Prominence::Machine };
        let param = |run: &MeasuredRun| run.run.param(name).map_or_else(ListCell::absent, value);
        let mut column =
            column(&names.claim(name, "param_"), &wording::key(name), prominence, &param);
        column.numeric =
            shown.iter().all(|run| !matches!(run.run.param(name), Some(Value::Text(_))));
        columns.push(column);
    }
    columns.push(column("status", "status", Prominence::Needed, &|run| status(selected, run)));
    columns.push(column("superseded", "superseded", Prominence::Machine, &|run| ListCell {
        shown: String::new(),
        value: is_superseded(selected, run).into(),
    }));
    if let Some(metric) = ranking(selected) {
        let cell = |run: &MeasuredRun| {
            run.metric(&metric.name).map_or_else(ListCell::absent, |value| ListCell {
                shown: with_unit(metric.unit, value),
                value: value.into(),
            })
        };
        let (name, title) = (names.claim(&metric.name, "metric_"), wording::metric(&metric.name));
        columns.push(column(&name, &title, Prominence::Optional(8), &cell).numeric());
    }
    columns.extend(program(&shown, &mut names));
    let seconds = |run: &MeasuredRun| {
        run.metric("seconds").map_or_else(ListCell::absent, |seconds| ListCell {
            shown: tracking::seconds(seconds),
            value: seconds.into(),
        })
    };
    columns.extend([
        column("dataset", "dataset", Prominence::Machine, &|run| ListCell::text(&run.run.dataset)),
        column("started_at", "started (UTC)", Prominence::Optional(6), &|run| {
            ListCell::time(&run.run.started_at)
        }),
        column("seconds", "time", Prominence::Optional(0), &seconds).numeric(),
    ]);
    Listing { heading: Some(heading(selected, shown.len())), columns }
}

/// The digests of programs, which people need if there are several.
fn program(runs: &[&MeasuredRun], names: &mut ColumnNames) -> Option<ListColumn> {
    let digests = || runs.iter().map(|run| run.run.program_sha256.as_deref());
    digests().flatten().next()?;
    let cell = |digest: Option<&str>| {
        let text = |digest: &str| {
            let shown = tracking::printable(wording::short_digest(digest)).into_owned();
            ListCell { shown, value: digest.into() }
        };
        digest.map_or_else(ListCell::absent, text)
    };
    let differ = digests().any(|digest| Some(digest) != digests().next());
    let prominence = if differ { Prominence::Optional(7) } else { Prominence::Machine };
    let name = names.claim("program_sha256", "run_");
    Some(ListColumn::new(&name, "program", prominence, digests().map(cell).collect()))
}

/// `batch_sweep · 63 runs, newest first`
fn heading(selected: &MatchingRuns, shown: usize) -> String {
    let count = match selected.runs.len() {
        all if shown < all => format!("newest {shown} of {all} runs"),
        1 => "1 run".to_owned(),
        all => format!("{all} runs, newest first"),
    };
    format!("{} · {count}", tracking::printable(&selected.experiment.name))
}

fn value(value: &Value) -> ListCell {
    let json = match value {
        Value::Integer(number) => (*number).into(),
        Value::Real(number) => (*number).into(),
        Value::Text(text) => Json::from(text.as_str()),
    };
    ListCell { shown: wording::value(value), value: json }
}

/// Whether another run of the trial counts in comparisons.
fn is_superseded(selected: &MatchingRuns, run: &MeasuredRun) -> bool {
    !selected.effective.contains(&run.run.id)
}

fn status(selected: &MatchingRuns, run: &MeasuredRun) -> ListCell {
    let cell = ListCell::text(run.run.status.as_str());
    let note = if is_superseded(selected, run) { ", superseded" } else { "" };
    ListCell { shown: cell.shown + note, ..cell }
}

/// The metric that ranks the experiment by default.
fn ranking(selected: &MatchingRuns) -> Option<Metric> {
    let runs: Vec<&MeasuredRun> = selected.runs.iter().collect();
    let rules = Rules::new(&[], &selected.declarations);
    let names = metric_names(selected.runs.iter());
    let validation = &runs.last()?.run.validation;
    let name = rules.ranking(&names, |name| is_final(name, &runs), validation)?;
    Some(metric_of(name, &runs, &rules))
}
