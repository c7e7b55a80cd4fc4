//! Phrases that several sentences share.

use crate::comparison::{Comparison, Setting};
use crate::wording::{self, key};

/// Most settings that a sentence names. It gives only the number of the others.
pub const MAX_NAMED: usize = 6;

/// Names a setting by its keys: `batch_size 16, decay 1e-4`. A key that its runs lack is named only
/// if the name would fit another setting too.
pub fn setting_name(comparison: &Comparison, setting: &Setting) -> String {
    named(comparison, setting, ", ")
}

/// Names a setting by its keys, joined by `separator`.
pub fn named(comparison: &Comparison, setting: &Setting, separator: &str) -> String {
    let fits = |other: &Setting| {
        let mut pairs = setting.values.iter().zip(&other.values);
        other.values != setting.values && pairs.all(|(own, value)| own.is_none() || own == value)
    };
    let with_missing = setting.values.contains(&None) && comparison.settings.iter().any(fits);
    let assignment = |(name, value): (&String, &Option<tracking::Value>)| match value {
        Some(value) => Some(format!("{} {}", key(name), wording::value(value))),
        None => with_missing.then(|| format!("{} not set", key(name))),
    };
    let pairs = comparison.keys.iter().zip(&setting.values);
    let parts: Vec<String> = pairs.filter_map(assignment).collect();
    if parts.is_empty() { "the only setting".to_owned() } else { parts.join(separator) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::CompareOptions;
    use crate::example::{Example, run};

    /// The names of the settings with these hyperparameters, sorted.
    fn names(settings: &[&[(&str, i64)]]) -> Vec<String> {
        let mut example = Example::new("names", "");
        for params in settings {
            let params: Vec<_> =
                params.iter().map(|(name, value)| (*name, (*value).into())).collect();
            example.record(run("names", &params, 0.9));
        }
        let comparison = example.comparisons(&CompareOptions::default()).remove(0);
        let name = |setting: &Setting| setting_name(&comparison, setting);
        let mut names: Vec<String> = comparison.settings.iter().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn setting_is_named_without_hyperparameters_that_it_lacks() {
        let union = names(&[&[("depth", 2)], &[("depth", 8)], &[("width", 8)]]);
        assert_eq!(union, ["depth 2", "depth 8", "width 8"]);
    }

    #[test]
    fn ambiguous_name_says_what_a_setting_lacks() {
        let nested = names(&[&[("depth", 2)], &[("depth", 2), ("width", 8)], &[("depth", 4)]]);
        assert_eq!(nested, ["depth 2, width 8", "depth 2, width not set", "depth 4"]);
    }
}
