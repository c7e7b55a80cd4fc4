//! One file per command.

mod differences;
pub mod gc;
pub mod import;
pub mod merge;
pub mod plan;
mod plan_export;
mod planned;
pub mod predict;
pub mod run;
pub mod run_files;
pub mod status;
pub mod submit;
mod summary;
pub mod trash;
pub mod verify;
pub mod warnings;
