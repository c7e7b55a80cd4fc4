//! A race, read from the record of its runs.

use std::collections::HashMap;

use tracking::metric::Rules;
use tracking::{Race, RunId, Status, Value};

use super::decision::{Cell, Decision, Field};
use crate::metric::Metric;
use crate::runs::{MeasuredRun, grid, is_final, metric_names, metric_of};

/// A race and what its runs decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Raced {
    /// The metric that decides; `None` if no run of the first look has a metric that ranks.
    pub metric: Option<Metric>,
    /// The run of each setting on each replicate, in the order of the race.
    pub runs: Vec<Vec<Option<RunId>>>,
    /// The values of these runs.
    pub field: Field,
    /// The decision. Without a metric, every setting leaves at the first look.
    pub decision: Decision,
}

impl Raced {
    /// Reads a race from the effective `runs` of its experiment, one per trial. Runs of other
    /// settings, data or replicates do not enter.
    pub fn read(race: &Race, runs: &[MeasuredRun], rules: &Rules) -> Self {
        let table = runs_of(race, runs);
        let first_look = race.rules.looks().first().copied().unwrap_or_default();
        let first: Vec<&MeasuredRun> = table
            .iter()
            .flat_map(|row| row.iter().take(first_look).flatten().copied())
            .filter(|measured| measured.run.status == Status::Finished)
            .collect();
        // Only the first look chooses the metric and its resolution, so that later runs change no
        // earlier decision.
        let metric = ranking(&first, rules);
        let cell = |run: &Option<&MeasuredRun>| cell(*run, metric.as_ref());
        let cells: Vec<Vec<Cell>> =
            table.iter().map(|row| row.iter().map(cell).collect()).collect();
        let grid = metric.as_ref().and_then(|metric| grid(metric, first.iter().copied()));
        let field = Field { cells, grid };
        let decision = Decision::of(&race.rules, &field);
        let id = |run: &Option<&MeasuredRun>| run.map(|measured| measured.run.id.clone());
        let runs = table.iter().map(|row| row.iter().map(id).collect()).collect();
        Self { metric, runs, field, decision }
    }

    /// Whether every setting has an ended run on every replicate.
    pub fn is_complete(&self) -> bool {
        self.field.cells.iter().flatten().all(|cell| *cell != Cell::Open)
    }
}

/// The run of each setting on each replicate, in the order of the race.
fn runs_of<'a>(race: &Race, runs: &'a [MeasuredRun]) -> Vec<Vec<Option<&'a MeasuredRun>>> {
    let by_trial: HashMap<&str, &MeasuredRun> =
        runs.iter().map(|measured| (measured.run.trial.as_str(), measured)).collect();
    let setting = |(index, trial): (usize, &tracking::TrialId)| {
        let first = by_trial.get(trial.as_str())?;
        Some((setting_key(first, &race.replicate), index))
    };
    let settings: HashMap<String, usize> =
        race.settings.iter().enumerate().filter_map(setting).collect();
    let seed_of = |run: &MeasuredRun| {
        let seed = run.run.param(&race.replicate)?;
        race.seeds.iter().position(|known| known.total_cmp(seed).is_eq())
    };
    let mut table = vec![vec![None; race.seeds.len()]; race.settings.len()];
    for measured in runs {
        let Some(seed) = seed_of(measured) else { continue };
        if let Some(setting) = settings.get(&setting_key(measured, &race.replicate)) {
            table[*setting][seed] = Some(measured);
        }
    }
    table
}

/// The facts that identify a setting: data, program, and all hyperparameters except the
/// replicate.
fn setting_key(measured: &MeasuredRun, replicate: &str) -> String {
    let run = &measured.run;
    let mut params: Vec<(&str, &Value)> = run
        .params
        .iter()
        .filter(|(name, _)| &**name != replicate)
        .map(|(name, value)| (&**name, value))
        .collect();
    params.sort_by_key(|(name, _)| *name);
    format!("{:?}", (&run.dataset_sha256, run.validation.key(), &run.program_sha256, params))
}

/// The metric that ranks the finished runs of the first look, if its direction is known.
fn ranking(first: &[&MeasuredRun], rules: &Rules) -> Option<Metric> {
    let validation = &first.first()?.run.validation;
    let names = metric_names(first.iter().copied());
    let name = rules.ranking(&names, |name| is_final(name, first), validation)?;
    Some(metric_of(name, first, rules)).filter(|metric| metric.direction.is_some())
}

fn cell(run: Option<&MeasuredRun>, metric: Option<&Metric>) -> Cell {
    let Some(measured) = run else { return Cell::Open };
    match measured.run.status {
        Status::Running | Status::Killed => Cell::Open,
        Status::Diverged | Status::Failed => Cell::NoValue,
        Status::Finished => {
            let value = metric.and_then(|metric| {
                measured.metric(&metric.name).map(|value| metric.oriented(value))
            });
            value.map_or(Cell::NoValue, Cell::Value)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use tracking::{Declarations, RaceRules, Run};

    use super::*;
    use crate::fixtures::{measured_runs, run, trial};
    use crate::race::{End, Reason};

    fn params(batch: i64, seed: i64) -> [(&'static str, Value); 2] {
        [("batch_size", batch.into()), ("seed", seed.into())]
    }

    fn race(batches: &[i64], looks: &[usize]) -> Race {
        let rules = RaceRules::new(looks.to_vec(), 0.95, None).unwrap();
        let seeds = (0..i64::try_from(rules.most()).unwrap()).map(Value::Integer).collect();
        let settings = batches.iter().map(|batch| trial(&params(*batch, 0))).collect();
        Race { rules, replicate: "seed".into(), seeds, settings, changes: 0 }
    }

    /// Batch 16 is best, 32 slightly worse, 64 hopeless; the luck of a seed is common to all.
    fn accuracy(batch: i64, seed: i64) -> f64 {
        let luck = [0.0, 0.004, -0.003, 0.001, 0.002, -0.001][usize::try_from(seed).unwrap()];
        let own = [0.0, 1e-4, 3e-4, -1e-4, 2e-4, 1e-4]
            [usize::try_from((seed * batch / 16 + batch) % 6).unwrap()];
        0.92 - 0.001 * f64::from(i32::try_from(batch).unwrap() / 16 - 1) + luck + own
    }

    fn runs(batches: &[i64], seeds: i64) -> Vec<Run> {
        let of_batch = |batch: &i64| {
            let batch = *batch;
            (0..seeds).map(move |seed| run(&params(batch, seed), accuracy(batch, seed)))
        };
        batches.iter().flat_map(of_batch).collect()
    }

    fn read(race: &Race, runs: &[Run]) -> Raced {
        let rules = Rules::new(&[], &Declarations::default());
        Raced::read(race, &measured_runs(runs), &rules)
    }

    #[test]
    fn runs_decide_by_the_ranking_metric() {
        let raced = read(&race(&[16, 64], &[3, 6]), &runs(&[16, 64], 3));
        assert_eq!(raced.metric.unwrap().name, "test_accuracy");
        assert_eq!((raced.decision.end, raced.decision.live()), (Some(End::Won), vec![0]));
    }

    #[test]
    fn other_seeds_and_settings_do_not_enter() {
        let race = race(&[16, 32, 64], &[3, 5]);
        let few = read(&race, &runs(&[16, 32, 64], 3));
        let mut more = runs(&[16, 32, 64, 128], 3);
        more.push(run(&params(64, 5), 0.99));
        assert_eq!(read(&race, &more).decision, few.decision);
        let one_ahead = [runs(&[16, 32, 64], 3), vec![run(&params(64, 4), 0.99)]].concat();
        assert_eq!(read(&race, &one_ahead).decision.exits, few.decision.exits);
    }

    #[test]
    fn failed_setting_leaves_and_a_killed_run_is_open() {
        let with = |status: Status| {
            let mut runs = runs(&[16, 32], 2);
            let last = runs.pop().unwrap();
            runs.push(last.with(|run| {
                run.status = status;
                run.results.clear();
            }));
            read(&race(&[16, 32], &[2]), &runs).decision
        };
        for status in [Status::Failed, Status::Diverged] {
            let decision = with(status);
            assert_eq!(decision.exits[1].unwrap().reason, Reason::NoValue(1), "{status}");
            assert_eq!(decision.end, Some(End::Won));
        }
        assert_eq!((with(Status::Killed).looks, with(Status::Killed).end), (0, None));
    }

    #[test]
    fn race_without_a_ranking_metric_leaves_no_setting() {
        let runs: Vec<Run> = runs(&[16, 32], 2)
            .into_iter()
            .map(|run| run.with(|run| run.results = vec![("foo".to_owned(), 1.0)]))
            .map(|run| run.with(|run| run.epochs.clear()))
            .collect();
        let raced = read(&race(&[16, 32], &[2]), &runs);
        assert_eq!((raced.metric, raced.decision.end), (None, Some(End::NoneLeft)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
        #[test]
        fn order_of_the_record_decides_nothing(
            order in Just((0..18).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let (race, runs) = (race(&[16, 32, 64], &[3, 6]), runs(&[16, 32, 64], 6));
            let shuffled: Vec<Run> = order.iter().map(|index| runs[*index].clone()).collect();
            let [shuffled, expected] = [shuffled, runs].map(|runs| read(&race, &runs));
            prop_assert_eq!(shuffled.field, expected.field);
            prop_assert_eq!(shuffled.decision, expected.decision);
        }
    }
}
