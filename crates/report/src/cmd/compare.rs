//! `report`: prints the comparison.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{CompareArgs, Format};
use crate::query::compare_runs;
use crate::query::store;
use crate::render;
use crate::render::layout::output_width;

/// Prints one table per selected experiment.
pub fn compare(results: &Path, args: &CompareArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let result = compare_runs(&reader, results, &args.comparison)?;
    result.print_why_empty();
    let tables = result.tables;
    let text = match args.format {
        Format::Table => render::text::text(&tables, output_width()),
        Format::Markdown => render::markdown::markdown(&tables),
        Format::Csv => render::csv::csv(&tables)?,
        Format::Json => render::json::json(&tables),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(super::report_damage(&reader, results))
}
