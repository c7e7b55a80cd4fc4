//! Lookup of a run by the prefix of its id or of its trial id.

use rusqlite::Connection;

use super::runs::{effective_by_trial, runs_where};
use crate::{FindError, IdPrefix, RecordedRun};

/// Number of ids that an error about an ambiguous prefix lists.
const MAX_LISTED: usize = 5;

/// The ids of a run, as they are in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// Name of the experiment.
    pub experiment: String,
    /// Id of the run.
    pub run: String,
    /// Id of its trial, which another experiment may have too.
    pub trial: String,
}

/// The ids of all runs. An id of another type than text is shown as text.
pub(super) fn run_identities(connection: &Connection) -> rusqlite::Result<Vec<RunIdentity>> {
    let sql = "SELECT CAST(experiment AS TEXT), CAST(id AS TEXT), CAST(trial_id AS TEXT) FROM runs NOT INDEXED";
    connection
        .prepare(sql)?
        .query_map([], |row| {
            Ok(RunIdentity { experiment: row.get(0)?, run: row.get(1)?, trial: row.get(2)? })
        })?
        .collect()
}

/// The run whose id starts with `text`, or the effective run of the trial whose id does.
pub(super) fn find(
    connection: &Connection,
    text: &str,
) -> rusqlite::Result<Result<RecordedRun, FindError>> {
    let prefix = IdPrefix::parse(text);
    let digits = prefix.digits.as_str();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Err(FindError::NotFound(text.to_owned())));
    }
    let mut candidates = candidates(connection, digits)?;
    if let Some(experiment) = &prefix.experiment {
        candidates.retain(|(_, of)| of == experiment);
    }
    let mut ids: Vec<&str> = candidates.iter().map(|(id, _)| id.as_str()).collect();
    ids.dedup();
    Ok(match (ids.as_slice(), candidates.as_slice()) {
        ([], _) => Err(FindError::NotFound(text.to_owned())),
        (_, [(id, experiment)]) => Ok(run_with_id(connection, id, experiment)?),
        ([id], several) => {
            let experiments = several.iter().map(|(_, experiment)| experiment.clone()).collect();
            Err(FindError::SeveralExperiments { id: (*id).to_owned(), experiments })
        }
        (several, _) => {
            let candidates = several.iter().take(MAX_LISTED).map(|id| (*id).to_owned()).collect();
            Err(FindError::Ambiguous { prefix: text.to_owned(), candidates })
        }
    })
}

/// Run and trial ids that start with `digits`, each with its experiment. If `digits` is a complete
/// id, it is the only candidate.
fn candidates(connection: &Connection, digits: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT id, experiment FROM runs WHERE id GLOB ?1 || '*'
               UNION SELECT trial_id, experiment FROM runs WHERE trial_id GLOB ?1 || '*' ORDER BY 1, 2";
    let mut statement = connection.prepare(sql)?;
    let mut all: Vec<(String, String)> = statement
        .query_map([digits], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if all.iter().any(|(id, _)| id == digits) {
        all.retain(|(id, _)| id == digits);
    }
    Ok(all)
}

/// The run with this id in `experiment`, or else the effective run of the trial with this id.
fn run_with_id(
    connection: &Connection,
    id: &str,
    experiment: &str,
) -> rusqlite::Result<RecordedRun> {
    let mut runs = runs_where(connection, "id = ?1 OR trial_id = ?1", id)?;
    runs.retain(|run| run.experiment == experiment);
    match runs.iter().position(|run| run.id.as_str() == id) {
        Some(exact) => runs.into_iter().nth(exact),
        None => effective_by_trial(runs).pop(),
    }
    .ok_or(rusqlite::Error::QueryReturnedNoRows)
}
