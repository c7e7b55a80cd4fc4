//! The record: export, import and digest of a store.
#![allow(clippy::unwrap_used, missing_docs)]

mod digest;
mod invalid;
mod round_trip;
mod rows;
