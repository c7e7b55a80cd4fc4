//! `report list`: lists the experiments, or their runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tracking::{Experiment, Reader, RecordedRun};

use crate::cli::{ComparisonArgs, ListArgs, ListFormat};
use crate::listing::runs::{runs, short_length};
use crate::listing::{Listing, experiments, formats};
use crate::query::{print_why_empty, read_matching, store, why_empty};
use crate::render::layout::output_width;

/// Lists the experiments, or the runs that `-e` and `--where` select.
pub fn list(results: &Path, args: &ListArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let top = args.top.map_or(usize::MAX, |top| top as usize);
    let mut all = Vec::new();
    for experiment in reader.experiments()? {
        let runs = reader.all_runs(&experiment.name)?;
        all.push((experiment, runs));
    }
    let listings = if args.experiments.is_empty() && args.conditions.is_empty() {
        if all.is_empty() {
            print_why_empty(&why_empty(&reader, results, &ComparisonArgs::default(), 0));
        }
        list_experiments(&reader, all, top)?
    } else {
        let ids = all.iter().flat_map(|(_, runs)| runs);
        let length = short_length(ids.flat_map(|run| [run.id.as_str(), run.trial.as_str()]));
        let options = ComparisonArgs {
            experiments: args.experiments.clone(),
            conditions: args.conditions.clone(),
            ..ComparisonArgs::default()
        };
        let selected = read_matching(&reader, results, &options, RecordedRun::is_intact)?;
        selected.iter().map(|selected| runs(selected, top, length)).collect()
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

fn list_experiments(
    reader: &Reader,
    mut all: Vec<(Experiment, Vec<RecordedRun>)>,
    top: usize,
) -> Result<Vec<Listing>> {
    for (experiment, runs) in &mut all {
        // This call logs the damaged runs, which the command reports at its end.
        reader.runs(&experiment.name)?;
        runs.retain(RecordedRun::is_intact);
    }
    if all.is_empty() { Ok(Vec::new()) } else { Ok(vec![experiments::experiments(all, top)]) }
}
