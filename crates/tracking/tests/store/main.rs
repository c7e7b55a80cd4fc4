//! The store: recording, reading, opening and concurrent access.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod concurrency;
mod lookup;
mod opening;
mod recording;
#[path = "../wine/mod.rs"]
mod wine;
