//! The statistics of all views. `METHODOLOGY.md` states their promises.

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
