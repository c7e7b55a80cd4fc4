//! Runs of an experiment.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension};

use super::epochs::{EpochsByRun, epochs_of_experiment};
use super::invocations::invocation;
use super::run_row::{add_params_and_results, run_columns, run_from_row};
use crate::store::integrity::{Checked, IntegrityIssue};
use crate::store::sqlite_error::is_invalid_value;
use crate::{Liveness, RecordedRun, RunId, Status, TrialId};

/// All runs of `experiment` in the order of their start, intact or not.
pub(crate) fn all_runs(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    scan_runs_where(connection, "experiment = ?1", experiment)
}

/// Runs that satisfy a condition on `?1`, in the order of their start, intact or not.
///
/// Reads the whole table, because a damaged index could hide a run.
fn scan_runs_where(
    connection: &Connection,
    condition: &str,
    key: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let columns = run_columns(connection)?;
    let sql = format!("SELECT {columns} FROM runs NOT INDEXED WHERE {condition} ORDER BY sequence");
    let mut runs = readable_runs(connection, &sql, key)?;
    let ids = format!("IN (SELECT id FROM runs NOT INDEXED WHERE {condition})");
    add_params_and_results(connection, &mut runs, &ids, key)?;
    mark_dead_as_killed(connection, &mut runs)?;
    runs.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(runs)
}

/// Runs that satisfy a condition on `?1`, in the order of their start, intact or not. Uses indexes:
/// for few runs, this is faster than a scan.
pub(crate) fn runs_where(
    connection: &Connection,
    condition: &str,
    key: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let sql = format!("SELECT {} FROM runs WHERE {condition}", run_columns(connection)?);
    let mut runs = readable_runs(connection, &sql, key)?;
    for run in &mut runs {
        let id = run.id.as_str().to_owned();
        add_params_and_results(connection, std::slice::from_mut(run), "= ?1", &id)?;
    }
    mark_dead_as_killed(connection, &mut runs)?;
    runs.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(runs)
}

/// The runs that `sql` selects, without invalid rows. [`run_count_issue`] reports that these are
/// missing. An invalid row is an error in a store of an earlier schema, which has no run count.
fn readable_runs(
    connection: &Connection,
    sql: &str,
    key: &str,
) -> rusqlite::Result<Vec<RecordedRun>> {
    let has_count = connection.column_exists(None, "experiments", "runs")?;
    let mut runs = Vec::new();
    for run in connection.prepare_cached(sql)?.query_map([key], run_from_row)? {
        match run {
            Err(error) if has_count && is_invalid_value(&error) => {}
            run => runs.push(run?),
        }
    }
    Ok(runs)
}

/// Changes the status of a running run to killed if its process has ended.
fn mark_dead_as_killed(connection: &Connection, runs: &mut [RecordedRun]) -> rusqlite::Result<()> {
    let mut owners: HashMap<i64, Liveness> = HashMap::new();
    for run in runs.iter_mut().filter(|run| run.status == Status::Running) {
        let liveness = match owners.get(&run.invocation) {
            Some(known) => *known,
            None => invocation(connection, run.invocation)?.process.liveness(),
        };
        owners.insert(run.invocation, liveness);
        if liveness == Liveness::Gone {
            run.header.status = Status::Killed;
        }
    }
    Ok(())
}

/// The effective run of each trial of `experiment`, chosen among the intact runs.
pub(crate) fn effective_runs(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Checked<Vec<RecordedRun>>> {
    let runs = all_runs(connection, experiment)?;
    let issues = run_count_issue(connection, experiment, runs.len())?;
    Ok(select_effective(runs, issues, run_issue))
}

/// [`all_runs`], and the ids of the [`effective_runs`].
pub(super) fn all_and_effective_runs(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Checked<(Vec<RecordedRun>, HashSet<RunId>)>> {
    let runs = all_runs(connection, experiment)?;
    let issues = run_count_issue(connection, experiment, runs.len())?;
    let Checked { value: effective, issues } = select_effective(runs.clone(), issues, run_issue);
    let effective = effective.into_iter().map(|run| run.id).collect();
    Ok(Checked { value: (runs, effective), issues })
}

/// The effective runs of an experiment whose programs are the same.
#[derive(Debug)]
pub struct ProgramRuns {
    /// The digest of the program; `None` for runs without one.
    pub program_sha256: Option<String>,
    /// One run per trial, by trial.
    pub runs: Vec<RecordedRun>,
}

/// The [`effective_runs`] by program. The program of the newest intact run is the first.
pub(super) fn effective_runs_by_program(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Checked<Vec<ProgramRuns>>> {
    let runs = all_runs(connection, experiment)?;
    let count_issue = run_count_issue(connection, experiment, runs.len())?;
    let mut positions: HashMap<Option<String>, usize> = HashMap::new();
    let mut programs = Vec::new();
    for run in runs.iter().rev() {
        let program_sha256 = &run.program_sha256;
        if !positions.contains_key(program_sha256) && run.is_intact() {
            positions.insert(program_sha256.clone(), programs.len());
            programs.push(ProgramRuns { program_sha256: program_sha256.clone(), runs: Vec::new() });
        }
    }
    let Checked { value: effective, issues } = select_effective(runs, count_issue, run_issue);
    for run in effective {
        if let Some(position) = positions.get(&run.program_sha256) {
            programs[*position].runs.push(run);
        }
    }
    Ok(Checked { value: programs, issues })
}

/// [`effective_runs`] as if the store contained only the runs of programs built from `commit`.
pub(crate) fn effective_runs_at(
    connection: &Connection,
    experiment: &str,
    commit: &str,
) -> rusqlite::Result<Checked<Vec<RecordedRun>>> {
    let mut statement = connection.prepare("SELECT id FROM invocations WHERE git_commit = ?1")?;
    let ids: Vec<i64> =
        statement.query_map([commit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let of_commit = format!("experiment = ?1 AND invocation IN ({})", ids.join(", "));
    let runs = scan_runs_where(connection, &of_commit, experiment)?;
    let count = |condition: &str| -> rusqlite::Result<usize> {
        let sql = format!("SELECT count(*) FROM runs NOT INDEXED WHERE {condition}");
        connection
            .query_row(&sql, [experiment], |row| row.get::<_, u32>(0))
            .map(|count| count as usize)
    };
    // The store counts the runs of all commits. Invalid rows count only if they are of this commit.
    let invalid = count(&of_commit)?.saturating_sub(runs.len());
    let found = count("experiment = ?1")?.saturating_sub(invalid);
    let issues = run_count_issue(connection, experiment, found)?;
    Ok(select_effective(runs, issues, run_issue))
}

/// [`effective_runs`] among the runs whose epochs are intact too, with these epochs.
pub(crate) fn effective_runs_and_epochs(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Checked<(Vec<RecordedRun>, EpochsByRun)>> {
    let runs = all_runs(connection, experiment)?;
    let issues = run_count_issue(connection, experiment, runs.len())?;
    let mut epochs = epochs_of_experiment(connection, experiment, &runs)?;
    let Checked { value: runs, issues } = select_effective(runs, issues, |run| {
        run_issue(run).or_else(|| {
            (!epochs.contains_key(&run.id)).then(|| IntegrityIssue::epochs_changed(run))
        })
    });
    let ids: HashSet<&RunId> = runs.iter().map(|run| &run.id).collect();
    epochs.retain(|id, _| ids.contains(id));
    Ok(Checked { value: (runs, epochs), issues })
}

fn run_issue(run: &RecordedRun) -> Option<IntegrityIssue> {
    (!run.is_intact()).then(|| IntegrityIssue::run_changed(run))
}

/// The effective runs among those without an issue. An issue is reported unless a later run of the
/// same trial ended.
fn select_effective(
    runs: Vec<RecordedRun>,
    count_issue: Option<IntegrityIssue>,
    issue_of: impl Fn(&RecordedRun) -> Option<IntegrityIssue>,
) -> Checked<Vec<RecordedRun>> {
    let (mut intact, mut changed) = (Vec::new(), Vec::new());
    for run in runs {
        match issue_of(&run) {
            None => intact.push(run),
            Some(issue) => changed.push((run, issue)),
        }
    }
    let runs = effective_by_trial(intact);
    let is_superseded = |changed: &RecordedRun| {
        runs.iter().any(|run| {
            run.trial == changed.trial && run.has_ended() && run.order() > changed.order()
        })
    };
    let mut issues = Vec::from_iter(count_issue);
    issues
        .extend(changed.into_iter().filter(|(run, _)| !is_superseded(run)).map(|(_, issue)| issue));
    Checked { value: runs, issues }
}

/// The effective run of each trial: the newest run with a result, or else the newest run.
pub(super) fn effective_by_trial(runs: Vec<RecordedRun>) -> Vec<RecordedRun> {
    let mut effective: HashMap<TrialId, RecordedRun> = HashMap::new();
    for run in runs {
        match effective.get(&run.trial) {
            Some(other)
                if (other.has_result(), other.order()) > (run.has_result(), run.order()) => {}
            _ => {
                effective.insert(run.trial.clone(), run);
            }
        }
    }
    let mut runs: Vec<RecordedRun> = effective.into_values().collect();
    runs.sort_by(|a, b| a.trial.cmp(&b.trial));
    runs
}

/// Trials of `experiment` that have an intact run with a result and intact epochs.
pub(super) fn completed_trials(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<HashSet<TrialId>> {
    let mut runs = all_runs(connection, experiment)?;
    runs.retain(|run| run.has_result() && run.is_intact());
    let epochs = epochs_of_experiment(connection, experiment, &runs)?;
    runs.retain(|run| epochs.contains_key(&run.id));
    Ok(runs.into_iter().map(|run| run.header.trial).collect())
}

/// Git commits that runs of `experiment` were made at, each with its number of runs, in the order
/// of their first runs.
pub(super) fn commits(
    connection: &Connection,
    experiment: &str,
) -> rusqlite::Result<Vec<(String, u32)>> {
    let sql = "SELECT git_commit, count(*) FROM runs NOT INDEXED JOIN invocations ON invocations.id = runs.invocation
               WHERE runs.experiment = ?1 AND git_commit IS NOT NULL GROUP BY git_commit ORDER BY min(runs.started_at), 1";
    connection
        .prepare(sql)?
        .query_map([experiment], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// An issue if the store recorded another number of runs than `found`.
pub(super) fn run_count_issue(
    connection: &Connection,
    experiment: &str,
    found: usize,
) -> rusqlite::Result<Option<IntegrityIssue>> {
    if !connection.column_exists(None, "experiments", "runs")? {
        return Ok(None);
    }
    let sql = "SELECT runs FROM experiments NOT INDEXED WHERE name = ?1";
    let recorded: Option<i64> =
        connection.query_row(sql, [experiment], |row| row.get(0)).optional()?;
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    Ok(recorded
        .filter(|recorded| *recorded != found)
        .map(|recorded| IntegrityIssue::run_count_changed(experiment, recorded, found)))
}
