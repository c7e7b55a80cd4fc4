//! One file a verb.

pub mod plan;
pub mod predict;
pub mod run;
mod summary;
