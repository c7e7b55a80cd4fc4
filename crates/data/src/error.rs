//! Errors of datasets. Each message says what is wrong, where, what was expected and what to do.
//!
//! The messages include their causes, so `Error::source` returns none.

use std::path::PathBuf;

use thiserror::Error;

use crate::printable::{printable, printable_path};

/// Why bytes are not a valid IDX file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is shorter than its header says.
    #[error("the file is truncated: expected {expected} bytes, found {found}")]
    Truncated {
        /// Length in bytes, computed from the header.
        expected: u64,
        /// Length of the file in bytes.
        found: u64,
    },
    /// The magic number is not that of the expected kind.
    #[error(
        "wrong magic number: expected 0x{expected:08x} ({kind}), found 0x{found:08x} ({guess})"
    )]
    Magic {
        /// The expected kind.
        kind: &'static str,
        /// The magic number of that kind.
        expected: u32,
        /// The magic number in the file.
        found: u32,
        /// What the file probably is.
        guess: &'static str,
    },
    /// A dimension is zero.
    #[error("the header declares the dimensions {0:?}: expected each to be at least 1")]
    ZeroDimension(Vec<u32>),
    /// The decoded file exceeds the size limit.
    #[error("the file is too large: found {found} bytes, expected at most {limit}")]
    TooLarge {
        /// Size in bytes, as declared or as received so far.
        found: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is longer than its header says.
    #[error("the file has extra bytes after the end: expected {0} bytes, found more")]
    Trailing(u64),
    /// The gzip data does not decompress.
    #[error("the gzip data is damaged or cut off ({0})")]
    Gzip(String),
    /// The operating system reported an error.
    #[error("reading failed: {0}")]
    Unreadable(String),
}

/// Why a dataset cannot be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The text is neither a known name nor a folder.
    #[error("unknown dataset '{}'{}: expected mnist, fashion-mnist, kmnist, digits, or an existing folder of IDX files",
        printable(.name), .nearest.map(|nearest| format!(" (did you mean {nearest}?)")).unwrap_or_default())]
    UnknownDataset {
        /// The text as written.
        name: String,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// The path of a dataset is not a folder.
    #[error("{} {found}; expected a folder with the four IDX files of a dataset", printable_path(.path))]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// What is wrong with the path.
        found: &'static str,
    },
    /// The folder lacks files.
    #[error("{} lacks {} (plain or .gz); {advice}", printable_path(.folder), .files.join(", "))]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The missing files.
        files: Vec<&'static str>,
        /// What to do.
        advice: String,
    },
    /// The dataset is not on this machine, and the download failed.
    #[error("{name} is not in {} and could not be fetched: {reason}; {advice}", printable_path(.folder))]
    Unavailable {
        /// The dataset.
        name: String,
        /// Its folder in the dataset cache.
        folder: PathBuf,
        /// Why the download failed.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A mirror is not an HTTP address.
    #[error("'{}' is not a mirror: expected an address that begins with http:// or https://", printable(.0))]
    Mirror(String),
    /// A file is not a valid IDX file.
    #[error("{location}: {reason}; {advice}")]
    Malformed {
        /// The path or the URL of the file.
        location: String,
        /// What is wrong.
        reason: IdxError,
        /// What to do.
        advice: &'static str,
    },
    /// A checksum differs from the pinned one.
    #[error("{location}: wrong {algorithm}: expected {expected}, found {found}; {advice}")]
    Checksum {
        /// The path or the URL of the file.
        location: String,
        /// The checksum and what it covers.
        algorithm: &'static str,
        /// The pinned checksum.
        expected: String,
        /// The computed checksum.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// The four files contradict each other, or are not the named dataset.
    #[error("{location}: {reason}; expected the four files of one dataset")]
    Inconsistent {
        /// The dataset or its folder.
        location: String,
        /// The contradiction.
        reason: String,
    },
    /// A line of `SHA256SUMS` names one of the four files without a valid checksum.
    #[error("{}: line {line} has no valid SHA-256; expected 64 hexadecimal digits, two spaces, a file name", printable_path(.path))]
    SumsFile {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
    },
    /// The user has no cache folder.
    #[error("no user cache folder is known ({0}); name a folder with --data-dir")]
    NoCacheFolder(String),
    /// The operating system reported an error.
    #[error("{}: {doing} failed: {cause}", printable_path(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operation, such as "reading".
        doing: &'static str,
        /// The error.
        cause: std::io::Error,
    },
}

impl DataError {
    /// Returns whether the dataset is missing and the download failed. Only then may a fallback
    /// replace it: a dataset with wrong content is an error to report.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Advice for a file with wrong content.
pub(crate) const ADVICE_FILE: &str = "replace it with a correct copy, or delete it";
/// Advice for a mirror that sent wrong content.
pub(crate) const ADVICE_MIRROR: &str =
    "the download was discarded; name another mirror with --mirror";
