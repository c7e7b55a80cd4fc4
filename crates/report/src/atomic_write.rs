//! Writes files and folders under a temporary name and renames them, so that no reader sees a part.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tracking::atomic_file::{self, AtomicFile, EXPORT_PREFIX, folder_of};

/// Writes the file `path`, or the file that it links to. A special file, such as a pipe, is written
/// directly.
///
/// # Errors
/// If the file is a database, or cannot be written.
pub fn file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let create = || {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            let mut out = BufWriter::new(fs::File::options().write(true).open(&path)?);
            let written = write(&mut out)?;
            out.flush()?;
            return Ok(written);
        }
        reject_database(&path)?;
        file_via(folder_of(&path), &path, write)
    };
    create().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes the regular file `path`. The temporary file is in `folder`, which must be on the same
/// disk.
pub fn file_via<T>(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let mut out = AtomicFile::create(folder, EXPORT_PREFIX)?;
    let written = write(&mut out)?;
    out.persist(path)?;
    Ok(written)
}

/// Protects stores from being overwritten.
fn reject_database(path: &Path) -> Result<()> {
    let mut header = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    if read.is_ok() && &header == b"SQLite format 3\0" {
        bail!("it is a database: name another file");
    }
    Ok(())
}

/// Writes the folder `path`, or the folder that it links to. An existing folder is replaced if
/// `is_ours` accepts every file in it.
///
/// # Errors
/// If the folder contains another file, is the current folder, or cannot be written.
pub fn folder<T>(
    path: &Path,
    is_ours: impl Fn(&Path) -> bool,
    fill: impl FnOnce(&Path) -> Result<T>,
) -> Result<T> {
    if let Some(file) =
        foreign_file(path, is_ours).with_context(|| format!("cannot write {}", path.display()))?
    {
        bail!(
            "{} contains '{file}', which is not part of an export; choose another folder with -o",
            path.display()
        );
    }
    let is_within = |here: PathBuf| path.canonicalize().is_ok_and(|path| here.starts_with(path));
    if std::env::current_dir().is_ok_and(is_within) {
        bail!(
            "{} is the current folder and cannot be replaced; choose another folder with -o",
            path.display()
        );
    }
    atomic_file::replace_folder(path, EXPORT_PREFIX, fill)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The name of a file in the folder that `is_ours` rejects, if there is one.
fn foreign_file(path: &Path, is_ours: impl Fn(&Path) -> bool) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_file() || !is_ours(&entry.path()) {
            return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}
