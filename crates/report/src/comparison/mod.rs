//! Compares the settings of an experiment: groups runs into settings, ranks the settings and finds
//! those that may be the best.

mod baseline;
mod group;
pub mod last_epoch;
mod options;
mod rank;
mod result;
mod setting;
#[cfg(test)]
mod tests;

use anyhow::Result;
use tracking::{Declarations, Experiment};

use analysis::runs::MeasuredRun;
use group::Group;

pub use options::CompareOptions;
pub use result::{Comparison, Promise};
pub use setting::{DifferenceFromReference, Setting, StatusCounts};

/// Compares the runs of `experiment`. Each dataset and validation gets a comparison of its own, in
/// their order.
///
/// # Errors
/// If `--against` selects no setting or several.
pub fn compare(
    experiment: &Experiment,
    declarations: &Declarations,
    runs: &[MeasuredRun],
    options: &CompareOptions,
) -> Result<Vec<Comparison>> {
    let mut groups: Vec<Vec<&MeasuredRun>> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|group| data_of(group[0]) == data_of(run)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups.sort_by(|a, b| {
        (&a[0].run.dataset, data_of(a[0])).cmp(&(&b[0].run.dataset, data_of(b[0])))
    });
    groups
        .iter()
        .map(|group| Group::new(group, declarations, options).compare(experiment, options))
        .collect()
}

/// The dataset and the validation of a run: only runs that share both are comparable. The digest
/// identifies a dataset; if it is unknown, the name does.
fn data_of(measured: &MeasuredRun) -> (&str, &str) {
    let run = &measured.run;
    let dataset = if run.dataset_sha256.is_empty() { &run.dataset } else { &run.dataset_sha256 };
    (dataset, run.validation.key())
}
