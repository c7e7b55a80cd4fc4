//! Sentences about the edges of the grid.

use tracking::Value;

use crate::comparison::{Comparison, Setting};

/// Warns if the best setting, or the best mean, has the lowest or highest value of a key.
pub fn edges(comparison: &Comparison) -> Vec<String> {
    let numbers = |settings: &[&Setting], key: usize| -> Option<Vec<f64>> {
        settings.iter().map(|setting| setting.values[key].as_ref()?.as_number()).collect()
    };
    let tried: Vec<&Setting> = comparison.settings.iter().collect();
    let best: Vec<&Setting> =
        comparison.settings.iter().filter(|setting| setting.is_best).collect();
    let edge = |settings: &[&Setting], key: usize| {
        let (mut tried, best) = (numbers(&tried, key)?, numbers(settings, key)?);
        tried.extend(&comparison.tried_elsewhere[key]);
        tried.sort_by(f64::total_cmp);
        tried.dedup();
        let is_integer = comparison
            .settings
            .iter()
            .all(|setting| matches!(setting.values[key], Some(Value::Integer(_))));
        // With two values, every setting is at an edge. No useful value is below 0, and no useful
        // integer is below 1.
        let [low, _, .., high] = tried[..] else { return None };
        match () {
            () if best.is_empty() => None,
            () if best.iter().all(|value| *value == low)
                && low != 0.0
                && !(is_integer && low == 1.0) =>
            {
                Some(format!("below {}", tracking::short_number(low)))
            }
            () if best.iter().all(|value| *value == high) => {
                Some(format!("above {}", tracking::short_number(high)))
            }
            () => None,
        }
    };
    let candidates = comparison.candidates();
    // If all or most settings may be the best, chance decides where the best mean lies.
    let is_informative = candidates.len() < comparison.compared() && !comparison.is_open();
    let sentence = |(key, name): (usize, &String)| {
        let (lies, beyond) = match edge(&candidates, key) {
            Some(beyond) => ("lies", beyond),
            None => ("may lie", edge(&best, key).filter(|_| is_informative)?),
        };
        Some(format!(
            "The best {lies} at the edge of the grid: extend `{}` {beyond}.",
            tracking::printable(name)
        ))
    };
    comparison.keys.iter().enumerate().filter_map(sentence).collect()
}
