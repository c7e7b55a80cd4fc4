//! Image datasets: found, fetched, verified, decoded and split. Knows nothing of models.
//!
//! [`Source::parse`] turns a name into a [`Source`], a [`Finder`] turns that into a [`Dataset`], [`hold_out`] parts it.

pub mod idx;
pub mod random;

mod catalog;
mod dataset;
mod decoded;
mod digest;
mod embedded;
mod encode;
mod error;
mod fetch;
mod fetch_bar;
mod find;
mod folder;
mod http;
mod partition;
mod printable;
mod sums;

pub use catalog::{DatasetInfo, KnownDataset};
pub use dataset::{Dataset, FileDigest, ImageShape, Split, Verification};
pub use encode::{normalise, one_hot};
pub use error::{DataError, IdxError};
pub use fetch::{FetchObserver, SilentFetch};
pub use fetch_bar::FetchBar;
pub use find::{Finder, Network, Source};
pub use partition::{Fraction, InvalidFraction, Partition, hold_out};
