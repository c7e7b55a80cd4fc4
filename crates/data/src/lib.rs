//! Finds, downloads, verifies, decodes and splits image datasets. Knows nothing about models.
//!
//! [`run`] carries out the commands of the programs `data` and `candle-sweep data`.
//!
//! [`Source::parse`] reads the name of a dataset, [`Finder::load`] returns the [`Dataset`], and
//! [`hold_out`] splits its training examples.

pub mod idx;
pub mod random;

mod atomic_write;
mod catalog;
mod checksum;
mod cli;
mod cmd;
mod dataset;
mod decode_cache;
mod embedded;
mod encode;
mod error;
mod fetch;
mod files;
mod finder;
mod folder;
mod layout;
mod partition;
mod printable;
mod program;
mod sums_file;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod test_support;

pub use catalog::KnownDataset;
pub use cli::Cli;
pub use dataset::{Dataset, DatasetInfo, FileDigest, ImageShape, Split, Verification};
pub use encode::{normalise, one_hot};
pub use error::{DataError, IdxError};
pub use fetch::{FetchBar, FetchObserver, SilentFetch};
pub use finder::{Finder, Network, Source};
pub use partition::{Fraction, InvalidFraction, Partition, hold_out};
pub use printable::printable;
pub use program::{main, run};
