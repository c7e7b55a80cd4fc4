//! Restoring a store from exported rows.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::Store;
use super::export::{ToStoreError, export_rows, stored_columns};
use crate::{Cell, Digest, RecordError, Sink, Table};

impl Store {
    /// Creates the store of `folder`, which must not have one, from exported rows. `read` passes
    /// the rows to the sink and returns the digest that they must have. The store contains all rows
    /// or none.
    ///
    /// # Errors
    /// When `read` fails, a row refers to a missing row, or the digest differs.
    pub fn restore(
        folder: &Path,
        read: impl FnOnce(&mut dyn Sink) -> Result<Digest, RecordError>,
    ) -> Result<Digest, RecordError> {
        let mut store = Self::open_exclusive(folder)?;
        let store_error = store.store_error();
        let transaction = store.transaction()?;
        let connection = &transaction.connection;
        // The tables of a document may have any order.
        connection.pragma_update(None, "defer_foreign_keys", "ON").map_err(&store_error)?;
        let mut sink =
            InsertSink { connection, store_error: &store_error, table: None, sql: String::new() };
        let expected = read(&mut sink)?;
        let sql =
            "UPDATE experiments SET runs = (SELECT count(*) FROM runs WHERE experiment = name)";
        connection.execute(sql, []).map_err(&store_error)?;
        check_references(connection, &store_error)?;
        let found = export_rows(connection, &store_error, None, &mut ())?;
        if found != expected {
            return Err(RecordError::Differs { expected, found });
        }
        transaction.commit()?;
        Ok(found)
    }
}

/// Inserts exported rows without changes.
struct InsertSink<'c> {
    connection: &'c Connection,
    store_error: &'c ToStoreError<'c>,
    table: Option<&'static Table>,
    sql: String,
}

impl Sink for InsertSink<'_> {
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError> {
        let names: Vec<&str> = stored_columns(table).map(|(_, column)| column.name).collect();
        let placeholders = vec!["?"; names.len()].join(", ");
        self.sql =
            format!("INSERT INTO {} ({}) VALUES ({placeholders})", table.name, names.join(", "));
        self.table = Some(table);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError> {
        let Some(table) = self.table else { return Ok(()) };
        let values = stored_columns(table).map(|(index, _)| match &cells[index] {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Blob(bytes) => ValueRef::Blob(bytes),
        });
        let values = params_from_iter(values.map(rusqlite::types::ToSqlOutput::Borrowed));
        let inserted =
            self.connection.prepare_cached(&self.sql).and_then(|mut insert| insert.execute(values));
        inserted.map(|_| ()).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => RecordError::Row(error.to_string()),
            _ => (self.store_error)(error).into(),
        })
    }
}

/// Checks that every row refers to existing rows.
fn check_references(
    connection: &Connection,
    store_error: &ToStoreError<'_>,
) -> Result<(), RecordError> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(store_error)?;
    let mut rows = statement.query([]).map_err(store_error)?;
    let Some(row) = rows.next().map_err(store_error)? else { return Ok(()) };
    let table = |index| row.get::<_, String>(index).map_err(store_error);
    let (place, target) = (table(0)?, table(2)?);
    Err(RecordError::Input {
        place,
        reason: format!("a row refers to a row of '{target}' that does not exist"),
    })
}
