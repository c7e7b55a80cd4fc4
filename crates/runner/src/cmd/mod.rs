//! One file a verb.

pub mod gc;
pub mod merge;
pub mod plan;
pub mod predict;
pub mod run;
mod summary;
pub mod trash;
pub mod verify;
