//! From recorded runs to conclusions: metrics of runs, statistics and tests. `METHODOLOGY.md` states
//! what they promise. The runner decides races with it, and the report compares settings.

pub mod best;
pub mod effects;
pub mod fit;
#[cfg(test)]
mod fixtures;
pub mod improvement;
pub mod judge;
pub mod metric;
pub mod power;
pub mod race;
pub mod runs;
pub mod samples;
pub mod sequential;
pub mod statistics;

#[cfg(test)]
mod simulation;
