//! What can be wrong with a dataset: what was expected, what was found, where, and what to do.

use std::path::PathBuf;

use thiserror::Error;

/// Why bytes are no IDX file.
#[derive(Debug, Error)]
pub enum IdxError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// It ends too soon.
    #[error("the file is truncated: expected {expected} bytes, found {found}")]
    Truncated {
        /// Bytes that header and dimensions promise.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// It does not begin as it should.
    #[error("wrong magic number: expected 0x{expected:08x} ({kind}), found 0x{found:08x}")]
    Magic {
        /// What was looked for.
        kind: &'static str,
        /// Its magic number.
        expected: u32,
        /// The file's.
        found: u32,
    },
    /// A dimension is zero.
    #[error("the header promises nothing: dimensions {0:?}")]
    Nothing(Vec<u32>),
    /// More than a dataset should have.
    #[error("the header promises {0} bytes, more than the {1} that are read")]
    TooLarge(u64, u64),
    /// It goes on.
    #[error("there are bytes after the end: expected {0} bytes, found more")]
    Trailing(u64),
    /// Not gzip, or damaged.
    #[error("it cannot be read or decompressed: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// Why a dataset cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// A name that is none of ours and no folder.
    #[error("'{name}' is no dataset: expected mnist, fashion-mnist, kmnist, digits, or a folder of IDX files")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A folder that lacks a file.
    #[error("{} has no {file} (plain or .gz); {advice}", .folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: String,
        /// What to do.
        advice: String,
    },
    /// It is not here, and could not be fetched.
    #[error("{name} is not in {} and could not be fetched: {reason}", .folder.display())]
    Unavailable {
        /// The dataset.
        name: String,
        /// Where it would be kept.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file that is not IDX.
    #[error("{place}: {reason}; replace it with a whole copy, or delete it")]
    Malformed {
        /// The file, or where it came from.
        place: String,
        /// What is wrong.
        reason: IdxError,
    },
    /// Bytes that are not those of the dataset.
    #[error(
        "{place}: wrong {algorithm}: expected {expected}, found {found}; replace it with a true copy, or delete it"
    )]
    Checksum {
        /// The file, or where it came from.
        place: String,
        /// SHA-256 or MD5.
        algorithm: &'static str,
        /// As pinned.
        expected: String,
        /// As computed.
        found: String,
    },
    /// Files that do not fit together.
    #[error("{name}: {reason}")]
    Inconsistent {
        /// The dataset.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// The system refuses.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        source: std::io::Error,
    },
}

impl DataError {
    /// Whether the dataset is absent and out of reach, as opposed to there but wrong: only then may another stand in.
    #[must_use]
    pub fn cannot_be_had(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
