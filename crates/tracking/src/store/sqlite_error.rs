//! Store errors from SQLite errors.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use super::busy_retry::MAX_WAIT;
use crate::StoreError;

/// Converts errors of the database `path`: names the file, and says what to do.
pub(super) fn store_error(path: &Path) -> impl Fn(Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |cause| {
        let (path, reason) = (path.clone(), cause.to_string());
        match cause.sqlite_error_code() {
            None if is_unreadable_value(&cause) => StoreError::Damaged { path, reason },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, reason },
            Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path, reason },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { path, waited: MAX_WAIT }
            }
            Some(ErrorCode::DiskFull) => {
                StoreError::Unwritable { path, reason, advice: "free space on the disk" }
            }
            Some(ErrorCode::SystemIoFailure) => {
                let advice = "check the disk and its limits for file sizes";
                StoreError::Unwritable { path, reason, advice }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                let advice = "check the permissions of the folder";
                StoreError::Unwritable { path, reason, advice }
            }
            _ => StoreError::Database { path, cause },
        }
    }
}

/// Whether a value has a type, a range or an encoding that the store never writes.
pub(super) fn is_unreadable_value(error: &Error) -> bool {
    is_invalid_value(error) || matches!(error, Error::Utf8Error(..))
}

/// Whether a value has a type or a range that the store never writes.
pub(super) fn is_invalid_value(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
    )
}

/// Whether SQLite can neither open nor create a file that it needs beside the database.
pub(super) fn cannot_open(error: &StoreError) -> bool {
    matches!(error, StoreError::Database { cause, .. } if cause.sqlite_error_code() == Some(ErrorCode::CannotOpen))
}
