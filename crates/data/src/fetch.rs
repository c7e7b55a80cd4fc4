//! Downloads what is missing of a dataset: resumable, from one mirror after the other, verified before it is kept.
//!
//! Bytes are collected in `FILE.gz.part`. Only a whole, verified file is decoded to `FILE` (under another name, then
//! renamed), so nothing that was cut off is ever taken for a file; `SHA256SUMS` pins it from then on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::CatalogEntry;
use crate::dataset::FILES;
use crate::error::{ADVICE_MIRROR, DataError};
use crate::folder::{self, LARGEST_ARCHIVE};
use crate::http::{self, Answer};
use crate::idx::{Idx, IdxError};
use crate::{printable, sums};

/// How long all mirrors together may keep one waiting before a file's first byte.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// Transfers of one file from one mirror, each going on where the last broke off.
const ATTEMPTS: usize = 6;

/// Told how a download goes.
pub trait FetchObserver {
    /// A transfer begins: `have` of `total` bytes are there from an earlier one.
    fn started(&mut self, file: &str, url: &str, have: u64, total: Option<u64>);
    /// So many more bytes have come.
    fn advanced(&mut self, bytes: u64);
    /// The transfer has ended, at the file's end or before.
    fn finished(&mut self);
    /// Something a person may want to know.
    fn note(&mut self, line: &str);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentFetch;

impl FetchObserver for SilentFetch {
    fn started(&mut self, _: &str, _: &str, _: u64, _: Option<u64>) {}
    fn advanced(&mut self, _: u64) {}
    fn finished(&mut self) {}
    fn note(&mut self, _: &str) {}
}

/// What to fetch, from where, to where.
pub(crate) struct Plan<'a> {
    pub(crate) listing: &'a CatalogEntry,
    pub(crate) folder: &'a Path,
    pub(crate) mirrors: &'a [String],
    /// How long to wait, over all mirrors, for a file's first byte.
    pub(crate) patience: Duration,
}

/// Why a mirror did not give a file.
enum Failure {
    /// It gave none, or not all of it.
    OutOfReach(String),
    /// It gave something else.
    Wrong(DataError),
    /// Nothing that another mirror could mend.
    Stop(DataError),
}

/// Fetches the files that are not in the folder yet, and stops at the first that cannot be had.
pub(crate) fn missing_files(
    plan: &Plan,
    observer: &mut dyn FetchObserver,
) -> Result<(), DataError> {
    // Without a place to keep it, the dataset is as far away as without a network.
    fs::create_dir_all(plan.folder).map_err(|cause| {
        unavailable(plan.listing, plan.folder, format!("the folder cannot be made: {cause}"))
    })?;
    let _lock = lock(plan.folder, observer)?;
    let mut mirrors = plan.mirrors.to_vec();
    for (file, path) in folder::locate(plan.folder).iter().enumerate() {
        if path.is_none() {
            let idx = from_any_mirror(plan, file, &mut mirrors, observer)?;
            // Pinned before it is there: a crash in between leaves a pin without a file, never a file without a pin.
            sums::add(plan.folder, FILES[file], &idx.sha256)?;
            folder::write_whole(&plan.folder.join(FILES[file]), &idx.parts())?;
            remove(&part_of(plan, file))?;
        }
    }
    Ok(())
}

/// The error for a dataset that is not there and, for this reason, not fetched.
pub(crate) fn unavailable(listing: &CatalogEntry, folder: &Path, reason: String) -> DataError {
    let advice = format!(
        "copy its four files ({}.gz …) there, or run `cargo run -p data -- fetch {}` with a network",
        FILES[2], listing.name
    );
    DataError::Unavailable {
        name: listing.name.to_owned(),
        folder: folder.to_owned(),
        reason,
        advice,
    }
}

/// Keeps other processes from writing the same files; given back when dropped.
fn lock(folder: &Path, observer: &mut dyn FetchObserver) -> Result<File, DataError> {
    let path = folder.join(".lock");
    let io = |cause| DataError::Io { path: path.clone(), doing: "locking", cause };
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            observer.note(&format!(
                "waiting for another process that is fetching to {}",
                printable::path(folder)
            ));
            file.lock().map_err(io)?;
        }
        // Some network file systems know no locks; two downloads at a time are then the user's to avoid.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(io(error)),
        Ok(()) => {}
    }
    Ok(file)
}

/// Fetches a file from the first mirror that has it, and puts that mirror first for the files that follow.
fn from_any_mirror(
    plan: &Plan,
    file: usize,
    mirrors: &mut [String],
    observer: &mut dyn FetchObserver,
) -> Result<Idx, DataError> {
    let patience = plan.patience / u32::try_from(mirrors.len()).unwrap_or(u32::MAX).max(1);
    let mut wrong = None;
    let mut reasons = Vec::new();
    for i in 0..mirrors.len() {
        let url = format!("{}/{}.gz", mirrors[i].trim_end_matches('/'), FILES[file]);
        let reason = match from_mirror(plan, file, &url, patience, observer) {
            Ok(idx) => {
                mirrors[..=i].rotate_right(1);
                return Ok(idx);
            }
            Err(Failure::Stop(error)) => return Err(error),
            Err(Failure::OutOfReach(reason)) => format!("{}: {reason}", printable::printable(&url)),
            Err(Failure::Wrong(error)) => {
                let reason = error.to_string();
                wrong.get_or_insert(error);
                reason
            }
        };
        observer.note(&reason);
        reasons.push(reason);
    }
    // A wrong file is told before an unreachable one: it must not be hidden by a fallback.
    Err(wrong.unwrap_or_else(|| unavailable(plan.listing, plan.folder, reasons.join("; "))))
}

/// Fetches a file from one mirror. A file pieced together from two transfers may be one of two versions: when it is wrong,
/// it is fetched once more from its beginning.
fn from_mirror(
    plan: &Plan,
    file: usize,
    url: &str,
    patience: Duration,
    observer: &mut dyn FetchObserver,
) -> Result<Idx, Failure> {
    let part = part_of(plan, file);
    loop {
        let resumed = transfer(&part, FILES[file], url, patience, observer)?;
        let archive = fs::read(&part).map_err(|cause| stop(&part, "reading", cause))?;
        match folder::verify(&archive, file, plan.listing, url) {
            Ok(idx) => return Ok(idx),
            Err(error) => {
                remove(&part).map_err(Failure::Stop)?;
                if !resumed {
                    return Err(Failure::Wrong(error));
                }
                observer.note(
                    "what was there of it does not fit the rest: fetching it from its beginning",
                );
            }
        }
    }
}

/// Completes `part`; whether bytes of an earlier transfer are in it.
fn transfer(
    part: &Path,
    file: &str,
    url: &str,
    patience: Duration,
    observer: &mut dyn FetchObserver,
) -> Result<bool, Failure> {
    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
        let (from, total, mut bytes) =
            match http::get(url, have, patience).map_err(Failure::OutOfReach)? {
                Answer::Body { from, total, bytes } => (from, total, bytes),
                Answer::OutOfRange if have > 0 => {
                    remove(part).map_err(Failure::Stop)?;
                    "the server has no such range".clone_into(&mut reason);
                    continue;
                }
                Answer::OutOfRange => {
                    return Err(Failure::OutOfReach(
                        "the server sent a range that nobody asked for".into(),
                    ));
                }
            };
        if total.is_some_and(|total| total > LARGEST_ARCHIVE) {
            return Err(too_large(url, total.unwrap_or(0)));
        }
        observer.started(file, url, from, total);
        let came = append(part, from, url, &mut bytes, observer);
        observer.finished();
        let (came, error) = came?;
        match (error, total) {
            (None, Some(total)) if from + came != total => {
                reason = format!("the transfer broke off after {} of {total} bytes", from + came);
            }
            (None, _) => return Ok(from > 0),
            (Some(error), _) => {
                reason = format!("the transfer broke off after {} bytes: {error}", from + came)
            }
        }
        if came == 0 {
            break;
        }
        observer.note(&format!("{reason}; going on"));
    }
    Err(Failure::OutOfReach(reason))
}

/// Adds `bytes` to the first `from` bytes of `part`: how many came, and why there were no more if that was no proper end.
fn append(
    part: &Path,
    from: u64,
    url: &str,
    bytes: &mut dyn Read,
    observer: &mut dyn FetchObserver,
) -> Result<(u64, Option<std::io::Error>), Failure> {
    let io = |cause| stop(part, "writing", cause);
    let mut out = OpenOptions::new().create(true).append(true).open(part).map_err(io)?;
    if from == 0 {
        // The server may have ignored that only the rest was wanted.
        out.set_len(0).map_err(io)?;
    }
    let mut buffer = vec![0; 1 << 16];
    let mut came = 0;
    loop {
        let n = match bytes.read(&mut buffer) {
            Ok(0) => return Ok((came, None)),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok((came, Some(error))),
        };
        out.write_all(&buffer[..n]).map_err(io)?;
        came += n as u64;
        observer.advanced(n as u64);
        if from + came > LARGEST_ARCHIVE {
            remove(part).map_err(Failure::Stop)?;
            return Err(too_large(url, from + came));
        }
    }
}

fn too_large(url: &str, found: u64) -> Failure {
    Failure::Wrong(DataError::Malformed {
        place: printable::printable(url),
        reason: IdxError::TooLarge { found, limit: LARGEST_ARCHIVE },
        advice: ADVICE_MIRROR,
    })
}

fn stop(path: &Path, doing: &'static str, cause: std::io::Error) -> Failure {
    Failure::Stop(DataError::Io { path: path.to_owned(), doing, cause })
}

fn part_of(plan: &Plan, file: usize) -> PathBuf {
    plan.folder.join(format!("{}.gz.part", FILES[file]))
}

fn remove(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(DataError::Io { path: path.to_owned(), doing: "removing", cause })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
