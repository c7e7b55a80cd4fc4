//! From an experiment file to a plan of trials.

pub mod datasets;
pub mod diagnostic;
pub mod file;
pub mod group;
pub mod plan;
pub mod range;
pub mod shard;
pub mod spec;
