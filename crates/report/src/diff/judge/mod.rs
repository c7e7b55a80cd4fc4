//! `diff --judge`: whether the right side is better than the left.

mod command;
mod evidence;
pub mod json;
mod judged;
mod nothing_in_common;
mod seeds;
mod sentence;
pub mod text;

pub use judged::{Judged, Question};
