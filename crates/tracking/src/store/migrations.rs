//! The schema, as ordered migration steps. A released step never changes; a change of the schema is
//! a new step.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, TransactionBehavior};

use super::format::DATABASE;
use super::sqlite_error::store_error;
use crate::StoreError;
use crate::atomic_file::{self, AtomicFile};

/// Application id in the header of a store: "cswp".
const APPLICATION_ID: i64 = 0x6373_7770;

/// Name and SQL of each step. `user_version` of a store is the number of its steps.
const STEPS: [(&str, &str); 8] = [
    ("first schema", include_str!("schema_1.sql")),
    ("shared runs", include_str!("schema_2.sql")),
    ("resuming and checksums", include_str!("schema_3.sql")),
    ("examples", include_str!("schema_4.sql")),
    ("progress", include_str!("schema_5.sql")),
    ("declared metrics", include_str!("schema_6.sql")),
    ("final validation metrics", include_str!("schema_7.sql")),
    ("programs", include_str!("schema_8.sql")),
];

/// The schema version that this program writes.
#[allow(clippy::cast_possible_wrap, reason = "a few steps")]
const NEWEST: i64 = STEPS.len() as i64;

/// Runs the missing steps in one transaction. Copies an existing store first.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = store_error(path);
    let version = check(connection, path)?;
    if version == NEWEST {
        return Ok(());
    }
    if version > 0 {
        back_up(connection, path, version)?;
    }
    // Immediate: if two programs create a store at the same time, the second one waits, and then
    // finds the schema.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let version = check(&transaction, path)?;
    let steps = usize::try_from(version).map_or(&STEPS[..], |done| &STEPS[done..]);
    for (_, sql) in steps {
        transaction.execute_batch(sql).map_err(&failed)?;
    }
    if !steps.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&failed)?;
        transaction.pragma_update(None, "user_version", NEWEST).map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)
}

/// Copies the store to `tracking.db.schema-N`. The copy appears complete or not at all.
fn back_up(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let folder = atomic_file::folder_of(path);
    let copy = folder.join(format!("{DATABASE}.schema-{version}"));
    let unwritable = |cause| StoreError::Export { path: copy.clone(), cause };
    let file =
        AtomicFile::create(folder, &format!("{DATABASE}.schema-{version}.")).map_err(unwritable)?;
    // SQLite copies into an empty file.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(file.path().as_os_str().as_encoded_bytes()));
    connection.execute("VACUUM INTO ?1", [name]).map_err(store_error(path))?;
    file.persist(&copy).map_err(unwritable)
}

/// The schema version of a store, or 0 for an empty database.
///
/// # Errors
/// When the database belongs to another program or was written by a newer version.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = store_error(path);
    // One statement, because another program may be creating the store.
    let sql =
        "SELECT user_version, (SELECT count(*) FROM sqlite_schema), (SELECT application_id FROM pragma_application_id)
               FROM pragma_user_version";
    let from_row = |row: &Row<'_>| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)? == APPLICATION_ID))
    };
    let (version, tables, is_store) = connection.query_row(sql, [], from_row).map_err(&failed)?;
    if !is_store && (tables > 0 || version != 0) {
        let reason = "it is an SQLite database of another program".to_owned();
        return Err(StoreError::NotAStore { path: path.to_owned(), reason });
    }
    if version < 0 || (version == 0 && tables > 0) {
        let reason = format!("its schema version is {version}");
        return Err(StoreError::Damaged { path: path.to_owned(), reason });
    }
    if version > NEWEST {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found: version,
            known: NEWEST,
        });
    }
    Ok(version)
}
