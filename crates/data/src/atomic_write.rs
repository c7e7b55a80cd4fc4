//! Writes a file atomically, so that no reader sees an incomplete file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::DataError;

/// Writes `parts` to a temporary file beside `path`, syncs it to disk and renames it to `path`.
pub(crate) fn atomic_write(path: &Path, parts: &[&[u8]]) -> Result<(), DataError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let result = write(&temporary, parts).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // Frees the space on a full disk. The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|cause| DataError::Io { path: path.to_owned(), doing: "writing", cause })
}

fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}
