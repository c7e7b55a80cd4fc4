//! `report export --to` without the tools themselves: the files that it writes, the requests that
//! it sends, and its messages. The tests in `external_tools.rs` run the tools.
#![allow(clippy::unwrap_used, missing_docs)]

mod arguments;
mod mlflow_folder;
mod mlflow_server;
mod results;
#[path = "../stores/mod.rs"]
mod stores;
mod tensorboard;
