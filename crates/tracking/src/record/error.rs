//! Why a record cannot be exported or imported.

use std::io;

use thiserror::Error;

use super::digest::Digest;
use crate::StoreError;

/// Why a record cannot be exported or imported.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The export cannot be written.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    /// The input is not a valid export.
    #[error("{place}: {reason}")]
    Input {
        /// The file and the line.
        place: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A row does not fit its table.
    #[error("{0}")]
    Row(String),
    /// The rows do not match the digest of the export.
    #[error(
        "the export is incomplete or was changed: the digest of its rows is {found}, expected {expected}; export the store again"
    )]
    Differs {
        /// The digest that the export states.
        expected: Digest,
        /// The digest of its rows.
        found: Digest,
    },
}

impl RecordError {
    /// Adds the position in the input to an invalid row.
    pub(super) fn at(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Row(reason) => Self::Input { place: place(), reason },
            error => error,
        }
    }
}
