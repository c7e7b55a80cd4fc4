//! Downloads the missing files of a dataset.

mod download;
mod http;
mod observer;
mod progress_bar;
#[cfg(test)]
mod tests;

pub(crate) use download::{Download, FIRST_BYTE_TIMEOUT, unavailable};
pub use observer::{FetchObserver, SilentFetch};
pub use progress_bar::FetchBar;
