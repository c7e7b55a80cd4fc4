//! Reads a page from a store.

use std::path::Path;

use anyhow::Result;
use tracking::Reader;

use super::details::{Details, details};
use super::section::{Page, page};
use crate::cli::ComparisonArgs;
use crate::query::{QueryResult, compare_runs};
use crate::table::Table;

/// Reads the page that `options` ask for, with the result of the query.
pub fn read_page(
    reader: &Reader,
    results: &Path,
    options: &ComparisonArgs,
) -> Result<(Page, QueryResult)> {
    let mut result = compare_runs(reader, results, options)?;
    let mut tables: Vec<(Table, Details)> = Vec::new();
    for table in std::mem::take(&mut result.tables) {
        let experiment = &table.comparison.experiment.name;
        let runs = result
            .runs
            .iter()
            .find(|(selected, _)| selected.name == *experiment)
            .map_or(&[][..], |(_, runs)| runs);
        let details = details(reader, results, &table.comparison, runs)?;
        tables.push((table, details));
    }
    let issues = reader.integrity_issues();
    let warnings = issues.iter().map(ToString::to_string).chain(result.why_empty.clone());
    Ok((
        page(
            &tables,
            warnings.map(|warning: String| tracking::printable(&warning).into_owned()).collect(),
        ),
        result,
    ))
}
