//! How a run stands.

use std::{fmt, str::FromStr};

/// Status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Not ended yet.
    Running,
    /// Ended with its results.
    Finished,
    /// A loss was not finite. This is a result.
    Diverged,
    /// It could not be computed.
    Failed,
    /// It was stopped before its end.
    Killed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Running, Self::Finished, Self::Diverged, Self::Failed, Self::Killed];

    /// Its word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("'{}' is no status of a run", crate::printable(text)))
    }
}
