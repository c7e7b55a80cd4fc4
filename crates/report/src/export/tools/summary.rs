//! Summary of an export for the user.

use std::collections::BTreeSet;
use std::fmt;

use crate::wording::count;

/// Summary of an export: numbers of runs, and notes for the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Runs that the tool did not have before.
    pub added: usize,
    /// Runs that the tool had only in part.
    pub completed: usize,
    /// Runs that the tool already had completely.
    pub unchanged: usize,
    /// Runs that a user deleted in the tool. They stay deleted.
    pub deleted: usize,
    /// Notes about data that the tool cannot store unchanged.
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
