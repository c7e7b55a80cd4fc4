//! `report export`: the record or the comparison in a file format, or runs for another tool.

mod comparison;
mod output;
mod record;
mod selection;
mod to_tool;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{ExportArgs, ExportFormat};
use crate::query::store;
use crate::render;

pub use selection::selected_runs;

/// Exports to a tool or in a file format.
pub fn export(results: &Path, args: &ExportArgs) -> Result<ExitCode> {
    let Some(format) = args.format else {
        let to = args.to.as_deref().unwrap_or_default();
        return to_tool::export(results, to, &args.comparison);
    };
    let reader = store::open(results)?;
    match format {
        ExportFormat::Csv => record::export_csv(&reader, results, args),
        ExportFormat::Json => record::export_json(&reader, results, args),
        ExportFormat::Parquet => record::export_parquet(&reader, results, args),
        ExportFormat::Markdown => {
            comparison::export(&reader, results, args, render::markdown::markdown)
        }
        ExportFormat::Latex => comparison::export(&reader, results, args, render::latex::latex),
    }
}
