//! What can be wrong with a dataset: what was expected, what was found, where, and what to do.
//!
//! Every message is whole in itself: an error here has no further cause to print.

use std::path::PathBuf;

use thiserror::Error;

use crate::printable;

/// Why bytes are no IDX file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
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
    #[error(
        "wrong magic number: expected 0x{expected:08x} ({kind}), found 0x{found:08x} ({guess})"
    )]
    Magic {
        /// What was looked for.
        kind: &'static str,
        /// Its magic number.
        expected: u32,
        /// The file's.
        found: u32,
        /// What the file seems to be.
        guess: &'static str,
    },
    /// A dimension is zero.
    #[error("the header promises nothing: its dimensions are {0:?}, expected none to be 0")]
    Nothing(Vec<u32>),
    /// More than a dataset should have.
    #[error("it is too large: {found} bytes, expected at most {limit}")]
    TooLarge {
        /// Bytes that are promised.
        found: u64,
        /// Most that are read.
        limit: u64,
    },
    /// It goes on.
    #[error("there are bytes after the end: expected {0} bytes, found more")]
    Trailing(u64),
    /// Damaged, or cut off.
    #[error("the gzip data is damaged or cut off ({0})")]
    Gzip(String),
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// Why a dataset cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A name that is none of ours and no folder.
    #[error("'{}' is no dataset{}: expected mnist, fashion-mnist, kmnist, digits, or a folder of IDX files (with a / in it)",
        printable::printable(.name), .nearest.map(|it| format!(" (did you mean {it}?)")).unwrap_or_default())]
    UnknownDataset {
        /// As it was written.
        name: String,
        /// The known name that it resembles.
        nearest: Option<&'static str>,
    },
    /// A folder that is none.
    #[error("{} {found}; expected a folder that holds four IDX files", printable::path(.path))]
    NotAFolder {
        /// Where.
        path: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// A folder that lacks files.
    #[error("{} lacks {} (plain or .gz); {advice}", printable::path(.folder), .files.join(", "))]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The files.
        files: Vec<&'static str>,
        /// What to do.
        advice: String,
    },
    /// It is not here, and could not be fetched.
    #[error("{name} is not in {} and could not be fetched: {reason}; {advice}", printable::path(.folder))]
    Unavailable {
        /// The dataset.
        name: String,
        /// Where it would be kept.
        folder: PathBuf,
        /// Why not.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A mirror that is no address.
    #[error("'{}' is no mirror: expected an address that begins with http:// or https://", printable::printable(.0))]
    Mirror(String),
    /// A file that is not IDX.
    #[error("{place}: {reason}; {advice}")]
    Malformed {
        /// The file, or where it came from.
        place: String,
        /// What is wrong.
        reason: IdxError,
        /// What to do.
        advice: &'static str,
    },
    /// Bytes that are not those of the dataset.
    #[error("{place}: wrong {algorithm}: expected {expected}, found {found}; {advice}")]
    Checksum {
        /// The file, or where it came from.
        place: String,
        /// SHA-256 or MD5.
        algorithm: &'static str,
        /// As pinned.
        expected: String,
        /// As computed.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// Files that do not fit together, or are not what their name promises.
    #[error("{place}: {reason}; expected the four files of one dataset")]
    Inconsistent {
        /// The dataset or its folder.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// A line of `SHA256SUMS` that pins a file to nothing.
    #[error("{}: line {line} gives no SHA-256; expected 64 hexadecimal digits, two spaces, a file name", printable::path(.path))]
    SumsFile {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// There is nowhere to keep datasets.
    #[error("the user's cache folder is not known ({0}); name a folder with --data-dir")]
    NoCacheFolder(String),
    /// The system refuses.
    #[error("{}: {doing} failed: {cause}", printable::path(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl DataError {
    /// Whether the dataset is absent and out of reach, as opposed to there but wrong: only then may another stand in.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// What to do about a wrong file.
pub(crate) const ADVICE_FILE: &str = "replace it with a true copy, or delete it";
/// What to do about a wrong mirror.
pub(crate) const ADVICE_MIRROR: &str = "nothing of it was kept; name another mirror with --mirror";
