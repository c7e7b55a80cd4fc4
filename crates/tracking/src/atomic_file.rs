//! Files and folders that appear complete or not at all.
//!
//! Content is written under a temporary name in the same file system and then renamed. Other
//! programs see the old content or the new content, but never a part of it. If the program ends
//! before the rename, the target stays unchanged.
//!
//! A killed program leaves its temporary file or folder behind. Each caller therefore names a
//! prefix, by which `runner gc` and [`remove_leftovers`] recognise what may be deleted.
//!
//! ```
//! use std::io::Write;
//! use tracking::atomic_file::{self, AtomicFile};
//!
//! # fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // All bytes at once:
//! atomic_file::write(&folder.join("notes.txt"), ".notes-", b"first")?;
//!
//! // Piece by piece:
//! let mut file = AtomicFile::create(folder, ".notes-")?;
//! writeln!(file, "second")?;
//! assert_eq!(std::fs::read(folder.join("notes.txt"))?, b"first");
//! file.persist(&folder.join("notes.txt"))?;
//! assert_eq!(std::fs::read(folder.join("notes.txt"))?, b"second\n");
//! # Ok(())
//! # }
//! ```

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Prefix of temporary files that become the CSV files of an experiment.
pub const CSV_PREFIX: &str = ".csv-";

/// Prefix of temporary files and folders that become exports of `report`.
pub const EXPORT_PREFIX: &str = ".export-";

/// A file under a temporary name. Dropping it without [`AtomicFile::persist`] deletes it.
///
/// Writing is buffered.
#[derive(Debug)]
pub struct AtomicFile(BufWriter<NamedTempFile>);

impl AtomicFile {
    /// Creates an empty file in `folder`. Its name starts with `prefix`.
    ///
    /// # Errors
    /// When the folder does not exist or is not writable.
    pub fn create(folder: &Path, prefix: &str) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        // Temporary files are private by default. This one becomes a result, so its permissions
        // follow the umask.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        Ok(Self(BufWriter::new(builder.prefix(prefix).tempfile_in(folder)?)))
    }

    /// Path of the temporary file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.get_ref().path()
    }

    /// Writes the content to the disk, so that it survives a power failure after the rename. Use
    /// this for content that cannot be generated again cheaply.
    ///
    /// # Errors
    /// When writing fails.
    pub fn sync(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().as_file().sync_all()
    }

    /// Renames the file to `path`, which must be in the same file system. An existing file is
    /// replaced.
    ///
    /// # Errors
    /// When writing or renaming fails. The temporary file is deleted, and `path` stays unchanged.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.0.into_inner().map_err(io::IntoInnerError::into_error)?.persist(path)?;
        Ok(())
    }

    /// Renames the file to `path`, unless a file exists there. Returns whether it was renamed.
    ///
    /// # Errors
    /// When writing or renaming fails. The temporary file is deleted.
    pub fn persist_new(self, path: &Path) -> io::Result<bool> {
        let file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            persisted => Ok(persisted.map(|_| true)?),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes `bytes` to the file `path` and syncs them to the disk. Creates the folder of `path` if it
/// does not exist. An existing file is replaced.
///
/// # Errors
/// When writing fails. `path` stays unchanged.
pub fn write(path: &Path, prefix: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = AtomicFile::create(folder, prefix)?;
    file.write_all(bytes)?;
    file.sync()?;
    file.persist(path)
}

/// Replaces the folder `path` by a new folder that `fill` fills. Creates the parent folder if it
/// does not exist. If `path` is a symbolic link, its target is replaced.
///
/// # Errors
/// When `fill` fails, or a folder cannot be created or renamed. `path` stays unchanged.
pub fn replace_folder<T, E: From<io::Error>>(
    path: &Path,
    prefix: &str,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let parent = folder_of(path);
    fs::create_dir_all(parent)?;
    let temporary = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
    let (new, old) = (temporary.path().join("new"), temporary.path().join("old"));
    fs::create_dir(&new)?;
    let filled = fill(&new)?;
    let moved_old = fs::rename(path, &old).is_ok();
    if let Err(error) = fs::rename(&new, path) {
        if moved_old {
            fs::rename(&old, path)?;
        }
        return Err(error.into());
    }
    Ok(filled)
}

/// Deletes the temporary files with `prefix` in `folder` that killed programs left. The caller must
/// ensure that no other program writes to the folder. A missing folder has no leftovers.
///
/// # Errors
/// When the folder cannot be read or a file cannot be deleted.
pub fn remove_leftovers(folder: &Path, prefix: &str) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The folder of `path`: `.` for a bare file name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(folder.path(), ".test-").unwrap();
        file.write_all(b"unfinished").unwrap();
        drop(file);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn persist_new_keeps_an_existing_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let file = || AtomicFile::create(folder.path(), ".test-").unwrap();
        assert!(file().persist_new(&path).unwrap());
        write(&path, ".test-", b"first").unwrap();
        assert!(!file().persist_new(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["result"]);
    }

    #[test]
    fn failed_fill_keeps_the_old_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("results");
        let fill = |content: &'static str| {
            move |folder: &Path| {
                fs::write(folder.join("file"), content)?;
                if content == "fails" { Err(io::Error::other("no")) } else { Ok(()) }
            }
        };
        replace_folder(&path, ".test-", fill("first")).unwrap();
        replace_folder(&path, ".test-", fill("fails")).unwrap_err();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"first");
        replace_folder(&path, ".test-", fill("second")).unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"second");
        assert_eq!(names(parent.path()), ["results"]);
    }
}
