//! Tests of the command line: one module per command or feature.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_input;
mod common;
mod datasets;
mod determinism;
mod error_analysis;
mod gc;
mod import;
mod integrity;
mod merge;
mod names;
mod output;
mod plan;
mod predict;
mod progress;
mod run;
mod run_files;
mod schema;
mod shard;
mod shard_auto;
mod submit;
mod supervisor;
mod trash;
mod verify;

#[cfg(unix)]
mod concurrency;
#[cfg(unix)]
mod failure;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod race;
#[cfg(unix)]
mod spaces;
#[cfg(unix)]
mod stop;
