//! Pairs the runs of two experiments and compares them trial by trial.

pub mod matched;
pub mod sets;
pub mod side;
