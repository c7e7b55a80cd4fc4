#![allow(clippy::unwrap_used)]
use std::collections::HashSet;

use super::*;

/// What a store has that follows from the rest of it.
const DERIVED: [(&str, &str); 2] = [("experiments", "runs"), ("runs", "sequence")];

/// Who adds a table or a column to the schema adds it to the description, or it would be lost in every export.
#[test]
fn every_column_of_the_schema_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let connection = store.connection();
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
    let described =
        TABLES.iter().flat_map(|table| stored(table).map(move |(_, column)| (table, column)));
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
        "in the schema only"
    );
    assert_eq!(
        described.difference(&schema).collect::<Vec<_>>(),
        Vec::<&_>::new(),
        "in the description only"
    );
}

/// Nothing of ours writes such a text; handed on as it is, it would be no text to others.
#[test]
fn a_text_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let sql = "INSERT INTO experiments (name, description) VALUES ('wine', CAST(x'ff' AS TEXT))";
    store.connection().execute(sql, []).unwrap();
    let error =
        crate::Reader::open(folder.path()).unwrap().record(None, &mut ()).unwrap_err().to_string();
    assert!(
        error.contains("a cell of the column 'description' of 'experiments' is no UTF-8"),
        "{error}"
    );
}
