//! Names of experiments.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

/// A valid experiment name: 1 to 64 of the characters `a-z 0-9 _ -`. It names a folder of the
/// results folder, so it contains no separator and no dot.
///
/// ```
/// use tracking::ExperimentName;
///
/// assert_eq!(&*ExperimentName::new("wine-2")?, "wine-2");
/// assert!(ExperimentName::new("../wine").is_err());
/// # Ok::<(), tracking::InvalidExperimentName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExperimentName(String);

/// A text is not a valid experiment name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{}' cannot name an experiment: expected {}", crate::printable(.0), ExperimentName::EXPECTED)]
pub struct InvalidExperimentName(String);

impl ExperimentName {
    /// The rule, for error texts.
    pub const EXPECTED: &'static str = "1 to 64 of the characters a-z 0-9 _ -";

    /// Longest name, in bytes.
    const MAX_LENGTH: usize = 64;

    /// Validates `name`.
    ///
    /// # Errors
    /// When `name` is empty, too long or contains another character.
    pub fn new(name: &str) -> Result<Self, InvalidExperimentName> {
        let is_valid = |c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
        if (1..=Self::MAX_LENGTH).contains(&name.len()) && name.chars().all(is_valid) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidExperimentName(name.to_owned()))
        }
    }
}

impl FromStr for ExperimentName {
    type Err = InvalidExperimentName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl Deref for ExperimentName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for ExperimentName {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_portable_folder_names_are_valid() {
        for valid in ["a", "learning_rate", "wine-2", &"x".repeat(64)] {
            assert!(ExperimentName::new(valid).is_ok(), "{valid}");
        }
        for invalid in ["", ".", "..", "a/b", "a\\b", "A", "ä", "a b", "a\n", &"x".repeat(65)] {
            assert!(ExperimentName::new(invalid).is_err(), "{invalid}");
        }
    }
}
