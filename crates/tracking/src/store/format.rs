//! Names and formats of the database.

use std::time::SystemTime;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::Value;

/// File name of the database in a results folder.
pub const DATABASE: &str = "tracking.db";

/// The number of an invocation in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvocationId(pub(super) i64);

/// RFC 3339 in UTC, to the millisecond: the format of times in the store.
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}
