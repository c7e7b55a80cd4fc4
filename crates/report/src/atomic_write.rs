//! Files and folders that nobody ever sees half-written: under another name first.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tracking::atomic_file::{self, AtomicFile, EXPORT_PREFIX, folder_of};

/// Writes the file `path`, or the one that it links to. What is no plain file, such as a pipe, is written to as it is.
pub fn file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let create = || {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|it| !it.is_file()) {
            let mut out = BufWriter::new(fs::File::options().write(true).open(&path)?);
            let written = write(&mut out)?;
            out.flush()?;
            return Ok(written);
        }
        refuse_database(&path)?;
        file_via(folder_of(&path), &path, write)
    };
    create().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes the plain file `path`; until it is whole it lies in `folder`, which is on the same disk.
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

/// A store is not written over by what is made of it.
fn refuse_database(path: &Path) -> Result<()> {
    let mut beginning = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    if read.is_ok() && &beginning == b"SQLite format 3\0" {
        bail!("it is a database: name another file");
    }
    Ok(())
}

/// Fills the folder `path`, or the one that it links to. One that is there is replaced if it is empty, or if `ours` says of every file
/// in it that it is.
pub fn folder<T>(
    path: &Path,
    ours: impl Fn(&Path) -> bool,
    fill: impl FnOnce(&Path) -> Result<T>,
) -> Result<T> {
    if let Some(stranger) =
        stranger(path, ours).with_context(|| format!("cannot write {}", path.display()))?
    {
        bail!(
            "{} has '{stranger}' in it, which is of no export: name another folder with -o",
            path.display()
        );
    }
    let is_within = |here: PathBuf| path.canonicalize().is_ok_and(|path| here.starts_with(path));
    if std::env::current_dir().is_ok_and(is_within) {
        bail!(
            "{} is where you are, and would be replaced as a whole: name another folder with -o",
            path.display()
        );
    }
    atomic_file::replace_folder(path, EXPORT_PREFIX, fill)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What in a folder is not ours, if there is a folder.
fn stranger(path: &Path, ours: impl Fn(&Path) -> bool) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_file() || !ours(&entry.path()) {
            return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}
