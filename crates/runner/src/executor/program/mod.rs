//! A program in the place of the built-in model: one process per trial.

mod code;
mod executor;
mod log;
mod measurements;
mod output;
mod process;
mod slot;
pub mod supervisor;
mod training;
mod trial_folder;

pub use code::Code;
pub use executor::{ENGINE, ProgramExecutor};
