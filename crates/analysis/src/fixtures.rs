//! Recorded runs for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use tracking::{
    EpochMetrics, Experiment, Invocation, Reader, Run, RunHeader, Status, Store, TrialId, Value,
};

use crate::runs::{MeasuredRun, measured_at_end};

/// A finished run with these hyperparameters and this test accuracy.
pub fn run(params: &[(&str, Value)], accuracy: f64) -> Run {
    let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let header = RunHeader {
        dataset: "mnist".into(),
        dataset_sha256: "c0ffee00c0ffee00".into(),
        engine: "autograd".into(),
        ..RunHeader::new("sweep", Status::Finished)
    };
    let metrics = vec![("val_accuracy".to_owned(), accuracy - 0.01)];
    let run = Run {
        params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        epochs: vec![EpochMetrics { epoch: 1, step: 10, metrics }],
        results: vec![("test_accuracy".to_owned(), accuracy), ("seconds".to_owned(), 0.31)],
        ..Run::new(header, started_at)
    };
    run.with(|run| run.trial = trial(params))
}

/// The id of the trial with these hyperparameters.
pub fn trial(params: &[(&str, Value)]) -> TrialId {
    TrialId::of(&[("params", &format!("{params:?}"))])
}

/// Records `runs` and reads them again.
pub fn measured_runs(runs: &[Run]) -> Vec<MeasuredRun> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "sweep".into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for run in runs {
        store.record(invocation, run).unwrap();
    }
    let reader = Reader::open(folder.path()).unwrap();
    let recorded = reader.runs("sweep").unwrap();
    measured_at_end(&reader, recorded).unwrap()
}
