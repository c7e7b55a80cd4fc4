//! The comparison as a text file.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tracking::Reader;

use super::output;
use crate::cli::ExportArgs;
use crate::cmd::report_damage;
use crate::table::Table;
use crate::{atomic_write, query};

/// Writes the comparison as `render` formats it.
pub fn export(
    reader: &Reader,
    results: &Path,
    args: &ExportArgs,
    render: impl Fn(&[Table]) -> String,
) -> Result<ExitCode> {
    let result = query::compare_runs(reader, results, &args.comparison)?;
    result.print_why_empty();
    let text = render(&result.tables);
    match output::file(args) {
        Some(path) => atomic_write::file(path, |out| Ok(out.write_all(text.as_bytes())?))?,
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    Ok(report_damage(reader, results))
}
