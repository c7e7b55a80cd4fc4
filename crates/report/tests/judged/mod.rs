//! Results folders with two sides to judge.
#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses a part")]

use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value as Json;
use tempfile::TempDir;
use tracking::{
    Declarations, Experiment, Invocation, Race, RaceRules, Run, RunHeader, Status, Store, TrialId,
    Value,
};

use crate::stores::{noise, outcome};

/// The metrics of a run: its accuracy, and a loss that follows it.
pub fn results(accuracy: f64) -> Vec<(String, f64)> {
    vec![("test_accuracy".into(), accuracy), ("test_loss".into(), 1.0 - accuracy)]
}

/// A run with these hyperparameters, before it has a result.
pub fn run(experiment: &str, params: &[(&str, i64)], status: Status) -> Run {
    let params: Vec<(String, Value)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let trial = TrialId::of(&[("params", &format!("{params:?}"))]);
    let header = RunHeader { trial, ..RunHeader::new(experiment, status) };
    Run { params, ..Run::new(header, SystemTime::UNIX_EPOCH) }
}

/// A results folder in which depth 2 is better than depth 1 by `gain` on each seed, with noise of
/// about 0.01.
pub struct Sweep {
    folder: TempDir,
    gain: f64,
    pub invocation: Invocation,
}

impl Sweep {
    pub fn new(gain: f64) -> Self {
        let invocation = Invocation {
            command_line: "runner sweep.toml -r old --rerun --set sweep.seed=[0,1]".into(),
            experiment_file: Some("name = \"sweep\"\n[sweep]\ndepth = [1, 2]\n".into()),
            ..Invocation::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), gain, invocation }
    }

    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    pub fn add(&self, experiment: &str, runs: &[Run]) {
        let mut store = Store::open(self.at()).unwrap();
        let experiment = Experiment { name: experiment.into(), description: String::new() };
        let invocation = store.begin(&experiment, &self.invocation).unwrap();
        for run in runs {
            store.record(invocation, run).unwrap();
        }
    }

    /// Records both depths on these seeds.
    pub fn seeds(self, experiment: &str, seeds: Range<i64>) -> Self {
        let runs = seeds.flat_map(|seed| [1, 2].map(|depth| self.run(experiment, depth, seed)));
        self.add(experiment, &runs.collect::<Vec<_>>());
        self
    }

    pub fn run(&self, experiment: &str, depth: i64, seed: i64) -> Run {
        let gain = if depth == 2 { self.gain } else { 0.0 };
        let own = 0.01 * noise((seed as u64).wrapping_mul(7).wrapping_add(depth as u64));
        run(experiment, &[("depth", depth), ("seed", seed)], Status::Finished)
            .with(|run| run.results = results(0.8 + gain + own))
    }

    /// Declares a race of the experiment.
    pub fn race(&self, experiment: &str) {
        let settings =
            [1, 2].map(|depth| self.run(experiment, depth, 0).header.trial.clone()).to_vec();
        let race = Race {
            rules: RaceRules::new(vec![3, 5], 0.95, None).unwrap(),
            replicate: "seed".into(),
            seeds: (0..5).map(Value::Integer).collect(),
            settings,
            changes: 0,
        };
        let declarations = Declarations { race: Some(race), ..Declarations::default() };
        Store::open(self.at()).unwrap().declare_metrics(experiment, &declarations).unwrap();
    }

    /// Exit code, verdict and standard error of `diff … --judge`.
    pub fn judge(&self, arguments: &[&str]) -> (i32, String, String) {
        let (code, out, error) = self.text(&[arguments, &["--format", "json"]].concat());
        let json: Json = serde_json::from_str(&out).unwrap_or_default();
        if code != 2 {
            assert_eq!(json["exit_code"], code, "{out}");
        }
        (code, json["verdict"].as_str().unwrap_or_default().to_owned(), error)
    }

    /// Exit code, standard output and standard error of `diff … --judge`.
    pub fn text(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome(self.at(), &[&["diff"], arguments, &["--judge"]].concat())
    }
}

pub const DEPTHS: [&str; 2] = ["sweep:depth=1", "sweep:depth=2"];

pub fn verdict(code: i32, verdict: &str) -> (i32, String, String) {
    (code, verdict.to_owned(), String::new())
}
