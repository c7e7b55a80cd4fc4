//! For a program: full precision, `null` where there is nothing.

use serde_json::{Map, Value as Json, json};
use tracking::Value;

use crate::comparison::Comparison;

/// A list with an object a comparison, its `settings` best first.
pub fn json(comparisons: &[Comparison]) -> String {
    let list: Vec<Json> = comparisons.iter().map(object).collect();
    format!("{:#}\n", Json::Array(list))
}

fn object(comparison: &Comparison) -> Json {
    let constants: Map<String, Json> =
        comparison.constants.iter().map(|(name, value)| (name.clone(), value_json(Some(value)))).collect();
    let settings: Vec<Json> = comparison
        .groups
        .iter()
        .map(|group| {
            let keys = comparison.keys.iter().zip(&group.key);
            let hyperparameters: Map<String, Json> =
                keys.map(|(name, value)| (name.clone(), value_json(value.as_ref()))).collect();
            let metrics: Map<String, Json> = group
                .metrics
                .iter()
                .map(|(name, it)| (name.clone(), json!({ "n": it.n, "mean": it.mean, "sd": it.sd })))
                .collect();
            let without: Map<String, Json> =
                group.without.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
            json!({
                "hyperparameters": hyperparameters, "runs": group.runs, "without_results": without, "metrics": metrics,
            })
        })
        .collect();
    json!({
        "experiment": comparison.experiment,
        "description": comparison.description,
        "dataset": comparison.dataset,
        "in_place_of": comparison.fallback_for,
        "validation": comparison.validation,
        "ranked_by": comparison.ranked_by,
        "runs": comparison.runs,
        "seeds": comparison.seeds,
        "constants": constants,
        "settings": settings,
    })
}

fn value_json(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Integer(value)) => json!(value),
        Some(Value::Real(value)) => json!(value),
        Some(Value::Text(value)) => json!(value),
    }
}
