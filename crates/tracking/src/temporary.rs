//! Files that are not whole yet.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file in `folder` whose name begins with `prefix`, gone unless it is kept. Temporary files are private; this one becomes a result, which
/// is for whom the system says.
///
/// # Errors
/// What the system says.
pub fn temporary(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.prefix(prefix).tempfile_in(folder)
}
