//! Runs the trials of a plan and records them.
//!
//! `experiment_sweep` starts the `scheduler`, which starts a `worker` per job. The workers send the
//! events of `protocol` to the `store_writer`, which writes them as `records`.

pub mod destination;
pub mod experiment_sweep;
pub mod panics;
pub mod progress;
pub mod protocol;
pub mod provenance;
pub mod queue;
pub mod records;
pub mod scheduler;
pub mod selection;
pub mod stop;
pub mod store_writer;
#[cfg(test)]
mod tests;
pub mod worker;
