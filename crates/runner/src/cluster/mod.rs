//! Experiments that several machines share: attempts at shards, and how far all of them have come.

pub mod attempt;
pub mod plan_status;
