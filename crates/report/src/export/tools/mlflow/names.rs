//! Names and texts that MLflow accepts.

use std::collections::HashSet;

/// Longest name of a metric, hyperparameter or tag, in characters.
const MAX_NAME: usize = 250;
/// Longest value of a hyperparameter, in characters.
pub const MAX_PARAM: usize = 6_000;
/// Longest value of a tag, in characters.
pub const MAX_TAG: usize = 8_000;
/// Longest description of an experiment, in characters.
pub const MAX_DESCRIPTION: usize = 5_000;

/// For each of the distinct `names`, a distinct name that MLflow accepts.
///
/// MLflow accepts letters, digits, blanks and `_ - . /`, but rejects a name that is a path with a
/// shorter form, such as `a//b`. Rejected characters become `_`. If another name already gave the
/// same result, a number is appended.
pub fn accepted_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let names: Vec<&str> = names.into_iter().collect();
    let is_unchanged = |name: &&&str| replace_rejected(name) == **name;
    let mut taken: HashSet<String> =
        names.iter().filter(is_unchanged).map(|name| (*name).to_owned()).collect();
    let mut pairs = Vec::new();
    for name in names {
        let base = replace_rejected(name);
        let mut accepted = base.clone();
        for number in 2.. {
            if accepted == name || taken.insert(accepted.clone()) {
                break;
            }
            accepted = format!("{base}_{number}");
        }
        pairs.push((name, accepted));
    }
    pairs
}

/// `name` with `_` for everything that MLflow rejects, short enough to append a number.
fn replace_rejected(name: &str) -> String {
    let characters = name.chars().map(|c| if is_accepted(c) { c } else { '_' });
    let name: String = characters.take(MAX_NAME - 4).collect();
    let is_shortest_path = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let name = if is_shortest_path { name } else { name.replace('/', "_") };
    match name.strip_prefix("..") {
        Some(rest) => format!("_.{rest}"),
        None if matches!(&*name, "" | ".") => "_".to_owned(),
        None => name,
    }
}

/// Whether Python's `\w` matches `c`, or `c` is one of `-. /`. Python excludes combining marks.
fn is_accepted(c: char) -> bool {
    "_-. /".contains(c) || c.is_alphanumeric() && (unicode_ident::is_xid_start(c) || c.is_numeric())
}

/// `text`, truncated to `max` characters with a final ….
pub fn truncate_chars(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(names: &[&str]) -> Vec<String> {
        accepted_names(names.iter().copied()).into_iter().map(|(_, accepted)| accepted).collect()
    }

    #[test]
    fn usual_names_stay_the_same() {
        let usual = ["val_loss", "train/loss", "f1-score", "top 5", "größe", "精度", "a.b"];
        assert_eq!(accepted(&usual), usual);
    }

    #[test]
    fn rejected_names_become_distinct_names() {
        assert_eq!(
            accepted(&["f1:macro", "f1=macro", "f1_macro"]),
            ["f1_macro_2", "f1_macro_3", "f1_macro"]
        );
        assert_eq!(
            accepted(&["", ".", "..", "/a", "a//b", "a/../b"]),
            ["_", "__2", "_.", "_a", "a__b", "a_.._b"]
        );
        assert_eq!(
            accepted(&["..x", "...", "../x", "a..b", "a/..b"]),
            ["_.x", "_..", "_._x", "a..b", "a/..b"]
        );
        assert_eq!(accepted(&["सटीकता", "Ⓐ", "ความแม่น", "x²"]), ["सट_कत_", "_", "ความแม_น", "x²"]);
        let long = ["a".repeat(300), "a".repeat(301)];
        let long = accepted(&[&long[0], &long[1]]);
        assert!(long[0] != long[1] && long.iter().all(|name| name.len() <= MAX_NAME));
    }

    #[test]
    fn long_text_ends_in_an_ellipsis() {
        assert_eq!(truncate_chars("short", 5), "short");
        assert_eq!(truncate_chars("longer", 5), "long…");
    }
}
