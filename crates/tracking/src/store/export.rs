//! Exporting the rows of a store.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use rusqlite::types::{Type, ValueRef};

use crate::record::DigestBuilder;
use crate::{Cell, Column, Digest, Kind, RecordError, RunId, Sink, StoreError, TABLES, Table};

/// Converts an SQLite error to a store error.
pub(super) type ToStoreError<'a> = dyn Fn(rusqlite::Error) -> StoreError + 'a;

/// Passes the rows of all tables to `sink`. If `runs` is given, passes only these runs and the rows
/// that they refer to. Returns the digest of the rows.
pub(super) fn export_rows(
    connection: &Connection,
    store_error: &ToStoreError<'_>,
    runs: Option<&HashSet<RunId>>,
    sink: &mut dyn Sink,
) -> Result<Digest, RecordError> {
    let selection =
        runs.map(|runs| Selection::of(connection, runs)).transpose().map_err(store_error)?;
    let mut digest = DigestBuilder::default();
    // The export renumbers invocations, because the order of their recording depends on the store.
    let mut numbers: HashMap<i64, i64> = HashMap::new();
    for table in &TABLES {
        sink.begin(table)?;
        let Some(sql) = select_sql(connection, table).map_err(store_error)? else { continue };
        let mut statement = connection.prepare(&sql).map_err(store_error)?;
        let mut rows = statement.query([]).map_err(store_error)?;
        while let Some(row) = rows.next().map_err(store_error)? {
            let mut cells = Vec::with_capacity(table.columns.len());
            for (index, column) in table.columns.iter().enumerate() {
                let value = row.get_ref(index).map_err(store_error)?;
                cells.push(
                    cell(value, column).map_err(|reason| {
                        store_error(invalid_cell(table, column, index, reason))
                    })?,
                );
            }
            if selection.as_ref().is_some_and(|selection| !selection.contains(table, &cells[0])) {
                continue;
            }
            for (cell, column) in cells.iter_mut().zip(table.columns) {
                if let (Kind::Invocation, Cell::Integer(number)) = (column.kind, cell) {
                    let next = i64::try_from(numbers.len()).unwrap_or(i64::MAX).saturating_add(1);
                    *number = *numbers.entry(*number).or_insert(next);
                }
            }
            digest.row(table, &cells);
            sink.row(&cells)?;
        }
    }
    Ok(digest.finish())
}

/// A query for all columns of `table`, with NULL for columns that the store lacks. `None` if the
/// store lacks the table.
fn select_sql(connection: &Connection, table: &Table) -> rusqlite::Result<Option<String>> {
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
    // The order names columns by their numbers, because a column that the store lacks has no name.
    let number = |name: &str| {
        let index = table.columns.iter().position(|column| column.name == name);
        index.map_or_else(|| name.to_owned(), |index| (index + 1).to_string())
    };
    let order: Vec<String> = match table.order {
        Some(order) => order.split(", ").map(number).collect(),
        None => (2..=columns.len()).chain([1]).map(|number| number.to_string()).collect(),
    };
    let order = order.join(", ");
    Ok(Some(format!("SELECT {} FROM {} ORDER BY {order}", columns.join(", "), table.name)))
}

/// The value as a cell of `column`, or the reason why it is none.
fn cell<'a>(value: ValueRef<'a>, column: &Column) -> Result<Cell<'a>, &'static str> {
    let cell = match value {
        ValueRef::Null if column.optional => return Ok(Cell::Null),
        ValueRef::Null => return Err("is empty"),
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => {
            Cell::Text(std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?.into())
        }
        ValueRef::Blob(bytes) => Cell::Blob(bytes.into()),
    };
    if column.kind.fits(&cell) { Ok(cell) } else { Err("has the wrong type") }
}

fn invalid_cell(table: &Table, column: &Column, index: usize, reason: &str) -> rusqlite::Error {
    let reason =
        format!("a cell of the column '{}' of the table '{}' {reason}", column.name, table.name);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Null, reason.into())
}

/// Runs, and the experiments and invocations that they refer to.
struct Selection<'r> {
    runs: &'r HashSet<RunId>,
    experiments: HashSet<String>,
    invocations: HashSet<i64>,
}

impl<'r> Selection<'r> {
    fn of(connection: &Connection, runs: &'r HashSet<RunId>) -> rusqlite::Result<Self> {
        let mut selection = Self { runs, experiments: HashSet::new(), invocations: HashSet::new() };
        let mut sql = "SELECT id, invocation, experiment FROM runs".to_owned();
        if connection.table_exists(None, "resumptions")? {
            sql += " UNION ALL SELECT run_id, invocation, NULL FROM resumptions";
        }
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if runs.contains(row.get_ref(0)?.as_str()?) {
                selection.invocations.insert(row.get(1)?);
                selection.experiments.extend(row.get::<_, Option<String>>(2)?);
            }
        }
        Ok(selection)
    }

    /// Whether the selection includes the row of `table` whose first cell is `first`.
    fn contains(&self, table: &Table, first: &Cell<'_>) -> bool {
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

/// Columns that the store has, with their indexes. The others are derived from them.
pub(super) fn stored_columns(
    table: &'static Table,
) -> impl Iterator<Item = (usize, &'static Column)> {
    table.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Type)
}

#[cfg(test)]
mod tests;
