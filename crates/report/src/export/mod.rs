//! What exports need that are not text: one file a format.

pub mod parquet;
pub mod run_table;
