//! Races: settings get more replicates only while they may still be the best.

mod decision;
mod likely;
mod record;
#[cfg(test)]
mod simulation;

pub use decision::{Cell, Decision, End, Exit, Field, Reason};
pub use likely::likely_runs;
pub use record::Raced;
