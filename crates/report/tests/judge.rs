//! `report diff --judge`: verdicts, exit codes and the commands that add seeds.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value as Json;
use stores::{noise, outcome};
use tempfile::TempDir;
use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

/// The metrics of a run: its accuracy, and a loss that follows it.
fn results(accuracy: f64) -> Vec<(String, f64)> {
    vec![("test_accuracy".into(), accuracy), ("test_loss".into(), 1.0 - accuracy)]
}

/// A run with these hyperparameters, before it has a result.
fn run(experiment: &str, params: &[(&str, i64)], status: Status) -> Run {
    let params: Vec<(String, Value)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let trial = TrialId::of(&[("params", &format!("{params:?}"))]);
    let header = RunHeader { trial, ..RunHeader::new(experiment, status) };
    Run { params, ..Run::new(header, SystemTime::UNIX_EPOCH) }
}

/// A results folder in which depth 2 is better than depth 1 by `gain` on each seed, with noise of
/// about 0.01.
struct Sweep {
    folder: TempDir,
    gain: f64,
    invocation: Invocation,
}

impl Sweep {
    fn new(gain: f64) -> Self {
        let invocation = Invocation {
            command_line: "runner sweep.toml -r old --rerun --set sweep.seed=[0,1]".into(),
            experiment_file: Some("name = \"sweep\"\n[sweep]\ndepth = [1, 2]\n".into()),
            ..Invocation::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), gain, invocation }
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn add(&self, experiment: &str, runs: &[Run]) {
        let mut store = Store::open(self.at()).unwrap();
        let experiment = Experiment { name: experiment.into(), description: String::new() };
        let invocation = store.begin(&experiment, &self.invocation).unwrap();
        for run in runs {
            store.record(invocation, run).unwrap();
        }
    }

    /// Records both depths on these seeds.
    fn seeds(self, experiment: &str, seeds: Range<i64>) -> Self {
        let runs = seeds.flat_map(|seed| [1, 2].map(|depth| self.run(experiment, depth, seed)));
        self.add(experiment, &runs.collect::<Vec<_>>());
        self
    }

    fn run(&self, experiment: &str, depth: i64, seed: i64) -> Run {
        let gain = if depth == 2 { self.gain } else { 0.0 };
        let own = 0.01 * noise(u64::try_from(7 * seed + depth).unwrap());
        run(experiment, &[("depth", depth), ("seed", seed)], Status::Finished)
            .with(|run| run.results = results(0.8 + gain + own))
    }

    /// Exit code, verdict and standard error of `diff … --judge`.
    fn judge(&self, arguments: &[&str]) -> (i32, String, String) {
        let (code, out, error) = self.text(&[arguments, &["--format", "json"]].concat());
        let json: Json = serde_json::from_str(&out).unwrap_or_default();
        if code != 2 {
            assert_eq!(json["exit_code"], code, "{out}");
        }
        (code, json["verdict"].as_str().unwrap_or_default().to_owned(), error)
    }

    /// Exit code, standard output and standard error of `diff … --judge`.
    fn text(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome(self.at(), &[&["diff"], arguments, &["--judge"]].concat())
    }
}

const DEPTHS: [&str; 2] = ["sweep:depth=1", "sweep:depth=2"];

fn verdict(code: i32, verdict: &str) -> (i32, String, String) {
    (code, verdict.to_owned(), String::new())
}

#[test]
fn exit_code_tells_the_verdict() {
    let better = Sweep::new(0.05).seeds("sweep", 0..8);
    let [worse_side, better_side] = DEPTHS;
    assert_eq!(better.judge(&[worse_side, better_side]), verdict(0, "better"));
    assert_eq!(better.judge(&[better_side, worse_side]), verdict(10, "worse"));
    let few = Sweep::new(0.0).seeds("sweep", 0..3);
    assert_eq!(few.judge(&DEPTHS), verdict(11, "undecided"));
}

#[test]
fn margin_separates_better_from_equivalent() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..12);
    let [left, right] = DEPTHS;
    for (left, right, margin, expected) in [
        (left, right, "0.02", verdict(0, "better")),
        (left, right, "0.048", verdict(11, "undecided")),
        (left, right, "0.2", verdict(10, "equivalent")),
        (right, left, "0.2", verdict(10, "equivalent")),
        (right, left, "0.02", verdict(10, "worse")),
        (right, left, "0.048", verdict(10, "not better")),
    ] {
        assert_eq!(sweep.judge(&[left, right, "--margin", margin]), expected, "{margin}");
    }
    let (code, _, error) = sweep.judge(&[left, right, "--margin", "-1"]);
    assert_eq!(code, 2, "{error}");
}

#[test]
fn lower_loss_is_better() {
    let sweep = Sweep::new(0.05).seeds("sweep", 0..8);
    let [left, right] = DEPTHS;
    let loss = ["--metric", "test loss"];
    assert_eq!(sweep.judge(&[&[left, right], &loss[..]].concat()), verdict(0, "better"));
    assert_eq!(sweep.judge(&[&[right, left], &loss[..]].concat()), verdict(10, "worse"));
}
