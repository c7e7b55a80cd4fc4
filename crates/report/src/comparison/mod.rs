//! Compares the settings of an experiment: groups runs into settings, ranks the settings and finds
//! those that may be the best.

mod baseline;
mod group;
pub mod last_epoch;
mod options;
mod race;
mod rank;
mod result;
mod setting;
#[cfg(test)]
mod tests;

use analysis::runs::MeasuredRun;
use anyhow::Result;
use tracking::{Declarations, Experiment, Status};

use group::{Group, Method};
use race::Racing;

pub use options::CompareOptions;
pub use race::RaceState;
pub use result::{Comparison, Promise};
pub use setting::{DifferenceFromReference, Setting, StatusCounts};

/// Compares the `runs` of `experiment`, from which a condition `excluded` others. Each dataset and
/// validation gets a comparison of its own, in their order.
///
/// # Errors
/// If `--against` selects no setting or several.
pub fn compare(
    experiment: &Experiment,
    declarations: &Declarations,
    runs: &[MeasuredRun],
    excluded: &[MeasuredRun],
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
    let race = Racing::of(declarations, runs, excluded, options);
    let compare_group = |runs: &Vec<&MeasuredRun>| {
        let group = Group::new(runs, declarations, options);
        let race = race.as_ref().filter(|race| data_of(race.entrant()) == data_of(runs[0]));
        let runs_of = |race: &Racing| race.runs_of(group.rows()).filter(|_| group.is_of(race));
        let mut comparison = match race.map(|race| (race, runs_of(race))) {
            Some((race, None)) if race.has_rivals() => {
                let compared = group.compare(experiment, options, Method::Untested)?;
                let conditions = (!excluded.is_empty()).then_some("--where");
                let given = conditions.into_iter().chain(options.given()).collect();
                Comparison { beyond_race: Some(given), ..compared }
            }
            Some((race, Some(runs))) => {
                let group = Group::new(&runs.shown, declarations, options);
                let compared = group.compare(experiment, options, Method::Race(race))?;
                Comparison { race: race.state(&runs), ..compared }
            }
            _ => group.compare(experiment, options, Method::Tests)?,
        };
        comparison.tried_elsewhere =
            comparison.keys.iter().map(|key| finished_numbers(excluded, key)).collect();
        Ok(comparison)
    };
    groups.iter().map(compare_group).collect()
}

/// The numbers of the hyperparameter `key` in the finished runs of `runs`.
fn finished_numbers(runs: &[MeasuredRun], key: &str) -> Vec<f64> {
    let finished = runs.iter().filter(|measured| measured.run.status == Status::Finished);
    finished.filter_map(|measured| measured.run.param(key)?.as_number()).collect()
}

/// The dataset and the validation of a run: only runs that share both are comparable. The digest
/// identifies a dataset; if it is unknown, the name does.
fn data_of(measured: &MeasuredRun) -> (&str, &str) {
    let run = &measured.run;
    let dataset = if run.dataset_sha256.is_empty() { &run.dataset } else { &run.dataset_sha256 };
    (dataset, run.validation.key())
}
