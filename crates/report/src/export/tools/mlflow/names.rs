//! Names and texts that MLflow takes.

use std::collections::HashSet;

/// Longest name of a metric, a hyperparameter or a tag.
const LONGEST_NAME: usize = 250;
/// Longest value of a hyperparameter.
pub const LONGEST_PARAM: usize = 6_000;
/// Longest value of a tag.
pub const LONGEST_TAG: usize = 8_000;
/// Longest description of an experiment.
pub const LONGEST_NOTE: usize = 5_000;

/// For each of `names`, which differ, one that MLflow takes: letters, digits, blanks and `_ - . /`, and no path that could be
/// written shorter. What it does not take becomes `_`; where that is a name of another, it is numbered.
pub fn accepted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let names: Vec<&str> = names.into_iter().collect();
    let unchanged = |name: &&str| accept(name) == *name;
    let mut taken: HashSet<String> =
        names.iter().filter(|name| unchanged(name)).map(|name| (*name).to_owned()).collect();
    let mut given = Vec::new();
    for name in names {
        let mut accepted = accept(name);
        for number in 2.. {
            if accepted == name || taken.insert(accepted.clone()) {
                break;
            }
            accepted = format!("{}_{number}", accept(name));
        }
        given.push((name, accepted));
    }
    given
}

fn accept(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if is_taken(c) { c } else { '_' }).take(LONGEST_NAME - 4).collect();
    let is_path = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let name = if is_path { name } else { name.replace('/', "_") };
    match name.strip_prefix("..") {
        Some(rest) => format!("_.{rest}"),
        None if matches!(&*name, "" | ".") => "_".to_owned(),
        None => name,
    }
}

/// Python's letters and digits, which combining signs are not.
fn is_taken(c: char) -> bool {
    "_-. /".contains(c) || c.is_alphanumeric() && (unicode_ident::is_xid_start(c) || c.is_numeric())
}

/// `text`, ended by … where it is longer than MLflow takes.
pub fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(names: &[&str]) -> Vec<String> {
        accepted(names.iter().copied()).into_iter().map(|(_, given)| given).collect()
    }

    #[test]
    fn usual_names_stay() {
        let usual = ["val_loss", "train/loss", "f1-score", "top 5", "größe", "精度", "a.b"];
        assert_eq!(given(&usual), usual);
    }

    #[test]
    fn what_is_not_taken_becomes_another_name() {
        assert_eq!(
            given(&["f1:macro", "f1=macro", "f1_macro"]),
            ["f1_macro_2", "f1_macro_3", "f1_macro"]
        );
        assert_eq!(
            given(&["", ".", "..", "/a", "a//b", "a/../b"]),
            ["_", "__2", "_.", "_a", "a__b", "a_.._b"]
        );
        assert_eq!(
            given(&["..x", "...", "../x", "a..b", "a/..b"]),
            ["_.x", "_..", "_._x", "a..b", "a/..b"]
        );
        assert_eq!(given(&["सटीकता", "Ⓐ", "ความแม่น", "x²"]), ["सट_कत_", "_", "ความแม_น", "x²"]);
        let long = ["a".repeat(300), "a".repeat(301)];
        let given = given(&[&long[0], &long[1]]);
        assert!(given[0] != given[1] && given.iter().all(|it| it.len() <= LONGEST_NAME));
    }

    #[test]
    fn long_texts_end_in_an_ellipsis() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("longer", 5), "long…");
    }
}
