//! Names that a user types: the name that is meant, or the nearest one.
//!
//! Case does not matter, and a name may be typed as a table shows it: `test accuracy` means
//! `test_accuracy`.

/// Whether two spellings mean the same name: `Test accuracy` is `test_accuracy`, `validation loss`
/// is `val_loss`, and `time` is `seconds`.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || canonical(a) == canonical(b)
}

fn canonical(name: &str) -> String {
    let name = name.to_lowercase().replace([' ', '-'], "_");
    replaced(&name, ["validation_", "val_"], ["time", "seconds"])
}

/// A name as a table shows it: `validation loss` for `val_loss`, `time` for `seconds`.
#[must_use]
pub fn in_words(name: &str) -> String {
    replaced(name, ["val_", "validation_"], ["seconds", "time"]).replace('_', " ")
}

/// `name` with another beginning, or another name if it is the whole of `name`.
fn replaced(name: &str, beginning: [&str; 2], whole: [&str; 2]) -> String {
    match name.strip_prefix(beginning[0]) {
        Some(rest) => format!("{}{rest}", beginning[1]),
        None if name == whole[0] => whole[1].to_owned(),
        None => name.to_owned(),
    }
}

/// The candidate that `word` means. An exact match comes first.
#[must_use]
pub fn find<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let exact = candidates.iter().find(|candidate| **candidate == word);
    exact.or_else(|| candidates.iter().find(|candidate| is_same(candidate, word))).copied()
}

/// The candidate nearest to `word`, if one is similar: few letters differ, or `word` is the
/// beginning, a part or the initials of the candidate.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = canonical(word);
    let distance = |candidate: &str| {
        let candidate = canonical(candidate);
        let parts = || candidate.split('_').filter(|part| !part.is_empty());
        let abbreviates = word.len() > 1
            && (candidate.starts_with(&word)
                || parts().any(|part| part == word)
                || parts().filter_map(|part| part.chars().next()).eq(word.chars()));
        let distance = strsim::damerau_levenshtein(&word, &candidate);
        (abbreviates || distance <= candidate.len().max(word.len()) / 3).then_some(distance)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The message about a `word` that is none of the candidates:
/// `unknown WHAT 'word': expected one of …; did you mean 'x'?`
#[must_use]
pub fn unknown(what: &str, word: &str, candidates: &[&str]) -> String {
    let hint = nearest(word, candidates.iter().copied())
        .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    format!("unknown {what} '{word}': expected one of {}{hint}", candidates.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        let words = ["batch_size", "decay", "seed"];
        assert_eq!(nearest("batchsize", words), Some("batch_size"));
        assert_eq!(nearest("deacy", words), Some("decay"));
        assert_eq!(nearest("momentum", words), None);
    }

    #[test]
    fn parts_and_initials_of_a_name_suggest_it() {
        let words = ["batch_size", "learning_rate", "test_loss"];
        assert_eq!(nearest("batch", words), Some("batch_size"));
        assert_eq!(nearest("LR", words), Some("learning_rate"));
        assert_eq!(nearest("rate", words), Some("learning_rate"));
        assert_eq!(nearest("test los", words), Some("test_loss"));
    }

    #[test]
    fn exact_name_comes_before_other_spellings() {
        assert_eq!(find("f1", &["F1", "f1"]), Some("f1"));
        assert_eq!(find("Test Accuracy", &["test_accuracy"]), Some("test_accuracy"));
        assert_eq!(find("batch", &["batch_size"]), None);
    }
}
