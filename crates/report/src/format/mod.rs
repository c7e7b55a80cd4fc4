//! One exporter a file: tables in, text out.

pub mod csv;
#[cfg(test)]
pub mod example;
pub mod json;
pub mod markdown;
pub mod text;
