//! The statistics, once: every view shows what is computed here, and `METHODOLOGY.md` says what it promises.

pub mod best;
pub mod effects;
pub mod fit;
pub mod power;
pub mod samples;
pub mod statistics;

#[cfg(test)]
pub mod simulation;
