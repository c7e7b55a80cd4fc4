//! The record: every row of a store, table by table.
//!
//! [`TABLES`] describes the tables and their columns once. Reading a store, exporting it, importing
//! an export and computing the digest all follow this description.

mod cell;
pub(crate) mod csv;
mod digest;
mod error;
pub(crate) mod json;
mod tables;

pub use cell::{Cell, Kind};
pub use digest::Digest;
pub(crate) use digest::DigestBuilder;
pub use error::RecordError;
pub use tables::{Column, TABLES, Table};

/// Receives the rows of a record, one at a time: a file or a store.
pub trait Sink {
    /// Starts a table: the rows that follow belong to it. Each table starts once, even if it has no
    /// rows.
    ///
    /// # Errors
    /// If the destination cannot be written.
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError>;

    /// Receives one row of the current table, with one cell per column.
    ///
    /// # Errors
    /// If the destination cannot be written or rejects the row.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError>;
}

/// Discards the rows, for callers that only need the digest.
impl Sink for () {
    fn begin(&mut self, _: &'static Table) -> Result<(), RecordError> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> Result<(), RecordError> {
        Ok(())
    }
}
