//! Identities: of a trial, by what it is; of a run, by chance.

use std::borrow::Borrow;
use std::fmt::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{Run, Value};

/// Bytes of an id; twice as many hexadecimal digits.
const BYTES: usize = 8;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Identity of a trial: 16 hexadecimal digits, equal exactly when the trial is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialId(String);

impl TrialId {
    /// The first 16 hexadecimal digits of the SHA-256 of `candle-sweep trial v1` and a line `name=value` a field, in
    /// the order given, every line ended by a line feed.
    #[must_use]
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let mut sha256 = Sha256::new_with_prefix("candle-sweep trial v1\n");
        for (name, value) in fields {
            sha256.update(format!("{name}={value}\n"));
        }
        Self(hex(&sha256.finalize()[..BYTES]))
    }

    /// Of a live run: the hyperparameters by name, whatever order they came in, then the data. Texts are in JSON, so that no text is
    /// taken for something else: `"depth"=3`, `"rate"=0.1`, `"kind"="relu"`, `dataset="wine"`.
    pub(crate) fn of_run(run: &Run) -> Self {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let value = |value: &Value| match value {
            Value::Text(text) => json(text),
            number => number.to_string(),
        };
        let mut fields: Vec<_> = run.params.iter().map(|(name, it)| (json(name), value(it))).collect();
        fields.sort();
        let data =
            [("dataset", &run.dataset), ("dataset_sha256", &run.dataset_sha256), ("validation", &run.validation)];
        fields.extend(data.map(|(name, text)| (name.to_owned(), json(text))));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::of(&fields)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for TrialId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("'{}' is no trial id: expected {} digits of 0-9 a-f", crate::printable(text), 2 * BYTES))
        }
    }
}

/// Identity of a run: 16 random hexadecimal digits, so that runs of many machines can be put together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that it is found among others by its text.
impl Borrow<str> for RunId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<TrialId>() {
            Ok(digits) => Ok(Self(digits.0)),
            Err(_) => {
                Err(format!("'{}' is no run id: expected {} digits of 0-9 a-f", crate::printable(text), 2 * BYTES))
            }
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Written down with `printf 'candle-sweep trial v1\nbatch_size=32\nseed=0\n' | sha256sum`.
    #[test]
    fn ids_are_what_sha256sum_says() {
        assert_eq!(TrialId::of(&[]).as_str(), "cba06e7be64e29e9");
        assert_eq!(TrialId::of(&[("batch_size", "32"), ("seed", "0")]).as_str(), "19ca66ba0990228c");
    }

    #[test]
    fn only_whole_ids_are_read() {
        assert!("cba06e7be64e29e9".parse::<TrialId>().is_ok());
        for wrong in ["", "cba06e7be64e29e", "CBA06E7BE64E29E9", "cba06e7be64e29eg", "cba06e7be64e29e9a"] {
            assert!(wrong.parse::<TrialId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn run_ids_differ() {
        assert_ne!(RunId::random().unwrap(), RunId::random().unwrap());
    }

    proptest! {
        #[test]
        fn another_value_is_another_trial(a in 0u32..1000, b in 0u32..1000) {
            let id = |n: u32| TrialId::of(&[("seed", &n.to_string())]);
            prop_assert_eq!(id(a) == id(b), a == b);
        }

        #[test]
        fn every_id_reads_back(name in any::<String>(), value in any::<String>()) {
            let id = TrialId::of(&[(&name, &value)]);
            prop_assert_eq!(id.as_str().parse::<TrialId>().unwrap(), id);
        }
    }
}
