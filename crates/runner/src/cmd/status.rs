//! `runner status EXPERIMENT.toml`: how far it has come, shard by shard.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use tracking::printable;

use crate::cli::StatusArgs;
use crate::cluster::plan_status::{Coverage, Tally, ago, written};
use crate::output::output;

/// Some trial has no result yet.
const UNFINISHED: u8 = 1;

/// Prints what is done, running and missing.
pub fn status(args: &StatusArgs) -> Result<ExitCode> {
    let coverage = Coverage::of(&args.experiment, &args.sets, &args.places)?;
    let whole = coverage.whole();
    let mut out = output();
    let name = printable(&coverage.spec.name);
    writeln!(out, "{name} · {}", words(whole))?;
    let shards = coverage.shards();
    if !shards.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["shard", "trials", "done", "running", "missing", "last attempt"]);
        for (shard, tally, attempts) in &shards {
            let numbers = [tally.trials, tally.done, tally.running, tally.missing()]
                .map(|number| number.to_string());
            let newest = attempts
                .iter()
                .filter_map(|it| Some((written(&it.folder)?, it)))
                .max_by_key(|it| it.0);
            let last = newest.map_or_else(
                || "none yet".to_owned(),
                |(time, it)| {
                    let name = it.folder.file_name().unwrap_or_default().to_string_lossy();
                    let of = if attempts.len() > 1 {
                        format!(", of {}", attempts.len())
                    } else {
                        String::new()
                    };
                    format!("{} wrote {}{of}", printable(&name), ago(time))
                },
            );
            table.add_row([shard.to_string()].into_iter().chain(numbers).chain([last]));
        }
        for column in 1..5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(out, "\n{table}")?;
    }
    if coverage.is_merged() {
        return Ok(ExitCode::SUCCESS);
    }
    let what = match (whole.missing(), whole.running) {
        (0, 0) => "all are done, but not merged yet; to merge them",
        (_, 0) => "to run what is missing, and merge",
        _ => "if nothing runs any more: to run what is missing, and merge",
    };
    writeln!(out, "\n{what}:\n  {}", printable(&coverage.command(&args.places.results)))?;
    Ok(ExitCode::from(UNFINISHED))
}

fn words(tally: Tally) -> String {
    let failed = if tally.failed > 0 {
        format!(", of these {} failed", tally.failed)
    } else {
        String::new()
    };
    format!(
        "{} trials: {} done, {} running, {} missing{failed}",
        tally.trials,
        tally.done,
        tally.running,
        tally.missing()
    )
}
