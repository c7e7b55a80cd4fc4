//! A small experiment named `wine`.

use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tracking::{
    ConfusionCell, EpochMetrics, ErrorAnalysis, Experiment, Invocation, InvocationId, Mistake,
    PlannedWork, Run, RunHeader, Status, Store, TrialId,
};

/// An invocation with a value in every field.
pub fn invocation() -> Invocation {
    Invocation {
        program_version: "0.1.0".into(),
        git_commit: Some("c0ffee".into()),
        git_dirty: Some(true),
        candle_version: None,
        cpu: "a processor".into(),
        instruction_set: "avx2".into(),
        os: "linux".into(),
        jobs: 2,
        command_line: "runner wine.toml".into(),
        experiment_file: Some("name = \"wine\"\n".into()),
        process: tracking::Process { host: "here".into(), pid: 42, ..Default::default() },
        plan_sha256: Some("feed".into()),
        shard: Some(tracking::Shard { index: 1, count: 4 }),
        work: Some(PlannedWork { trials: 9, to_run: 6, steps: 6_000 }),
    }
}

/// Opens a new store with the experiment `wine`.
pub fn opened() -> (TempDir, Store, InvocationId) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let id = store.begin(&experiment, &invocation()).unwrap();
    (folder, store, id)
}

/// A fixed time plus `millis`. The store has a resolution of one millisecond.
fn time(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis)
}

/// An error analysis with two classes and three mistakes.
pub fn error_analysis() -> ErrorAnalysis {
    let cell = |label, predicted, count| ConfusionCell { label, predicted, count };
    let mistake = |index, probability| Mistake {
        index,
        label: 1,
        predicted: 0,
        probability,
        picture: b"\x89PNG\r\n\x1a\n and so on".to_vec(),
    };
    ErrorAnalysis {
        classes: 2,
        rows: 3,
        columns: 5,
        confusion: vec![cell(0, 0, 40), cell(1, 0, 3), cell(1, 1, 57)],
        left_out: 0,
        mistakes: vec![mistake(7, 0.9), mistake(12, 0.6), mistake(90, 0.6)],
    }
}

/// A finished run of `wine` with a value in every field.
pub fn run(seed: i64) -> Run {
    let epoch = |epoch: u32| EpochMetrics {
        epoch,
        step: u64::from(epoch) * 100,
        metrics: ["accuracy", "learning_rate", "loss", "seconds", "val_accuracy", "val_loss"]
            .map(|name| (name.to_owned(), 1.0 / f64::from(epoch)))
            .to_vec(),
    };
    let header = RunHeader {
        trial: TrialId::of(&[("seed", &seed.to_string())]),
        dataset: "mnist".into(),
        dataset_sha256: "abc".into(),
        dataset_path: Some("/data".into()),
        fallback_for: Some("kmnist".into()),
        validation: "0.1".into(),
        engine: "autograd".into(),
        ..RunHeader::new("wine", Status::Finished)
    };
    Run {
        ended_at: time(1500),
        params: vec![
            ("seed".into(), seed.into()),
            ("rate".into(), 1e-7.into()),
            ("init".into(), "zeros".into()),
        ],
        epochs: (1..=5).map(epoch).collect(),
        results: vec![("test_accuracy".into(), 0.9), ("test_loss".into(), 0.1 + 0.2)],
        error_analysis: Some(error_analysis()),
        ..Run::new(header, time(0))
    }
}
