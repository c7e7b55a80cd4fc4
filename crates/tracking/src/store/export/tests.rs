#![allow(clippy::unwrap_used)]
use std::collections::HashSet;

use super::*;
use crate::Store;

/// Columns that restoring a store derives from other columns.
const DERIVED: [(&str, &str); 2] = [("experiments", "runs"), ("runs", "sequence")];

/// A column of the schema that [`TABLES`] lacks would be missing from every export.
#[test]
fn exported_tables_have_every_column_of_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let connection = &store.lock().connection;
    let sql =
        "SELECT s.name, c.name, c.type, c.\"notnull\" OR c.pk FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
               WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite%'";
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .filter(|(table, column, ..): &(String, String, String, bool)| {
            !DERIVED.contains(&(table, column))
        });
    let described = TABLES
        .iter()
        .flat_map(|table| stored_columns(table).map(move |(_, column)| (table, column)));
    let described = described.map(|(table, column)| {
        let kind = match column.kind {
            Kind::Invocation | Kind::Integer => "INTEGER",
            Kind::Real => "REAL",
            Kind::Name | Kind::Id | Kind::Text => "TEXT",
            Kind::Blob => "BLOB",
            Kind::Type | Kind::Any => "ANY",
        };
        (table.name.to_owned(), column.name.to_owned(), kind.to_owned(), !column.optional)
    });
    let (schema, described): (HashSet<_>, HashSet<_>) = (columns.collect(), described.collect());
    assert_eq!(
        schema.difference(&described).collect::<Vec<_>>(),
        Vec::<&_>::new(),
        "columns that only the schema has"
    );
    assert_eq!(
        described.difference(&schema).collect::<Vec<_>>(),
        Vec::<&_>::new(),
        "columns that only the exported tables have"
    );
}

/// The store never writes invalid UTF-8, and other programs could not read it in an export.
#[test]
fn export_of_invalid_utf8_names_the_column() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let sql = "INSERT INTO experiments (name, description) VALUES ('wine', CAST(x'ff' AS TEXT))";
    store.lock().connection.execute(sql, []).unwrap();
    let error =
        crate::Reader::open(folder.path()).unwrap().export(None, &mut ()).unwrap_err().to_string();
    assert!(
        error
            .contains("a cell of the column 'description' of the table 'experiments' is not UTF-8"),
        "{error}"
    );
}
