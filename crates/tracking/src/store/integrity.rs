//! Differences between what was recorded and what the store contains.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::{Experiment, RecordedRun};

/// A part of the store that does not match its checksum. Queries leave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrityIssue(String);

impl IntegrityIssue {
    pub(super) fn run_changed(run: &RecordedRun) -> Self {
        Self(format!("{} was changed after it was recorded", full_name(run)))
    }

    pub(super) fn epochs_changed(run: &RecordedRun) -> Self {
        Self(format!("the epochs of {} were changed after they were recorded", full_name(run)))
    }

    pub(super) fn error_analysis_changed(run: &RecordedRun) -> Self {
        Self(format!(
            "the confusion matrix or the mistakes of {} were changed after they were recorded",
            full_name(run)
        ))
    }

    pub(super) fn experiment_changed(experiment: &Experiment) -> Self {
        let name = crate::printable(&experiment.name);
        Self(format!("the name or the description of '{name}' was changed after it was recorded"))
    }

    pub(super) fn run_count_changed(experiment: &str, recorded: i64, found: i64) -> Self {
        let name = crate::printable(experiment);
        Self(format!("'{name}' contains {found} runs, but {recorded} were recorded"))
    }
}

fn full_name(run: &RecordedRun) -> String {
    format!("run {} (trial {}) of '{}'", run.id, run.trial, run.experiment)
}

impl fmt::Display for IntegrityIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The result of a query, and the issues of the rows that it read.
pub(super) struct Checked<T> {
    pub(super) value: T,
    pub(super) issues: Vec<IntegrityIssue>,
}

impl<T> Checked<T> {
    pub(super) fn is_intact(&self) -> bool {
        self.issues.is_empty()
    }
}

/// Every issue that the queries of one store found, each once.
#[derive(Debug, Default)]
pub(super) struct IssueLog(Mutex<Vec<IntegrityIssue>>);

impl IssueLog {
    pub(super) fn add(&self, issues: Vec<IntegrityIssue>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for issue in issues {
            if !known.contains(&issue) {
                known.push(issue);
            }
        }
    }

    pub(super) fn all(&self) -> Vec<IntegrityIssue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
