//! `runner status EXPERIMENT.toml`: show which trials are done, running or missing.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use tracking::{Shard, printable};

use crate::cli::StatusArgs;
use crate::cluster::attempt::AttemptFolder;
use crate::cluster::plan_status::{PlanStatus, Scope, StatusCounts, ago, last_write};
use crate::cmd::warnings;
use crate::output::output;
use crate::table::{Column, Table};
use crate::terminal::{stdout_width, wrapped};

/// Exit code: some trial has no merged result, or something recorded is damaged.
const UNFINISHED: u8 = 1;

/// Prints the status of the plan and of each shard.
pub fn status(args: &StatusArgs) -> Result<ExitCode> {
    let status = PlanStatus::read(&args.experiment, &args.settings, &args.paths, Scope::All)?;
    let counts = status.counts();
    let mut out = output();
    let line = format!("{} · {}", printable(&status.subject()), describe(counts));
    writeln!(out, "{}", wrapped(&line, stdout_width()))?;
    let shards = status.shards();
    if !shards.is_empty() {
        write!(out, "\n{}", table(&shards))?;
    }
    warnings::of_earlier_race(&status.plan, status.declared_race.as_ref());
    for issue in &status.issues {
        anstream::eprintln!("{}", printable(&format!("warning: {issue}")));
    }
    if status.is_merged() {
        let is_intact = status.issues.is_empty();
        return Ok(if is_intact { ExitCode::SUCCESS } else { ExitCode::from(UNFINISHED) });
    }
    let what = match (counts.missing(), counts.running) {
        (0, 0) => "all trials are done, but not merged; to merge them",
        (_, 0) => "to run the missing trials",
        _ => "if no runner is active, to run the missing trials",
    };
    writeln!(out, "\n{what}:\n  {}", printable(&status.command(&args.paths.results)))?;
    Ok(ExitCode::from(UNFINISHED))
}

/// One row per shard.
fn table(shards: &[(Shard, StatusCounts, Vec<&AttemptFolder>)]) -> Table {
    let numbers = |header, number: fn(&StatusCounts) -> usize| {
        let cells = shards.iter().map(|(_, counts, _)| number(counts).to_string());
        Column::numbers(header, cells.collect())
    };
    let names = shards.iter().map(|(shard, ..)| shard.to_string()).collect();
    let attempts = shards.iter().map(|(.., attempts)| last_attempt(attempts)).collect();
    let columns = vec![
        Column::text("shard", names),
        numbers("trials", |counts| counts.trials),
        numbers("done", |counts| counts.done),
        numbers("running", |counts| counts.running),
        numbers("missing", StatusCounts::missing),
        Column::text("last attempt", attempts).optional(),
    ];
    Table::new(columns, stdout_width())
}

/// The attempt that wrote last, and the number of attempts if there are several.
fn last_attempt(attempts: &[&AttemptFolder]) -> String {
    let written = attempts.iter().filter_map(|attempt| Some((last_write(&attempt.path)?, attempt)));
    let Some((time, attempt)) = written.max_by_key(|(time, _)| *time) else {
        return "none yet".to_owned();
    };
    let name = attempt.path.file_name().unwrap_or_default().to_string_lossy();
    let count = match attempts.len() {
        1 => String::new(),
        count => format!(", of {count}"),
    };
    format!("{} wrote {}{count}", printable(&name), ago(time))
}

fn describe(counts: StatusCounts) -> String {
    let failed = match counts.failed {
        0 => String::new(),
        failed => format!(", of these {failed} failed"),
    };
    format!(
        "{} trials: {} done, {} running, {} missing{failed}",
        counts.trials,
        counts.done,
        counts.running,
        counts.missing()
    )
}
