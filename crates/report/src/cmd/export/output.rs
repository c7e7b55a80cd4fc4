//! Where an export is written.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tracking::shell;

use crate::cli::ExportArgs;

/// The file to write; `None` for standard output.
pub fn file(args: &ExportArgs) -> Option<&Path> {
    args.output.as_deref().filter(|path| path.as_os_str() != "-")
}

/// The folder to write. `name` is the name of the format and of the default folder.
///
/// # Errors
/// If the path is standard output or looks like a file.
pub fn folder(results: &Path, args: &ExportArgs, name: &str) -> Result<PathBuf> {
    match (&args.output, file(args)) {
        (None, _) => Ok(results.join("export").join(name)),
        (Some(_), Some(path)) if has_file_extension(path) => {
            let comparison = match name {
                "csv" => {
                    let command =
                        shell::next_command("report", "report", results, &["--format", "csv"]);
                    format!("; for the comparison as one file: {command} > FILE")
                }
                _ => String::new(),
            };
            bail!(
                "{}: --format {name} writes a folder with one file per table: name a folder, as in \
                 -o {}{comparison}",
                path.display(),
                path.with_extension("").display()
            )
        }
        (Some(_), Some(folder)) => Ok(folder.to_owned()),
        (Some(_), None) => {
            bail!("--format {name} writes a folder of files: name a folder with -o")
        }
    }
}

/// Whether `path` looks like a file of one of the formats that write folders.
fn has_file_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| extension == "csv" || extension == "parquet")
}
