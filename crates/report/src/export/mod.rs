//! Exports that are not text: the record as Parquet files, and runs for other tools.

pub mod parquet;
pub mod run_table;
pub mod tools;
