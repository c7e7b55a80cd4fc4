//! The list of experiments.

use std::collections::HashSet;

use analysis::runs::distinct;
use tracking::{Experiment, RecordedRun, Status};

use super::{ListCell, ListColumn, Listing};
use crate::table::Prominence;
use crate::wording::{LONGEST_CELL_TEXT, truncated};

/// An experiment with its intact runs.
pub type RunsOfExperiment = (Experiment, Vec<RecordedRun>);

const STATUSES: [Status; 5] =
    [Status::Finished, Status::Diverged, Status::Failed, Status::Killed, Status::Running];

/// Lists experiments, the last active one first.
pub fn experiments(mut experiments: Vec<RunsOfExperiment>, top: usize) -> Listing {
    experiments.sort_by(|(_, a), (_, b)| last_activity(b).cmp(last_activity(a)));
    experiments.truncate(top);
    let cells = |cell: &dyn Fn(&RunsOfExperiment) -> ListCell| -> Vec<ListCell> {
        experiments.iter().map(cell).collect()
    };
    let trials = |runs: &[RecordedRun]| {
        runs.iter().map(|run| run.trial.as_str()).collect::<HashSet<_>>().len()
    };
    let count = |name: &str, prominence, number: &dyn Fn(&[RecordedRun]) -> usize| {
        let cells = cells(&|(_, runs)| ListCell::count(number(runs)));
        ListColumn::new(name, name, prominence, cells).numeric()
    };
    let mut columns = vec![
        ListColumn::new(
            "experiment",
            "experiment",
            Prominence::Needed,
            cells(&|(experiment, _)| ListCell::text(&experiment.name)),
        ),
        count("trials", Prominence::Optional(0), &trials),
        count("runs", Prominence::Needed, &<[RecordedRun]>::len),
    ];
    for status in STATUSES {
        let number = |runs: &[RecordedRun]| runs.iter().filter(|run| run.status == status).count();
        let occurs = experiments.iter().any(|(_, runs)| number(runs) > 0);
        let prominence = if occurs { Prominence::Needed } else { Prominence::Machine };
        columns.push(count(status.as_str(), prominence, &number));
    }
    let datasets = |(_, runs): &RunsOfExperiment| {
        let names = distinct(runs.iter().map(|run| run.dataset.as_str()));
        ListCell::text(&names.join(" "))
    };
    let description = |(experiment, _): &RunsOfExperiment| {
        let cell = ListCell::text(&experiment.description);
        ListCell { shown: truncated(&cell.shown, LONGEST_CELL_TEXT).into_owned(), ..cell }
    };
    columns.extend([
        ListColumn::new("dataset", "dataset", Prominence::Optional(6), cells(&datasets)),
        ListColumn::new(
            "last_activity",
            "last activity (UTC)",
            Prominence::Optional(7),
            cells(&|(_, runs)| {
                let cell = ListCell::time(last_activity(runs));
                ListCell { shown: cell.shown.get(..16).unwrap_or_default().to_owned(), ..cell }
            }),
        ),
        ListColumn::new("description", "description", Prominence::Optional(5), cells(&description)),
    ]);
    Listing { heading: None, columns }
}

/// When a run last started or ended; empty without runs.
fn last_activity(runs: &[RecordedRun]) -> &str {
    let times = runs.iter().flat_map(|run| [run.started_at.as_str(), &run.ended_at]);
    times.max().unwrap_or_default()
}
