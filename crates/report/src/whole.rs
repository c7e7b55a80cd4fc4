//! Files and folders that nobody ever sees half-written: under another name first.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Writes the file `path`.
pub fn file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let create = || {
        let mut out = BufWriter::new(fs::File::create(&temporary)?);
        let written = write(&mut out)?;
        out.flush()?;
        fs::rename(&temporary, path)?;
        anyhow::Ok(written)
    };
    let written = create();
    if written.is_err() {
        // The error that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Fills the folder `path`. One that is there is replaced if it is empty, or if all files in it are `ours` by their names.
pub fn folder<T>(path: &Path, ours: impl Fn(&str) -> bool, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if let Some(stranger) = stranger(path, ours).with_context(|| format!("cannot write {}", path.display()))? {
        bail!("{} has '{stranger}' in it, which is of no export: name another folder with -o", path.display());
    }
    let replace = || {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let temporary = tempfile::Builder::new().prefix(".export-").tempdir_in(parent)?;
        let (new, old) = (temporary.path().join("new"), temporary.path().join("old"));
        fs::create_dir(&new)?;
        let filled = fill(&new)?;
        let replaced = fs::rename(path, &old).is_ok();
        let renamed = fs::rename(&new, path);
        if renamed.is_err() && replaced {
            fs::rename(&old, path)?;
        }
        renamed?;
        anyhow::Ok(filled)
    };
    replace().with_context(|| format!("cannot write {}", path.display()))
}

/// What in a folder is not ours, if there is a folder.
fn stranger(path: &Path, ours: impl Fn(&str) -> bool) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !ours(&name) || !entry.file_type()?.is_file() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
