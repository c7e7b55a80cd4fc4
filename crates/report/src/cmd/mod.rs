//! One file a verb.

pub mod compare;
pub mod diff;
pub mod show;
