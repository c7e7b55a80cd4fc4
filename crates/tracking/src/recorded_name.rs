//! The names of hyperparameters and metrics that a record can have.

use crate::{StoreError, printable};

/// Maximum length of a name, in bytes.
const MAX_NAME_LENGTH: usize = 128;

/// Rejects a name that no record can have. `what` is `metric` or `hyperparameter`.
///
/// # Errors
/// If the name is empty, longer than 128 bytes, or has characters that cannot be printed.
pub fn check_name(what: &'static str, name: &str) -> Result<(), StoreError> {
    validate_name(name, std::iter::empty()).map_err(|reason| rejected(what, name, reason))
}

pub(crate) fn rejected(what: &'static str, name: &str, reason: &'static str) -> StoreError {
    StoreError::Rejected { what, name: name.to_owned(), reason }
}

/// Checks the name of a hyperparameter or metric. The names in `known` are already in use. The
/// error is the reason why the name is invalid.
pub(crate) fn validate_name<'a>(
    name: &str,
    mut known: impl Iterator<Item = &'a str>,
) -> Result<(), &'static str> {
    if name.trim().is_empty() {
        Err("its name is empty")
    } else if name.len() > MAX_NAME_LENGTH {
        Err("its name is longer than 128 bytes")
    } else if printable(name) != name {
        Err("its name has characters that cannot be printed")
    } else if known.any(|other| other == name) {
        Err("its name is already in use")
    } else {
        Ok(())
    }
}
