//! What exports need that are not text: a file a format, and the runs as other tools have them.

pub mod parquet;
pub mod run_table;
pub mod tools;
