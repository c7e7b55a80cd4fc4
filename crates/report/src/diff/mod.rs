//! Differences between two operands: between two runs field by field, or between two sets of runs
//! pair by pair.

mod address;
mod conclusion;
mod digits;
mod field;
pub mod json;
pub mod judge;
mod metric;
pub mod operand;
mod pair;
pub mod run_set;
pub mod runs;
pub mod sets;
#[cfg(test)]
mod tests;
pub mod text;
mod version;
