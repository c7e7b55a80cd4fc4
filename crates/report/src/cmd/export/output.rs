//! Where an export is written.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cli::ExportArgs;

/// The file to write; `None` for standard output.
pub fn file(args: &ExportArgs) -> Option<&Path> {
    args.output.as_deref().filter(|path| path.as_os_str() != "-")
}

/// The folder to write. `name` is the name of the format and of the default folder.
pub fn folder(results: &Path, args: &ExportArgs, name: &str) -> Result<PathBuf> {
    match (&args.output, file(args)) {
        (None, _) => Ok(results.join("export").join(name)),
        (Some(_), Some(folder)) => Ok(folder.to_owned()),
        (Some(_), None) => {
            bail!("--format {name} writes a folder of files: name a folder with -o")
        }
    }
}
