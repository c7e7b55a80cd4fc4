//! What of a store is not as it was recorded.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::{Experiment, RecordedRun};

/// Something in the store that is not as it was recorded: it is left out of what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrityIssue(String);

impl IntegrityIssue {
    pub(super) fn of_run(run: &RecordedRun) -> Self {
        Self(format!(
            "run {} (trial {}) of '{}' was changed after it was recorded",
            run.id, run.trial, run.experiment
        ))
    }

    pub(super) fn of_epochs(run: &RecordedRun) -> Self {
        Self(format!(
            "the epochs of run {} (trial {}) of '{}' were changed after they were recorded",
            run.id, run.trial, run.experiment
        ))
    }

    pub(super) fn of_examples(run: &RecordedRun) -> Self {
        Self(format!(
            "the confusion matrix or the mistakes of run {} (trial {}) of '{}' were changed after they were recorded",
            run.id, run.trial, run.experiment
        ))
    }

    pub(super) fn of_about(experiment: &Experiment) -> Self {
        let name = crate::printable(&experiment.name);
        Self(format!("the name or the description of '{name}' was changed after it was recorded"))
    }

    pub(super) fn of_experiment(experiment: &str, expected: i64, found: i64) -> Self {
        let name = crate::printable(experiment);
        Self(format!(
            "'{name}' had {expected} runs when it was recorded last, but {found} are found"
        ))
    }
}

impl fmt::Display for IntegrityIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that was met while reading, each once.
#[derive(Debug, Default)]
pub(super) struct Met(Mutex<Vec<IntegrityIssue>>);

impl Met {
    pub(super) fn add(&self, damage: Vec<IntegrityIssue>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for it in damage {
            if !known.contains(&it) {
                known.push(it);
            }
        }
    }

    pub(super) fn all(&self) -> Vec<IntegrityIssue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
