//! Ids: the id of a trial is a hash of its fields; the id of a run is random.

use std::borrow::{Borrow, Cow};
use std::fmt::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{Run, Value};

/// Number of bytes of an id. Its text has twice as many hexadecimal digits.
const BYTES: usize = 8;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Id of a trial: 16 hexadecimal digits. Equal trials have equal ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialId(String);

impl TrialId {
    /// Hashes the fields of a trial.
    ///
    /// The hashed text has the line `candle-sweep trial v1`, then one line `name=value` per field
    /// in the given order. Every line ends with a line feed. The id is the first 16 hexadecimal
    /// digits of the SHA-256.
    #[must_use]
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let mut sha256 = Sha256::new_with_prefix("candle-sweep trial v1\n");
        for (name, value) in fields {
            sha256.update(format!("{name}={value}\n"));
        }
        Self(hex(&sha256.finalize()[..BYTES]))
    }

    /// Hashes the fields of a live run: the hyperparameters sorted by name, then the data. Text is
    /// encoded as JSON, so that different fields never give the same text: `"depth"=3`,
    /// `"rate"=0.1`, `"kind"="relu"`, `dataset="wine"`.
    pub(crate) fn of_run(run: &Run) -> Self {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let value = |value: &Value| match value {
            Value::Text(text) => json(text),
            number => number.to_string(),
        };
        let mut fields: Vec<_> =
            run.params.iter().map(|(name, param)| (json(name), value(param))).collect();
        fields.sort();
        let data = [
            ("dataset", run.dataset.as_str()),
            ("dataset_sha256", &run.dataset_sha256),
            ("validation", run.validation.key()),
        ];
        fields.extend(data.map(|(name, text)| (name.to_owned(), json(text))));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::of(&fields)
    }

    /// Returns the 16 hexadecimal digits.
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
        if text.len() == 2 * BYTES
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "'{}' is not a trial id: expected {} digits of 0-9 a-f",
                crate::printable(text),
                2 * BYTES
            ))
        }
    }
}

/// Id of a run: 16 random hexadecimal digits, so that runs of different machines can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Generates an id that no spreadsheet reads as a number.
    ///
    /// # Errors
    /// If the system provides no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        loop {
            let mut bytes = [0; BYTES];
            getrandom::fill(&mut bytes)?;
            let id = hex(&bytes);
            if !reads_as_number(&id) {
                return Ok(Self(id));
            }
        }
    }

    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }

    /// Returns the 16 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a spreadsheet, pandas or another CSV reader parses an id as a number, such as
/// `0012345678901234` or `1234567890e12345`. Some readers also accept `d` as the exponent, or `d`
/// and `f` as a type suffix.
fn reads_as_number(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = id.strip_suffix(['d', 'f']).unwrap_or(id);
    digits(number) || number.split_once(['d', 'e']).is_some_and(|(a, b)| digits(a) && digits(b))
}

/// Prefix in CSV files for ids that read as numbers.
const MARK: &str = "id-";

/// Formats an id for a CSV file. An id that reads as a number gets the prefix `id-`. [`IdPrefix`]
/// parses both forms.
#[must_use]
pub fn csv_id(id: &str) -> Cow<'_, str> {
    if reads_as_number(id) { Cow::Owned(format!("{MARK}{id}")) } else { Cow::Borrowed(id) }
}

/// Removes the prefix that [`csv_id`] added.
pub(crate) fn from_csv(id: &str) -> &str {
    id.strip_prefix(MARK).filter(|id| reads_as_number(id)).unwrap_or(id)
}

/// The beginning of an id as a user types it: `d353`, the CSV form `id-0012`, or `tutorial/d353` to
/// select one of several experiments with the same trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPrefix {
    /// The experiment before the `/`.
    pub experiment: Option<String>,
    /// The hexadecimal digits, in lower case. Text with other characters matches no id.
    pub digits: String,
}

impl IdPrefix {
    /// Splits the text into experiment and digits. Invalid text gives a prefix that matches no id.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (experiment, id) = match text.split_once('/') {
            Some((experiment, id)) => (Some(experiment.to_owned()), id),
            None => (None, text),
        };
        Self { experiment, digits: id.strip_prefix(MARK).unwrap_or(id).to_ascii_lowercase() }
    }
}

/// Allows lookups by text in maps with run ids as keys.
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
            Err(_) => Err(format!(
                "'{}' is not a run id: expected {} digits of 0-9 a-f",
                crate::printable(text),
                2 * BYTES
            )),
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

    /// The expected digits are the output of
    /// `printf 'candle-sweep trial v1\nbatch_size=32\nseed=0\n' | sha256sum`.
    #[test]
    fn trial_id_equals_sha256sum() {
        assert_eq!(TrialId::of(&[]).as_str(), "cba06e7be64e29e9");
        assert_eq!(
            TrialId::of(&[("batch_size", "32"), ("seed", "0")]).as_str(),
            "19ca66ba0990228c"
        );
    }

    #[test]
    fn invalid_trial_ids_are_rejected() {
        assert!("cba06e7be64e29e9".parse::<TrialId>().is_ok());
        for wrong in
            ["", "cba06e7be64e29e", "CBA06E7BE64E29E9", "cba06e7be64e29eg", "cba06e7be64e29e9a"]
        {
            assert!(wrong.parse::<TrialId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_that_read_as_numbers_get_a_prefix_in_csv() {
        for number in [
            "0012345678901234",
            "1234567890e12345",
            "1e23456789012345",
            "12345678d0123456",
            "123456789012345f",
        ] {
            assert_eq!(csv_id(number), format!("id-{number}"));
            assert_eq!(from_csv(&csv_id(number)), number);
            assert_eq!(IdPrefix::parse(&csv_id(number)).digits, number);
        }
        for word in [
            "00123456789012ab",
            "e123456789012345",
            "1e2345e789012345",
            "a012345678901234",
            "1e2345678901234e",
        ] {
            assert_eq!(csv_id(word), word);
        }
    }

    #[test]
    fn id_prefix_accepts_an_experiment_name() {
        let prefix = IdPrefix::parse("wine/D353");
        assert_eq!((prefix.experiment.as_deref(), prefix.digits.as_str()), (Some("wine"), "d353"));
        assert_eq!(IdPrefix::parse("D353").experiment, None);
    }

    #[test]
    fn run_ids_differ() {
        assert_ne!(RunId::random().unwrap(), RunId::random().unwrap());
    }

    proptest! {
        #[test]
        fn another_value_gives_another_trial_id(a in 0u32..1000, b in 0u32..1000) {
            let id = |n: u32| TrialId::of(&[("seed", &n.to_string())]);
            prop_assert_eq!(id(a) == id(b), a == b);
        }

        #[test]
        fn trial_id_round_trips_through_text(name in any::<String>(), value in any::<String>()) {
            let id = TrialId::of(&[(&name, &value)]);
            prop_assert_eq!(id.as_str().parse::<TrialId>().unwrap(), id);
        }
    }
}
