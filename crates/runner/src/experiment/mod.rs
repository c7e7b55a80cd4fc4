//! From an experiment file to a plan of trials.
//!
//! `file` → `spec` → `space` → `plan` → `trial` → `group`, in the order of the data.

pub mod axis;
pub mod command_template;
pub mod data_section;
pub mod datasets;
pub mod diagnostic;
pub mod exclude;
pub mod file;
#[cfg(test)]
pub mod fixtures;
pub mod group;
pub mod learner;
pub mod metrics;
pub mod plan;
pub mod program_learner;
pub mod program_section;
pub mod race;
pub mod race_section;
pub mod range;
pub mod sample;
pub mod sampler;
pub mod section;
pub mod shard;
pub mod space;
pub mod spec;
pub mod sweep_section;
#[cfg(test)]
mod tests;
pub mod trial;
pub mod validation;

/// The largest number of trials in a plan.
pub const MAX_TRIALS: usize = 100_000;
