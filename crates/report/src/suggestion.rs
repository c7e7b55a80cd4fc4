//! Suggestions for misspelled names.

/// The candidate nearest to `word`, if one is similar.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `unknown WHAT 'word': expected one of …; did you mean 'x'?`
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
}
