//! How far a race is, from the record of its runs.

use std::path::Path;

use analysis::race::Raced;
use anyhow::Result;
use tracking::{Queries, Reader, StoreError};

use crate::cluster::attempt;
use crate::experiment::race::PlannedRace;
use crate::experiment::spec::Spec;

/// What the runs in one store decide.
pub fn of_store(race: &PlannedRace, spec: &Spec, store: &Queries) -> Result<Raced> {
    race.read(store, store.runs(&spec.name)?, spec)
}

/// What the merged runs in the results folder decide. A merge leaves out failed runs, so those of
/// the attempts count too.
pub fn of_merged(race: &PlannedRace, spec: &Spec, results: &Path) -> Result<Raced> {
    let failed = attempt::failed_runs(results, &spec.name)?;
    match Reader::open(results) {
        Ok(reader) => {
            let mut runs = reader.runs(&spec.name)?;
            let is_unknown = |trial| !runs.iter().any(|run| run.trial == trial);
            let failed: Vec<_> =
                failed.into_iter().filter(|run| is_unknown(run.trial.clone())).collect();
            runs.extend(failed);
            race.read(&reader, runs, spec)
        }
        Err(StoreError::NoStore { .. }) => Ok(race.undecided()),
        Err(error) => Err(error.into()),
    }
}
