//! Selects the runs of an experiment for an export, and reads them.

use std::collections::HashSet;
use std::path::Path;

use analysis::runs::weights_file;
use anyhow::Result;
use tracking::{Experiment, Reader, RecordedRun, RunId, Status};

use super::exported_run::ExportedRun;

/// The runs of an experiment that an export writes.
pub struct ExportSelection {
    /// The experiment.
    pub experiment: Experiment,
    /// The intact runs that match every condition, in the order in which they started.
    pub runs: Vec<RecordedRun>,
    /// The effective run of each trial. The weights in the results folder belong to these runs.
    pub effective: HashSet<RunId>,
    /// Names of the hyperparameters that vary over all runs of the experiment.
    pub varying: Vec<String>,
}

impl ExportSelection {
    /// Reads everything about `run` from the store. `None` if its epochs are damaged.
    pub fn read_run(
        &self,
        reader: &Reader,
        results: &Path,
        run: &RecordedRun,
    ) -> Result<Option<ExportedRun>> {
        let (epochs, is_intact) = reader.checked_epochs(run)?;
        if !is_intact {
            // This call records the damage, which the command reports at its end.
            reader.epochs(run)?;
            return Ok(None);
        }
        let has_weights = run.status == Status::Finished && self.effective.contains(&run.id);
        let weights = has_weights.then(|| weights_file(results, run)).filter(|file| file.is_file());
        let invocation = reader.invocation(run)?;
        Ok(Some(ExportedRun { run: run.clone(), epochs, invocation, weights }))
    }
}
