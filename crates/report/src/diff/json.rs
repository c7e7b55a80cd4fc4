//! The difference of two sets of runs as JSON.

use analysis::statistics::CONFIDENCE;
use serde_json::{Map, Value as Json, json};
use tracking::{Direction, Value};

use super::metric::{BetterSide, MetricDifference};
use super::run_set::RunSet;
use super::sets::{Compared, PairedSets};
use super::text::race_caveat;

/// Formats the difference of two sets, with every number in full.
pub fn json(left: &RunSet, right: &RunSet, paired: &PairedSets) -> Json {
    let metrics = paired.metrics.iter().map(|metric| (metric.metric.name.clone(), fields(metric)));
    json!({
        "left": side(left),
        "right": side(right),
        "compared": compared(paired),
        "matched": paired.matched(),
        "unfinished": paired.unfinished.len(),
        "only_left": paired.unmatched[0],
        "only_right": paired.unmatched[1],
        "ambiguous": paired.ambiguous,
        "same": paired.equal,
        "replicate": paired.replicate,
        "ranked_by": paired.ranked_by,
        "confidence": CONFIDENCE,
        "metrics": metrics.collect::<Map<String, Json>>(),
        "raced": race_caveat([left, right], paired).is_some(),
        "conclusion": paired.conclusion_sentence(),
    })
}

/// The hyperparameters that have one value per side, each with its left and right value.
pub fn compared(paired: &PairedSets) -> Json {
    let values = paired.compared.iter().map(|Compared { name, values }| {
        let [left, right] = values.map(value);
        ((*name).to_owned(), json!([left, right]))
    });
    Json::Object(values.collect())
}

fn value(value: &Value) -> Json {
    match value {
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

pub fn side(set: &RunSet) -> Json {
    json!({ "name": set.name, "trials": set.runs.len(), "finished": set.finished() })
}

fn fields(metric: &MetricDifference) -> Json {
    let difference = &metric.difference;
    json!({
        "direction": metric.metric.direction.map(Direction::as_str),
        "left": metric.left,
        "right": metric.right,
        "difference": difference.mean,
        "interval": difference.interval().map(|interval| [interval.low, interval.high]),
        "p": difference.p(),
        "pairs": metric.pairs,
        "seeds": difference.n,
        "same_bits": metric.equal,
        "verdict": match metric.better_side() {
            BetterSide::Left => "left",
            BetterSide::Right => "right",
            BetterSide::Undecided => "undecided",
        },
    })
}
