//! Experiments that several machines share: attempts at shards, their progress, and Slurm.

pub mod attempt;
pub mod plan_status;
pub mod slurm;
