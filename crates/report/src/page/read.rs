//! Reads a page from a store.

use std::path::Path;

use anyhow::Result;
use tracking::Reader;

use super::details::{Details, details};
use super::{Page, page};
use crate::cli::ComparisonArgs;
use crate::query::{QueryResult, compare_runs};
use crate::table::Table;

/// The page of what is asked, and what it rests on.
pub fn read_page(
    reader: &Reader,
    results: &Path,
    options: &ComparisonArgs,
) -> Result<(Page, QueryResult)> {
    let mut answer = compare_runs(reader, results, options)?;
    let mut tables: Vec<(Table, Details)> = Vec::new();
    for table in std::mem::take(&mut answer.tables) {
        let experiment = &table.comparison.experiment.name;
        let runs = answer
            .runs
            .iter()
            .find(|(selected, _)| selected.name == *experiment)
            .map_or(&[][..], |(_, runs)| runs);
        let details = details(reader, results, &table.comparison, runs)?;
        tables.push((table, details));
    }
    let damage = reader.integrity_issues();
    let warnings = damage.iter().map(ToString::to_string).chain(answer.why_empty.clone());
    Ok((
        page(
            &tables,
            warnings.map(|warning: String| tracking::printable(&warning).into_owned()).collect(),
        ),
        answer,
    ))
}
