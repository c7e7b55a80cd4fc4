//! The status of a run.

use std::{fmt, str::FromStr};

/// The status of a run. A new run is [`Status::Running`]; at its end it gets one of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The run has not ended.
    Running,
    /// The run ended with results.
    Finished,
    /// A loss was not finite. Divergence counts as a result.
    Diverged,
    /// An error ended the run without a result.
    Failed,
    /// The run was stopped before its end.
    Killed,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 5] =
        [Self::Running, Self::Finished, Self::Diverged, Self::Failed, Self::Killed];

    /// Returns the name in the store.
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
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            format!(
                "'{}' is not a run status: expected {}",
                crate::printable(text),
                Self::ALL.map(Self::as_str).join(", ")
            )
        })
    }
}
