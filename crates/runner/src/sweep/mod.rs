//! Runs the trials of a plan and records them.
//!
//! `scheduler` starts a `worker` per job. The workers send the events of `protocol` to the
//! `store_writer`, which maps them to `records`.

pub mod destination;
pub mod panics;
pub mod progress;
pub mod protocol;
pub mod provenance;
pub mod records;
pub mod scheduler;
pub mod selection;
pub mod stop;
pub mod store_writer;
#[cfg(test)]
mod tests;
pub mod worker;
