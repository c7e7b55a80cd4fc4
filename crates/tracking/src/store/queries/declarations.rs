//! Declarations of experiments.

use rusqlite::Connection;

use crate::Declarations;

/// Declarations of `experiment`; empty in a store of an earlier schema.
pub(crate) fn of_experiment(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Declarations> {
    if !connection.table_exists(None, "declarations")? {
        return Ok(Declarations::default());
    }
    let sql = "SELECT role, name FROM declarations WHERE experiment = ?1 ORDER BY role, name";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([experiment], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Declarations::from_rows(rows.collect::<rusqlite::Result<Vec<_>>>()?))
}
