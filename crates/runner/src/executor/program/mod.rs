//! A program in the place of the built-in model: one process per trial.

mod code;
mod executor;
pub mod log;
mod measurements;
mod output;
mod process;
mod slot;
pub mod supervisor;
mod training;
pub mod trial_folder;

pub use code::Code;
pub use executor::{ENGINE, ProgramExecutor};
