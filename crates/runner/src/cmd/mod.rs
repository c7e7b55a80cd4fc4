//! One file per command.

mod declarations;
mod differences;
pub mod gc;
pub mod import;
pub mod merge;
pub mod plan;
mod plan_export;
mod planned;
pub mod predict;
mod race;
mod race_text;
pub mod run;
pub mod run_files;
pub mod status;
pub mod submit;
mod summary;
pub mod trash;
mod trials;
pub mod verify;
pub mod warnings;
