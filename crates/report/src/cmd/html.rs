//! `report html`: writes the comparison as one HTML page.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::HtmlArgs;
use crate::page::read::read_page;
use crate::query::store;
use crate::{atomic_write, render};

/// Writes the page of the selected experiments.
pub fn html(results: &Path, args: &HtmlArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let (page, result) = read_page(&reader, results, &args.comparison)?;
    result.print_why_empty();
    let text = render::html::html(&page).context("cannot render the page")?;
    let output = args.output.clone().unwrap_or_else(|| results.join("report.html"));
    if output.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
    } else {
        atomic_write::file(&output, |out| Ok(out.write_all(text.as_bytes())?))?;
        anstream::eprintln!(
            "{}",
            tracking::printable(&format!("{} ({})", output.display(), size(text.len())))
        );
    }
    Ok(super::report_damage(&reader, results))
}

fn size(bytes: usize) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
    }
}
