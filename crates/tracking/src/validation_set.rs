//! The data that validation metrics are measured on.

use std::fmt;

/// The data that `val_…` metrics are measured on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ValidationSet {
    /// The program did not state it.
    #[default]
    NotStated,
    /// The test set.
    Test,
    /// The fraction of the training set that is held out, such as `0.1`.
    HeldOut(String),
}

impl ValidationSet {
    /// The text in the store: empty if the program did not state it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotStated => "",
            Self::Test => "test",
            Self::HeldOut(fraction) => fraction,
        }
    }

    /// The text that identifies a trial: `test` if the program did not state it. Two runs are
    /// comparable only if it is equal.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::NotStated => "test",
            stated => stated.as_str(),
        }
    }

    /// Whether the program stated it.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        *self != Self::NotStated
    }
}

/// Reads the text in the store.
impl From<&str> for ValidationSet {
    fn from(text: &str) -> Self {
        match text {
            "" => Self::NotStated,
            "test" => Self::Test,
            fraction => Self::HeldOut(fraction.to_owned()),
        }
    }
}

impl fmt::Display for ValidationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
