//! The schema, as the ordered steps that lead to it. A released step is never changed: a new one is added.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::{database, optional};
use crate::StoreError;

/// What a store of ours carries in its header: "cswp".
const APPLICATION_ID: i64 = 0x6373_7770;

/// Name and SQL of every step; `user_version` counts those taken.
const STEPS: [(&str, &str); 3] = [
    ("first schema", include_str!("schema_1.sql")),
    ("shared runs", include_str!("schema_2.sql")),
    ("resuming and checksums", include_str!("schema_3.sql")),
];

/// The schema that this program writes.
#[allow(clippy::cast_possible_wrap, reason = "a few steps")]
const NEWEST: i64 = STEPS.len() as i64;

/// Takes the steps that are missing, all in one transaction, after a copy of the store was put beside it.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = database(path);
    let version = check(connection, path)?;
    if version == NEWEST {
        return Ok(());
    }
    if version > 0 {
        back_up(connection, path, version)?;
    }
    // Immediate: of two programs that open a new store at once, the second waits and finds the schema there.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let version = check(&transaction, path)?;
    let steps = usize::try_from(version).map_or(&STEPS[..], |taken| &STEPS[taken..]);
    for (_, sql) in steps {
        transaction.execute_batch(sql).map_err(&failed)?;
    }
    if !steps.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&failed)?;
        transaction.pragma_update(None, "user_version", NEWEST).map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)
}

/// Copies the store as it is to `tracking.db.schema-N`, whole or not at all.
fn back_up(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let named = |ending: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let copy = named(format!(".schema-{version}"));
    let temporary = named(format!(".schema-{version}.{}", std::process::id()));
    let kept = |source| StoreError::Export { path: copy.clone(), source };
    // SQLite writes a copy only where there is no file.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(kept(error)),
        _ => {}
    }
    connection.execute("VACUUM INTO ?1", [temporary.to_string_lossy()]).map_err(database(path))?;
    std::fs::rename(&temporary, &copy).map_err(kept)
}

/// The version of a store of ours, or 0 for an empty database; anything else is refused.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = database(path);
    let number = |sql| optional::<i64>(connection, sql).map(Option::unwrap_or_default).map_err(&failed);
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let ours = number("PRAGMA application_id")? == APPLICATION_ID;
    if !ours && (tables > 0 || version != 0) {
        let reason = "it is an SQLite database of another program".to_owned();
        return Err(StoreError::Foreign { path: path.to_owned(), reason });
    }
    if version < 0 || (version == 0 && tables > 0) {
        let reason = format!("its schema is said to be {version}");
        return Err(StoreError::Damaged { path: path.to_owned(), reason });
    }
    if version > NEWEST {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: NEWEST });
    }
    Ok(version)
}
