//! `report html`: the comparison as one page to look at and to send.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::HtmlArgs;
use crate::details::{Details, details};
use crate::page::page;
use crate::table::Table;
use crate::{format, whole};

/// Writes the page of every experiment asked for.
pub fn html(results: &Path, args: &HtmlArgs) -> Result<ExitCode> {
    let reader = super::open(results)?;
    let asked = super::compare::ask(&reader, results, &args.question)?;
    let mut tables: Vec<(Table, Details)> = Vec::new();
    for table in asked.tables {
        let experiment = &table.comparison.experiment.name;
        let runs = asked.runs.iter().find(|(it, _)| it.name == *experiment).map_or(&[][..], |(_, runs)| runs);
        let details = details(&reader, results, &table.comparison, runs)?;
        tables.push((table, details));
    }
    let warnings = reader.damage().iter().map(|it| tracking::printable(&format!("{it}")).into_owned()).collect();
    let text = format::html::html(&page(&tables, warnings)).context("cannot make the page")?;
    let output = args.output.clone().unwrap_or_else(|| results.join("report.html"));
    if output.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
    } else {
        whole::file(&output, |out| Ok(out.write_all(text.as_bytes())?))?;
        anstream::eprintln!("{}", tracking::printable(&format!("{} ({})", output.display(), size(text.len()))));
    }
    Ok(super::damage(&reader, results))
}

fn size(bytes: usize) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
    }
}
