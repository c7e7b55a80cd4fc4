//! `report list`: lists the experiments, or their runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tracking::{Reader, RecordedRun};

use crate::cli::{ComparisonArgs, ListArgs, ListFormat};
use crate::listing::runs::{no_runs, runs};
use crate::listing::short_ids::ShortIds;
use crate::listing::{Listing, experiments, formats};
use crate::query::{print_why_empty, read_matching, store, why_empty};
use crate::render::layout::output_width;

/// Lists the experiments, or the runs that `-e` and `--where` select.
pub fn list(results: &Path, args: &ListArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let top = args.top.map_or(usize::MAX, |top| top as usize);
    let listings = if args.experiments.is_empty() && args.conditions.is_empty() {
        list_experiments(&reader, results, top)?
    } else {
        list_runs(&reader, results, args, top)?
    };
    let text = match args.format {
        ListFormat::Table => formats::text(listings, output_width()),
        ListFormat::Csv => formats::csv(&listings)?,
        ListFormat::Json => formats::json(&listings),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(super::report_damage(&reader, results))
}

fn list_experiments(reader: &Reader, results: &Path, top: usize) -> Result<Vec<Listing>> {
    let mut all = Vec::new();
    for experiment in reader.experiments()? {
        let (mut runs, _) = reader.all_and_effective_runs(&experiment.name)?;
        runs.retain(RecordedRun::is_intact);
        all.push((experiment, runs));
    }
    if all.is_empty() {
        print_why_empty(&why_empty(reader, results, &ComparisonArgs::default(), 0));
    }
    Ok(vec![experiments::experiments(all, top)])
}

fn list_runs(reader: &Reader, results: &Path, args: &ListArgs, top: usize) -> Result<Vec<Listing>> {
    let options = ComparisonArgs {
        experiments: args.experiments.clone(),
        conditions: args.conditions.clone(),
        ..ComparisonArgs::default()
    };
    let selected = read_matching(reader, results, &options, RecordedRun::is_intact)?;
    if selected.is_empty() {
        return Ok(vec![no_runs()]);
    }
    let ids = ShortIds::of(&reader.run_identities()?);
    Ok(selected.iter().map(|selected| runs(selected, top, &ids)).collect())
}
