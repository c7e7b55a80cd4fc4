//! Phrases that several sentences share.

use crate::analysis::comparison::{Comparison, Setting};
use crate::wording::{self, key};

/// Most settings that a sentence names. It gives only the number of the others.
pub const MAX_NAMED: usize = 6;

/// Names a setting by its keys: `batch_size 16, decay 1e-4`.
pub fn setting_name(comparison: &Comparison, setting: &Setting) -> String {
    let assignment = |(name, value): (&String, &Option<tracking::Value>)| {
        let value = value.as_ref().map_or_else(|| "not set".to_owned(), wording::value);
        format!("{} {value}", key(name))
    };
    let parts: Vec<String> = comparison.keys.iter().zip(&setting.values).map(assignment).collect();
    if parts.is_empty() { "the only setting".to_owned() } else { parts.join(", ") }
}

/// Joins the first [`MAX_NAMED`] names and counts the others.
pub fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(MAX_NAMED)].join("; ");
    if names.len() > MAX_NAMED {
        text += &format!("; and {} more", names.len() - MAX_NAMED);
    }
    text
}

/// Capitalises the first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

/// The plural name of the replicate: `seeds`.
pub fn repeated(comparison: &Comparison) -> String {
    wording::repeated(comparison.replicate.as_deref())
}

/// The hyperparameters that are averaged over: `width and depth`.
pub fn averaged(comparison: &Comparison) -> String {
    comparison.averaged.iter().map(|name| key(name)).collect::<Vec<_>>().join(" and ")
}
