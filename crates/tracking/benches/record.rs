#![allow(clippy::expect_used, missing_docs)]
//! What it takes to record a run of five epochs and six metrics with its examples, committed, and to compare a store of a thousand.
//!
//! `cargo bench -p tracking`

use std::hint::black_box;
use std::time::SystemTime;

use criterion::{Criterion, criterion_group, criterion_main};
use tracking::{
    ConfusionCell, EpochMetrics, Examples, Experiment, Invocation, Mistake, Reader, Run, Status, Store, TrialId,
};

const METRICS: [&str; 6] = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"];

/// Ten classes, all mixed up, and pictures as long as those of handwritten digits.
fn examples() -> Examples {
    let cells = (0..10).flat_map(|label| (0..10).map(move |predicted| (label, predicted)));
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(380, 7);
    let mistake = |index| Mistake { index, label: 1, predicted: 7, probability: 0.9, picture: picture.clone() };
    Examples {
        classes: 10,
        rows: 28,
        columns: 28,
        confusion: cells.map(|(label, predicted)| ConfusionCell { label, predicted, count: 100 }).collect(),
        left_out: 0,
        mistakes: (0..12).map(mistake).collect(),
    }
}

fn run(seed: i64) -> Run {
    let epoch = |epoch: u32| EpochMetrics {
        epoch,
        step: u64::from(epoch) * 1_875,
        metrics: METRICS.map(|name| (name.to_owned(), 1.0 / f64::from(epoch))).to_vec(),
    };
    let results = ["train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"];
    Run {
        trial: TrialId::of(&[("seed", &seed.to_string())]),
        params: vec![("batch_size".into(), 32.into()), ("decay".into(), 0.001.into()), ("seed".into(), seed.into())],
        epochs: (1..=5).map(epoch).collect(),
        results: results.map(|name| (name.to_owned(), 0.5)).to_vec(),
        examples: Some(examples()),
        ..Run::new("bench", Status::Finished, SystemTime::now())
    }
}

fn record(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("folder");
    let mut store = Store::open(folder.path()).expect("store");
    let experiment = Experiment { name: "bench".into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).expect("invocation");
    let mut seed = 0;
    for _ in 0..1_000 {
        seed += 1;
        store.record(invocation, &run(seed)).expect("recorded");
    }
    criterion.bench_function("read a thousand runs", |bencher| {
        let reader = Reader::open(folder.path()).expect("reader");
        bencher.iter(|| black_box(reader.runs("bench").expect("runs")));
    });
    criterion.bench_function("record a run of 5 epochs and 6 metrics, and its examples", |bencher| {
        bencher.iter(|| {
            seed += 1;
            store.record(invocation, &run(seed)).expect("recorded")
        });
    });
}

criterion_group!(benches, record);
criterion_main!(benches);
