//! JSON for programs: a list of tables, numbers in full, missing values null.

use analysis::effects::{Effect, Effects, Rest};
use analysis::race::End;
use analysis::runs::EpochChoice;
use analysis::statistics::{CONFIDENCE, Interval, Statistic};
use serde_json::{Map, Value as Json, json};
use tracking::{Value, printable_json};

use crate::comparison::{DifferenceFromReference, Promise, RaceState};
use crate::table::{Cell, Left, Mark, Role, Row, Table};

/// All tables as one JSON document.
pub fn json(tables: &[Table]) -> String {
    let tables: Vec<Json> = tables.iter().map(table).collect();
    printable_json(&format!("{:#}\n", Json::Array(tables))).into_owned()
}

fn table(table: &Table) -> Json {
    let comparison = &table.comparison;
    let constants: Map<String, Json> = comparison
        .constants
        .iter()
        .map(|(name, constant)| (name.clone(), value(constant)))
        .collect();
    let settings: Vec<Json> = table.rows.iter().map(|row| setting(table, row)).collect();
    let mut document = json!({
        "experiment": comparison.experiment.name,
        "description": comparison.experiment.description,
        "dataset": comparison.datasets.first(),
        "datasets": comparison.datasets,
        "dataset_sha256": comparison.dataset_sha256,
        "fallback_for": comparison.fallback_for,
        "validation": comparison.validation.is_stated().then(|| comparison.validation.as_str()),
        "at": match comparison.epoch {
            EpochChoice::Last => json!("last"),
            EpochChoice::Best => json!("best"),
            EpochChoice::Epoch(epoch) => json!(epoch),
        },
        "ranked_by": comparison.ranked_by,
        "direction": comparison.ranking().and_then(|metric| metric.direction).map(tracking::Direction::as_str),
        "reported_by": comparison.reported_by,
        "replicate": comparison.replicate,
        "replicates": comparison.replicates,
        "complete": comparison.complete,
        "confidence": comparison.race.as_ref().map_or(CONFIDENCE, |race| race.rules.confidence()),
        "promise": comparison.promise.map(|promise| match promise {
            Promise::BestIsAmong => "best_is_among",
            Promise::BestIsInRace => "best_is_in_race",
            Promise::Against(_) => "against",
        }),
        "notes": table.findings(),
        "effects": match comparison.is_raced() {
            true => effects(&Effects::default()),
            false => effects(&comparison.effects),
        },
        "optimistic": comparison.is_optimistic(),
        "keys": comparison.keys,
        "averaged": comparison.averaged,
        "constants": constants,
        "runs": comparison.counts.total(),
        "finished": comparison.counts.finished,
        "diverged": comparison.counts.diverged,
        "failed": comparison.counts.failed,
        "killed": comparison.counts.killed,
        "running": comparison.counts.running,
        "settings": settings,
        "more_settings": table.omitted,
    });
    if let Some(race) = &comparison.race {
        document["race"] = self::race(race);
    }
    document
}

/// The rules and the state of a race.
fn race(race: &RaceState) -> Json {
    json!({
        "looks": race.rules.looks(),
        "confidence": race.rules.confidence(),
        "indifference": race.rules.indifference(),
        "changes": race.changes,
        "seeds": race.seeds.iter().map(value).collect::<Vec<_>>(),
        "settings": race.settings,
        "settings_left": race.left,
        "looks_done": race.looks,
        "over": race.end.is_some(),
        "end": race.end.map(|end| match end {
            End::Won => "won",
            End::Indifferent => "indifferent",
            End::SeedsUsed => "seeds_used",
            End::NoneLeft => "none_left",
        }),
        "next_look": race.next_look.map(|[ended, of]| json!({ "ended": ended, "runs": of })),
        "unused_runs": race.unused,
    })
}

/// When and why a setting left its race; `keys` name the values of the rival.
fn left(Left { look, replicates, to, without, .. }: &Left, keys: &[String]) -> Json {
    let params = |values: &[Option<Value>]| -> Map<String, Json> {
        let pairs = keys.iter().zip(values);
        pairs.map(|(key, known)| (key.clone(), known.as_ref().map_or(Json::Null, value))).collect()
    };
    json!({
        "look": look + 1,
        "seeds": replicates,
        "to": to.as_ref().map(|rival| params(&rival.values)),
        "lead": to.as_ref().map(|rival| rival.lead),
        "p": to.as_ref().map(|rival| rival.p),
        "without_seed": without.as_ref().map(value),
    })
}

fn setting(table: &Table, row: &Row) -> Json {
    let (mut setting, mut params, mut metrics) = (Map::new(), Map::new(), Map::new());
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        match column.role {
            Role::Key => params.insert(column.source.clone(), json_cell(cell)),
            Role::Metric(_) => metrics.insert(column.source.clone(), json_cell(cell)),
            Role::Count | Role::Interval(_) | Role::Level(_) | Role::Difference(_) | Role::Flag => {
                setting.insert(column.name.clone(), json_cell(cell))
            }
            Role::Left => {
                let keys = &table.comparison.keys;
                let left = if let Cell::Left(cell) = cell { left(cell, keys) } else { Json::Null };
                setting.insert("left".to_owned(), left);
                setting.insert("in_race".to_owned(), row.standing.may_be_best.into())
            }
            Role::Mark => setting.insert("mark".to_owned(), json_cell(cell)),
            Role::Distance(_) | Role::Rival | Role::Note => None,
        };
    }
    let standing = &row.standing;
    setting.insert("compared".to_owned(), standing.compared.into());
    setting.insert("may_be_best".to_owned(), standing.may_be_best.into());
    setting.insert("p_best".to_owned(), json!(standing.p_best));
    let limits = standing.distance;
    setting.insert(
        "distance_to_best".to_owned(),
        json!([limits.and_then(|limits| limits.low), limits.map(|limits| limits.high)]),
    );
    setting.insert("best".to_owned(), row.best.into());
    setting.insert("params".to_owned(), params.into());
    setting.insert("metrics".to_owned(), metrics.into());
    setting.into()
}

fn json_cell(cell: &Cell) -> Json {
    match cell {
        Cell::Value(cell) => value(cell),
        Cell::Count(count) => json!(count),
        Cell::Level(level) => json!(level),
        Cell::Statistic(cell) => statistic(cell),
        Cell::Interval(cell) => interval(cell),
        Cell::Difference(DifferenceFromReference { n, mean, test }) => json!({
            "n": n,
            "mean": mean,
            "interval": test.map(|test| interval(&test.interval)),
            "p": test.map(|test| test.p),
            "p_corrected": test.map(|test| test.p_corrected),
        }),
        Cell::Mark(mark) => json!(Mark::word(*mark)),
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

/// The main effects.
fn effects(Effects { main, rest, balanced }: &Effects) -> Json {
    let level = |(level, metric): &(Value, Option<Statistic>)| json!({ "value": value(level), "metric": metric.as_ref().map(statistic) });
    let effect = |effect: &Effect| {
        let levels: Vec<Json> = effect.levels.iter().map(level).collect();
        json!({ "hyperparameter": effect.name, "range": effect.range, "share_of_variance": effect.share, "levels": levels })
    };
    let rest_of = |Rest { interaction, replicate, noise }: &Rest| json!({ "interaction": interaction, "replicate": replicate, "noise": noise });
    json!({
        "balanced": balanced,
        "of": main.iter().map(effect).collect::<Vec<_>>(),
        "rest_of_variance": rest.as_ref().map(rest_of),
    })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}
