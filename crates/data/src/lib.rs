//! Image datasets: found, fetched, verified, decoded and split. Knows nothing of models.
//!
//! [`Source::parse`] turns a name into a [`Source`], a [`Finder`] turns that into a [`Dataset`].

pub mod random;

mod catalog;
mod dataset;
mod digest;
mod encode;
mod error;
mod fetch;
mod fetch_bar;
mod find;
mod idx;
mod partition;

pub use catalog::{Facts, Known};
pub use dataset::{Dataset, FileDigest, ImageShape, Split};
pub use encode::{normalise, one_hot};
pub use error::{DataError, IdxError};
pub use fetch::{FetchObserver, Silent};
pub use fetch_bar::FetchBar;
pub use find::{Finder, Network, Source};
pub use partition::{Fraction, Partition, hold_out};
