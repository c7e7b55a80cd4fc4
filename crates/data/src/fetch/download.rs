//! Downloads files with resumption and several mirrors, and verifies them before they are used.
//!
//! A transfer writes to `FILE.gz.part`. When the archive is complete and verified, its decoded
//! content is written to a temporary file and renamed to `FILE`, so that an incomplete file is never
//! used. `SHA256SUMS` pins the file from then on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::http::{self, Answer};
use super::observer::FetchObserver;
use crate::atomic_write::atomic_write;
use crate::catalog::CatalogEntry;
use crate::error::{ADVICE_MIRROR, DataError};
use crate::files::FILES;
use crate::folder::{MAX_ARCHIVE, verify_archive};
use crate::idx::{Idx, IdxError};
use crate::layout::find_files;
use crate::printable::{printable, printable_path};
use crate::sums_file;

/// How long to wait for the first byte of a file, over all mirrors together.
pub(crate) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(8);
/// Transfers of one file from one mirror. Each resumes where the previous one stopped.
const MAX_ATTEMPTS: usize = 6;

/// The download of a dataset.
pub(crate) struct Download<'a> {
    pub(crate) entry: &'a CatalogEntry,
    /// The folder to write the files to.
    pub(crate) folder: &'a Path,
    /// URLs in order of preference.
    pub(crate) mirrors: &'a [String],
    /// How long to wait for the first byte of a file, over all mirrors together.
    pub(crate) timeout: Duration,
}

/// Why a download from one mirror failed.
enum Failure {
    /// The mirror did not send the whole file. Another mirror may.
    Unreachable(String),
    /// The mirror sent wrong content. Another mirror may send the right content.
    WrongContent(DataError),
    /// A failure on this machine, which another mirror cannot resolve.
    Fatal(DataError),
}

/// One file to download from one mirror.
struct Transfer<'a> {
    /// The name of the file, without `.gz`.
    file: &'static str,
    url: &'a str,
    /// The archive as received so far.
    part: &'a Path,
    /// How long to wait for the first byte.
    timeout: Duration,
}

impl Download<'_> {
    /// Downloads the files that are missing in the folder. Stops at the first failure.
    pub(crate) fn run(&self, observer: &mut dyn FetchObserver) -> Result<(), DataError> {
        // Without a folder to write to, the dataset is unavailable, and a fallback may replace it.
        fs::create_dir_all(self.folder).map_err(|cause| {
            unavailable(self.entry, self.folder, format!("creating the folder failed: {cause}"))
        })?;
        let _lock = lock(self.folder, observer)?;
        let mut mirrors = self.mirrors.to_vec();
        for (file, path) in find_files(self.folder).iter().enumerate() {
            if path.is_none() {
                let idx = self.download_from_any(file, &mut mirrors, observer)?;
                // Pins the file before it exists: after a crash there may be a pin without a file,
                // but never a file without a pin.
                sums_file::pin(self.folder, FILES[file], &idx.sha256)?;
                atomic_write(&self.folder.join(FILES[file]), &idx.parts())?;
                remove(&self.part_path(file))?;
            }
        }
        Ok(())
    }

    /// Downloads a file from the first mirror that has it, and moves that mirror to the front for
    /// the remaining files.
    fn download_from_any(
        &self,
        file: usize,
        mirrors: &mut [String],
        observer: &mut dyn FetchObserver,
    ) -> Result<Idx, DataError> {
        let timeout = self.timeout / u32::try_from(mirrors.len()).unwrap_or(u32::MAX).max(1);
        let part = self.part_path(file);
        let mut wrong_content = None;
        let mut reasons = Vec::new();
        for i in 0..mirrors.len() {
            let url = format!("{}/{}.gz", mirrors[i].trim_end_matches('/'), FILES[file]);
            let transfer = Transfer { file: FILES[file], url: &url, part: &part, timeout };
            let reason = match self.download(file, &transfer, observer) {
                Ok(idx) => {
                    mirrors[..=i].rotate_right(1);
                    return Ok(idx);
                }
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Unreachable(reason)) => format!("{}: {reason}", printable(&url)),
                Err(Failure::WrongContent(error)) => {
                    let reason = error.to_string();
                    wrong_content.get_or_insert(error);
                    reason
                }
            };
            observer.note(&reason);
            reasons.push(reason);
        }
        // Wrong content takes precedence over an unreachable mirror: a fallback must not hide it.
        let error = wrong_content
            .unwrap_or_else(|| unavailable(self.entry, self.folder, reasons.join("; ")));
        Err(error)
    }

    /// Downloads and verifies a file from one mirror. If the verification of a resumed file fails,
    /// downloads it again from the start, because its parts may belong to two versions.
    fn download(
        &self,
        file: usize,
        transfer: &Transfer,
        observer: &mut dyn FetchObserver,
    ) -> Result<Idx, Failure> {
        loop {
            let resumed = transfer.complete(observer)?;
            let archive =
                fs::read(transfer.part).map_err(|cause| fatal(transfer.part, "reading", cause))?;
            match verify_archive(&archive, file, self.entry, transfer.url) {
                Ok(idx) => return Ok(idx),
                Err(error) => {
                    remove(transfer.part).map_err(Failure::Fatal)?;
                    if !resumed {
                        return Err(Failure::WrongContent(error));
                    }
                    observer.note("the resumed file is not valid: fetching it from the start");
                }
            }
        }
    }

    fn part_path(&self, file: usize) -> PathBuf {
        self.folder.join(format!("{}.gz.part", FILES[file]))
    }
}

impl Transfer<'_> {
    /// Completes the part file. Returns whether it contains bytes of an earlier transfer.
    fn complete(&self, observer: &mut dyn FetchObserver) -> Result<bool, Failure> {
        let mut reason = String::new();
        for _ in 0..MAX_ATTEMPTS {
            let have = fs::metadata(self.part).map_or(0, |metadata| metadata.len());
            let answer = http::get(self.url, have, self.timeout).map_err(Failure::Unreachable)?;
            let (from, total, mut bytes) = match answer {
                Answer::Body { from, total, bytes } => (from, total, bytes),
                Answer::OutOfRange if have > 0 => {
                    remove(self.part).map_err(Failure::Fatal)?;
                    "the server does not have the requested range".clone_into(&mut reason);
                    continue;
                }
                Answer::OutOfRange => {
                    let reason = "the server sent a range that was not requested";
                    return Err(Failure::Unreachable(reason.to_owned()));
                }
            };
            if let Some(total) = total.filter(|total| *total > MAX_ARCHIVE) {
                return Err(self.too_large(total));
            }
            observer.started(self.file, self.url, from, total);
            let appended = self.append(from, &mut bytes, observer);
            observer.finished();
            let (received, error) = appended?;
            let have = from + received;
            reason = match (error, total) {
                (None, Some(total)) if have != total => {
                    format!("the transfer stopped after {have} of {total} bytes")
                }
                (None, _) => return Ok(from > 0),
                (Some(error), _) => format!("the transfer stopped after {have} bytes: {error}"),
            };
            if received == 0 {
                break;
            }
            observer.note(&format!("{reason}; resuming"));
        }
        Err(Failure::Unreachable(reason))
    }

    /// Writes `bytes` after the first `from` bytes of the part file. Returns the number of bytes
    /// received, and the error that ended the transfer, if any.
    fn append(
        &self,
        from: u64,
        bytes: &mut dyn Read,
        observer: &mut dyn FetchObserver,
    ) -> Result<(u64, Option<std::io::Error>), Failure> {
        let io = |cause| fatal(self.part, "writing", cause);
        let mut out = OpenOptions::new().create(true).append(true).open(self.part).map_err(io)?;
        if from == 0 {
            // The server may have ignored the requested range and sent the whole file.
            out.set_len(0).map_err(io)?;
        }
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0;
        loop {
            let n = match bytes.read(&mut buffer) {
                Ok(0) => return Ok((received, None)),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok((received, Some(error))),
            };
            out.write_all(&buffer[..n]).map_err(io)?;
            received += n as u64;
            observer.advanced(n as u64);
            if from + received > MAX_ARCHIVE {
                remove(self.part).map_err(Failure::Fatal)?;
                return Err(self.too_large(from + received));
            }
        }
    }

    fn too_large(&self, found: u64) -> Failure {
        Failure::WrongContent(DataError::Malformed {
            location: printable(self.url),
            reason: IdxError::TooLarge { found, limit: MAX_ARCHIVE },
            advice: ADVICE_MIRROR,
        })
    }
}

/// The error for a missing dataset that was not downloaded for this `reason`.
pub(crate) fn unavailable(entry: &CatalogEntry, folder: &Path, reason: String) -> DataError {
    let advice = format!(
        "copy its four files ({}.gz …) there, or run the same command with a network",
        FILES[2]
    );
    DataError::Unavailable {
        name: entry.name.to_owned(),
        folder: folder.to_owned(),
        reason,
        advice,
    }
}

/// Locks the folder against other processes that download to it. Dropping the file unlocks it.
fn lock(folder: &Path, observer: &mut dyn FetchObserver) -> Result<File, DataError> {
    let path = folder.join(".lock");
    let io = |cause| DataError::Io { path: path.clone(), doing: "locking", cause };
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            observer.note(&format!(
                "waiting for another process that downloads to {}",
                printable_path(folder)
            ));
            file.lock().map_err(io)?;
        }
        // Some network file systems have no locks. There the user must avoid parallel downloads.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(io(error)),
        Ok(()) => {}
    }
    Ok(file)
}

fn fatal(path: &Path, doing: &'static str, cause: std::io::Error) -> Failure {
    Failure::Fatal(DataError::Io { path: path.to_owned(), doing, cause })
}

/// Removes a file if it exists.
fn remove(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(DataError::Io { path: path.to_owned(), doing: "removing", cause })
        }
        _ => Ok(()),
    }
}
