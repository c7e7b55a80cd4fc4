//! The record out of a store, row by row, and into one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::{DATABASE, Store, database};
use crate::record::DigestBuilder;
use crate::{Cell, Column, Digest, Kind, RecordError, RunId, Sink, StoreError, TABLES, Table};

/// What makes an error of the database one of a store.
type Failed<'a> = dyn Fn(rusqlite::Error) -> StoreError + 'a;

/// Hands the rows of all tables to `sink`: all, or those of `runs` and what they refer to.
pub(super) fn hand(
    connection: &Connection,
    failed: &Failed<'_>,
    runs: Option<&HashSet<RunId>>,
    sink: &mut dyn Sink,
) -> Result<Digest, RecordError> {
    let wanted = runs.map(|runs| Wanted::of(connection, runs)).transpose().map_err(failed)?;
    let mut digesting = DigestBuilder::default();
    // The numbers of a store say in which order its invocations came into it, which means nothing.
    let mut numbers: HashMap<i64, i64> = HashMap::new();
    for table in &TABLES {
        sink.begin(table)?;
        let Some(sql) = select(connection, table).map_err(failed)? else { continue };
        let mut statement = connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let mut cells = Vec::with_capacity(table.columns.len());
            for (index, column) in table.columns.iter().enumerate() {
                let value = row.get_ref(index).map_err(failed)?;
                cells.push(
                    cell(value, column)
                        .map_err(|reason| failed(impossible(table, column, index, reason)))?,
                );
            }
            if wanted.as_ref().is_some_and(|wanted| !wanted.has(table, &cells[0])) {
                continue;
            }
            for (cell, column) in cells.iter_mut().zip(table.columns) {
                if let (Kind::Invocation, Cell::Integer(number)) = (column.kind, cell) {
                    let next = i64::try_from(numbers.len()).unwrap_or(i64::MAX).saturating_add(1);
                    *number = *numbers.entry(*number).or_insert(next);
                }
            }
            digesting.row(table, &cells);
            sink.row(&cells)?;
        }
    }
    Ok(digesting.finish())
}

/// All columns of `table`, as far as this store has them, in order; nothing where it has no such table.
fn select(connection: &Connection, table: &Table) -> rusqlite::Result<Option<String>> {
    if !connection.table_exists(None, table.name)? {
        return Ok(None);
    }
    let mut columns = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        columns.push(match column.kind {
            Kind::Type => "typeof(value)",
            _ if connection.column_exists(None, table.name, column.name)? => column.name,
            _ => "NULL",
        });
    }
    let all = || {
        (2..=columns.len()).chain([1]).map(|place| place.to_string()).collect::<Vec<_>>().join(", ")
    };
    // Order by column position: for columns that an earlier schema lacks, the query selects NULL.
    let place = |name: &str| {
        let place = table.columns.iter().position(|column| column.name == name);
        place.map_or_else(|| name.to_owned(), |place| (place + 1).to_string())
    };
    let order = table
        .order
        .map_or_else(all, |order| order.split(", ").map(place).collect::<Vec<_>>().join(", "));
    Ok(Some(format!("SELECT {} FROM {} ORDER BY {order}", columns.join(", "), table.name)))
}

/// The cell of a column, or what is wrong with it.
fn cell<'a>(value: ValueRef<'a>, column: &Column) -> Result<Cell<'a>, &'static str> {
    let cell = match value {
        ValueRef::Null if column.optional => return Ok(Cell::Null),
        ValueRef::Null => return Err("is empty"),
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => {
            Cell::Text(std::str::from_utf8(bytes).map_err(|_| "is no UTF-8 text")?.into())
        }
        ValueRef::Blob(bytes) => Cell::Blob(bytes.into()),
    };
    if column.kind.fits(&cell) { Ok(cell) } else { Err("is of another type") }
}

fn impossible(table: &Table, column: &Column, index: usize, reason: &str) -> rusqlite::Error {
    let reason = format!("a cell of the column '{}' of '{}' {reason}", column.name, table.name);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Null, reason.into())
}

/// Some runs, and what they refer to.
struct Wanted<'r> {
    runs: &'r HashSet<RunId>,
    experiments: HashSet<String>,
    invocations: HashSet<i64>,
}

impl<'r> Wanted<'r> {
    fn of(connection: &Connection, runs: &'r HashSet<RunId>) -> rusqlite::Result<Self> {
        let mut wanted = Self { runs, experiments: HashSet::new(), invocations: HashSet::new() };
        let mut sql = "SELECT id, invocation, experiment FROM runs".to_owned();
        if connection.table_exists(None, "resumptions")? {
            sql += " UNION ALL SELECT run_id, invocation, NULL FROM resumptions";
        }
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if runs.contains(row.get_ref(0)?.as_str()?) {
                wanted.invocations.insert(row.get(1)?);
                wanted.experiments.extend(row.get::<_, Option<String>>(2)?);
            }
        }
        Ok(wanted)
    }

    /// Whether a row is wanted that begins with this cell.
    fn has(&self, table: &Table, first: &Cell<'_>) -> bool {
        match (table.name, first) {
            ("experiments" | "declarations", Cell::Text(name)) => {
                self.experiments.contains(&**name)
            }
            (_, Cell::Text(run)) => self.runs.contains(&**run),
            (_, Cell::Integer(invocation)) => self.invocations.contains(invocation),
            _ => false,
        }
    }
}

impl Store {
    /// Makes the store of `folder`, which has none, of the record that `read` puts into a sink; `read` tells the digest that it must
    /// come to. All of it, or nothing.
    ///
    /// # Errors
    /// What `read` says; or when the rows do not belong together, or come to another digest.
    pub fn restore(
        folder: &Path,
        read: impl FnOnce(&mut dyn Sink) -> Result<Digest, RecordError>,
    ) -> Result<Digest, RecordError> {
        let mut store = Self::open_exclusive(folder)?;
        let failed = database(&folder.join(DATABASE));
        let transaction = store.transaction()?;
        let connection = &transaction.connection;
        // A document may have its tables in any order.
        connection.pragma_update(None, "defer_foreign_keys", "ON").map_err(&failed)?;
        let expected =
            read(&mut Filling { connection, failed: &failed, table: None, sql: String::new() })?;
        let sql =
            "UPDATE experiments SET runs = (SELECT count(*) FROM runs WHERE experiment = name)";
        connection.execute(sql, []).map_err(&failed)?;
        all_refer_to_something(connection, &failed)?;
        let found = hand(connection, &failed, None, &mut ())?;
        if found != expected {
            return Err(RecordError::Differs { expected, found });
        }
        transaction.commit()?;
        Ok(found)
    }
}

/// Puts rows into a store as they are.
struct Filling<'c> {
    connection: &'c Connection,
    failed: &'c Failed<'c>,
    table: Option<&'static Table>,
    sql: String,
}

impl Sink for Filling<'_> {
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError> {
        let names: Vec<&str> = stored(table).map(|(_, column)| column.name).collect();
        let places = vec!["?"; names.len()].join(", ");
        self.sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, names.join(", "));
        self.table = Some(table);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError> {
        let Some(table) = self.table else { return Ok(()) };
        let values = stored(table).map(|(index, _)| match &cells[index] {
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
            _ => (self.failed)(error).into(),
        })
    }
}

/// The columns that are not made of others.
fn stored(table: &'static Table) -> impl Iterator<Item = (usize, &'static Column)> {
    table.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Type)
}

fn all_refer_to_something(connection: &Connection, failed: &Failed<'_>) -> Result<(), RecordError> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(()) };
    let table = |index| row.get::<_, String>(index).map_err(failed);
    let (place, of) = (table(0)?, table(2)?);
    Err(RecordError::Input {
        place,
        reason: format!("a row refers to one of '{of}' that is not there"),
    })
}

#[cfg(test)]
mod tests;
