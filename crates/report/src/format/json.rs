//! For a program: a list of tables, every number in full, what was not measured null.

use serde_json::{Map, Value as Json, json};
use tracking::{Value, printable_json};

use crate::behind::Behind;
use crate::effects::{Effect, Effects};
use crate::observed::At;
use crate::statistics::{Interval, Statistic};
use crate::table::{Cell, Mark, Role, Row, Table};

/// All tables.
pub fn json(tables: &[Table]) -> String {
    let tables: Vec<Json> = tables.iter().map(table).collect();
    printable_json(&format!("{:#}\n", Json::Array(tables))).into_owned()
}

fn table(table: &Table) -> Json {
    let comparison = &table.comparison;
    let constants: Map<String, Json> =
        comparison.constants.iter().map(|(name, it)| (name.clone(), value(it))).collect();
    let settings: Vec<Json> = table.rows.iter().map(|row| setting(table, row)).collect();
    json!({
        "experiment": comparison.experiment.name,
        "description": comparison.experiment.description,
        "dataset": comparison.dataset,
        "dataset_sha256": comparison.dataset_sha256,
        "fallback_for": comparison.fallback_for,
        "validation": comparison.validation,
        "at": match comparison.at {
            At::Last => json!("last"),
            At::Best => json!("best"),
            At::Epoch(epoch) => json!(epoch),
        },
        "ranked_by": comparison.ranked_by,
        "compared_by": comparison.compared_by,
        "paired_by": comparison.paired_by,
        "notes": table.notes(),
        "effects": effects(&comparison.effects),
        "optimistic": comparison.is_optimistic(),
        "keys": comparison.keys,
        "averaged": comparison.averaged,
        "constants": constants,
        "runs": comparison.tally.total(),
        "finished": comparison.tally.finished,
        "diverged": comparison.tally.diverged,
        "failed": comparison.tally.failed,
        "killed": comparison.tally.killed,
        "running": comparison.tally.running,
        "settings": settings,
        "more_settings": table.more,
    })
}

fn setting(table: &Table, row: &Row) -> Json {
    let (mut setting, mut params, mut metrics) = (Map::new(), Map::new(), Map::new());
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        match column.role {
            Role::Key => params.insert(column.name.clone(), json_cell(cell)),
            Role::Metric(_) => metrics.insert(column.name.clone(), json_cell(cell)),
            Role::Count | Role::Interval(_) | Role::Difference(_) | Role::Flag => {
                setting.insert(column.name.clone(), json_cell(cell))
            }
            Role::Mark => setting.insert("indistinct".to_owned(), (*cell == Cell::Mark(Mark::Indistinct)).into()),
            Role::Note => None,
        };
    }
    setting.insert("best".to_owned(), row.best.into());
    setting.insert("params".to_owned(), params.into());
    setting.insert("metrics".to_owned(), metrics.into());
    setting.into()
}

fn json_cell(cell: &Cell) -> Json {
    match cell {
        Cell::Value(it) => value(it),
        Cell::Count(count) => json!(count),
        Cell::Statistic(it) => statistic(it),
        Cell::Interval(it) => interval(it),
        Cell::Difference(Behind { difference, test }) => {
            let mut json = statistic(difference);
            json["p"] = json!(test.map(|test| test.p));
            json["p_corrected"] = json!(test.map(|test| test.corrected.p));
            json["interval_corrected"] = test.map_or(Json::Null, |test| interval(&test.interval));
            json
        }
        Cell::Flag => Json::Bool(true),
        _ => Json::Null,
    }
}

fn statistic(statistic: &Statistic) -> Json {
    let Statistic { n, mean, deviation } = statistic;
    json!({ "n": n, "mean": mean, "sd": deviation, "interval": statistic.interval().as_ref().map(interval) })
}

fn interval(interval: &Interval) -> Json {
    json!([interval.low, interval.high])
}

/// What moves the metric of the comparison.
fn effects(effects: &Effects) -> Json {
    let level = |(of, metric): &(Value, Statistic)| json!({ "value": value(of), "metric": statistic(metric) });
    let effect = |it: &Effect| {
        let levels: Vec<Json> = it.levels.iter().map(level).collect();
        json!({ "hyperparameter": it.name, "range": it.range, "share_of_variance": it.share, "levels": levels })
    };
    json!({ "of": effects.of.iter().map(effect).collect::<Vec<_>>(), "interplay": effects.rest })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}
