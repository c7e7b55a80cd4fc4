//! The statistics that all views show. `METHODOLOGY.md` states what they promise.

pub mod best;
pub mod comparison;
pub mod effects;
pub mod fit;
pub mod last_epoch;
pub mod power;
pub mod samples;
pub mod statistics;

#[cfg(test)]
pub mod simulation;
