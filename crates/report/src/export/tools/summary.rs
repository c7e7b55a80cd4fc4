//! What an export did with the runs.

use std::collections::BTreeSet;
use std::fmt;

use crate::wording::count;

/// What an export did with the runs: how many of each kind, and notes for the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Runs that the tool did not have.
    pub added: usize,
    /// Runs that the tool had in part.
    pub completed: usize,
    /// Runs that the tool had completely.
    pub unchanged: usize,
    /// Runs that a user deleted in the tool. They stay deleted.
    pub deleted: usize,
    /// Data that the tool cannot hold as they are.
    pub notes: BTreeSet<String>,
}

impl fmt::Display for ExportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} added", count(self.added, "run"))?;
        for (number, state) in [
            (self.completed, "completed"),
            (self.unchanged, "unchanged"),
            (self.deleted, "left deleted"),
        ] {
            if number > 0 {
                write!(f, ", {number} {state}")?;
            }
        }
        Ok(())
    }
}
