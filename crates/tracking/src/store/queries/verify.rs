//! Verification of checksums and run counts.

use std::collections::HashSet;

use rusqlite::Connection;

use super::epochs::epochs_of_run;
use super::invocations::experiments;
use super::runs::{run_count_issue, runs_where};
use crate::store::error_analysis;
use crate::store::integrity::{Checked, IntegrityIssue};
use crate::{RecordedRun, RunId};

/// Checks all experiments, and all runs or only `wanted`. Holds one run in memory at a time.
pub(super) fn verify(
    connection: &Connection,
    wanted: Option<&HashSet<RunId>>,
) -> rusqlite::Result<Checked<()>> {
    let Checked { value: experiments, mut issues } = experiments(connection)?;
    for experiment in experiments {
        let mut statement = connection
            .prepare("SELECT id FROM runs NOT INDEXED WHERE experiment = ?1 ORDER BY id")?;
        let ids: Vec<String> =
            statement.query_map([&experiment.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut found = 0;
        for id in ids {
            for run in runs_where(connection, "id = ?1", &id)? {
                found += 1;
                if wanted.is_none_or(|wanted| wanted.contains(&run.id)) {
                    issues.extend(run_issues(connection, &run)?);
                }
            }
        }
        issues.extend(run_count_issue(connection, &experiment.name, found)?);
    }
    Ok(Checked { value: (), issues })
}

fn run_issues(connection: &Connection, run: &RecordedRun) -> rusqlite::Result<Vec<IntegrityIssue>> {
    if !run.is_intact() {
        return Ok(vec![IntegrityIssue::run_changed(run)]);
    }
    let mut issues = epochs_of_run(connection, run)?.issues;
    issues.extend(error_analysis::of_run(connection, run)?.issues);
    Ok(issues)
}
