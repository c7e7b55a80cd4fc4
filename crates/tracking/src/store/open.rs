//! Opening a database for reading: nothing is created, migrated or written.

use std::ffi::{OsStr, OsString};
use std::fs::metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::busy_retry::retry_when_busy;
use super::format::DATABASE;
use super::migrations;
use super::sqlite_error::{cannot_open, store_error};
use crate::StoreError;

/// Suffix of the rollback journal, which undoes an unfinished transaction.
const JOURNAL: &str = "-journal";
/// Suffix of the write-ahead log, which holds transactions that are not yet in the database file.
const LOG: &str = "-wal";

/// Modification time and length of a database file that no program is writing to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    modified: SystemTime,
    length: u64,
}

impl FileStamp {
    /// The stamp of the database `path`, or `None` if it has a log or a journal. Its content then
    /// depends on that file: another program writes to the database, or was killed while it did.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let is_filled = |file: PathBuf| metadata(file).is_ok_and(|file| file.len() > 0);
        if is_filled(companion(path, LOG)) || is_filled(companion(path, JOURNAL)) {
            return None;
        }
        Self::of_file(path)
    }

    fn of_file(path: &Path) -> Option<Self> {
        let file = metadata(path).ok()?;
        Some(Self { modified: file.modified().ok()?, length: file.len() })
    }
}

/// Opens the database `path`. Returns the connection, the schema version, and the stamp of the file
/// if no program is writing to it.
pub(super) fn open_read_only(
    path: &Path,
) -> Result<(Connection, i64, Option<FileStamp>), StoreError> {
    let stamp = FileStamp::of(path);
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let opened = match stamp {
        Some(_) => {
            let flags = read_only | OpenFlags::SQLITE_OPEN_URI;
            open_for_reading(&immutable_uri(path), flags, path)
        }
        None => open_for_reading(path, read_only, path),
    };
    let (connection, version) = match opened {
        // SQLite must undo the transaction of a killed program first, which needs write access.
        Err(StoreError::Unwritable { .. }) if metadata(companion(path, JOURNAL)).is_ok() => {
            open_copy(path, JOURNAL)?
        }
        // SQLite needs an index of the log, but must not create one here. A backup or a read-only
        // mount may lack the index.
        Err(error) if cannot_open(&error) && metadata(companion(path, LOG)).is_ok() => {
            open_copy(path, LOG)?
        }
        opened => opened?,
    };
    Ok((connection, version, stamp))
}

/// Opens the file `name` for reading, which is the database `path`, its URI or a copy of it.
/// Returns the connection and the schema version.
pub(super) fn open_for_reading(
    name: &Path,
    flags: OpenFlags,
    path: &Path,
) -> Result<(Connection, i64), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | flags;
    let mut connection = Connection::open_with_flags(name, flags).map_err(store_error(path))?;
    retry_when_busy(&mut connection).map_err(store_error(path))?;
    connection.pragma_update(None, "cell_size_check", "ON").map_err(store_error(path))?;
    // One transaction for all queries, so that they read the same state.
    connection.execute_batch("BEGIN").map_err(store_error(path))?;
    let version = migrations::check(&connection, path)?;
    Ok((connection, version))
}

/// `path` with a suffix, such as [`LOG`].
fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens a copy of the store and of its log or journal, whose suffix is `suffix`. SQLite recovers
/// the copy. The original stays unchanged, because on a network file system its writer may still be
/// running. Copying repeats until neither file changes during the copy. The database is copied
/// before its journal, so that the journal can undo every unfinished change in the copy.
fn open_copy(path: &Path, suffix: &str) -> Result<(Connection, i64), StoreError> {
    let failed = |cause| StoreError::Folder { folder: path.to_owned(), cause };
    let folder = tempfile::tempdir().map_err(failed)?;
    let copy = folder.path().join(DATABASE);
    let stamps = || (FileStamp::of_file(path), FileStamp::of_file(&companion(path, suffix)));
    for _ in 0..MAX_COPIES {
        let before = stamps();
        std::fs::copy(path, &copy).map_err(failed)?;
        match std::fs::copy(companion(path, suffix), companion(&copy, suffix)) {
            // The writer finished in the meantime.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return open_for_reading(path, OpenFlags::SQLITE_OPEN_READ_ONLY, path);
            }
            copied => copied.map_err(failed)?,
        };
        if stamps() == before {
            make_writable(&copy)
                .and_then(|()| make_writable(&companion(&copy, suffix)))
                .map_err(failed)?;
            // The connection keeps the files open after the folder is deleted.
            return open_for_reading(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE, path);
        }
        std::thread::sleep(COPY_PAUSE);
    }
    Err(StoreError::Busy { path: path.to_owned(), waited: COPY_PAUSE * MAX_COPIES })
}

/// Number of attempts to copy a database that other programs write to.
const MAX_COPIES: u32 = 100;
/// Pause between two attempts.
const COPY_PAUSE: Duration = Duration::from_millis(20);

/// Makes a copy writable. A copy inherits the permissions of the original, which may be read-only.
fn make_writable(file: &Path) -> std::io::Result<()> {
    let mut permissions = metadata(file)?.permissions();
    #[allow(
        clippy::permissions_set_readonly_false,
        reason = "a file in a temporary folder of this process"
    )]
    permissions.set_readonly(false);
    std::fs::set_permissions(file, permissions)
}

/// A URI by which SQLite reads `path` without locks, as a file that no program changes.
fn immutable_uri(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from("file:");
    for part in escaped(absolute.as_os_str()) {
        name.push(part);
    }
    name.push("?immutable=1");
    name.into()
}

/// Percent-encodes a path for an SQLite URI, byte by byte, because a path may be invalid Unicode.
#[cfg(unix)]
fn escaped(path: &OsStr) -> Vec<OsString> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let byte = |byte: &u8| match byte {
        b'%' | b'?' | b'#' => OsString::from(format!("%{byte:02x}")),
        byte => OsString::from_vec(vec![*byte]),
    };
    path.as_bytes().iter().map(byte).collect()
}

#[cfg(not(unix))]
fn escaped(path: &OsStr) -> Vec<OsString> {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    vec![text.into()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Experiment, Invocation, Reader, Run, RunHeader, Status, Store};

    fn record(store: &mut Store) {
        let wine = Experiment { name: "wine".into(), description: String::new() };
        let invocation = store.begin(&wine, &Invocation::default()).unwrap();
        let run = Run::new(RunHeader::new("wine", Status::Finished), SystemTime::now());
        store.record(invocation, &run).unwrap();
    }

    /// A backup or a read-only mount can hold `tracking.db` and its log without the index of the
    /// log. SQLite cannot create the index there.
    #[test]
    fn log_without_index_is_read_from_a_copy() {
        let (live, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut store = Store::open(live.path()).unwrap();
        record(&mut store);
        for name in [DATABASE.to_owned(), format!("{DATABASE}{LOG}")] {
            let copy = backup.path().join(&name);
            std::fs::copy(live.path().join(name), &copy).unwrap();
            let mut permissions = metadata(&copy).unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(copy, permissions).unwrap();
        }
        let (connection, _) = open_copy(&backup.path().join(DATABASE), LOG).unwrap();
        let runs: u32 =
            connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 1, "the copy includes the run that only the log holds");
        assert_eq!(
            std::fs::read_dir(backup.path()).unwrap().count(),
            2,
            "the backup contains no additional file"
        );
    }

    #[cfg(unix)]
    #[test]
    fn reader_opens_a_folder_whose_name_is_not_unicode() {
        use std::os::unix::ffi::OsStrExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(OsStr::from_bytes(b"caf\xe9 %3f#?"));
        record(&mut Store::open(&folder).unwrap());
        let reader = Reader::open(&folder).unwrap();
        assert_eq!(reader.runs("wine").unwrap().len(), 1);
    }
}
