#![allow(clippy::expect_used, missing_docs)]
//! Benchmarks of the store with runs of five epochs and six metrics: recording a run with its error
//! analysis, reading a thousand runs, and logging from a training loop on one and on four threads.
//!
//! `cargo bench -p tracking`

use std::hint::black_box;
use std::time::{Instant, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use tracking::{
    ConfusionCell, EpochMetrics, ErrorAnalysis, Experiment, Invocation, Mistake, Reader, Run,
    RunHeader, Status, Store, TrialId,
};

const METRICS: [&str; 6] =
    ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"];

/// An error analysis with all confusion cells of ten classes and pictures of the size of
/// handwritten digits.
fn error_analysis() -> ErrorAnalysis {
    let cells = (0..10).flat_map(|label| (0..10).map(move |predicted| (label, predicted)));
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(380, 7);
    let mistake = |index| Mistake {
        index,
        label: 1,
        predicted: 7,
        probability: 0.9,
        picture: picture.clone(),
    };
    ErrorAnalysis {
        classes: 10,
        rows: 28,
        columns: 28,
        confusion: cells
            .map(|(label, predicted)| ConfusionCell { label, predicted, count: 100 })
            .collect(),
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
    let header = RunHeader {
        trial: TrialId::of(&[("seed", &seed.to_string())]),
        ..RunHeader::new("bench", Status::Finished)
    };
    Run {
        params: vec![
            ("batch_size".into(), 32.into()),
            ("decay".into(), 0.001.into()),
            ("seed".into(), seed.into()),
        ],
        epochs: (1..=5).map(epoch).collect(),
        results: results.map(|name| (name.to_owned(), 0.5)).to_vec(),
        error_analysis: Some(error_analysis()),
        ..Run::new(header, SystemTime::now())
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
    criterion.bench_function(
        "record a run of 5 epochs and 6 metrics with its error analysis",
        |bencher| {
            bencher.iter(|| {
                seed += 1;
                store.record(invocation, &run(seed)).expect("recorded")
            });
        },
    );
}

/// Logs runs of five epochs and six metrics. Returns after their ends are committed.
fn log(store: &Store, thread: u32, runs: u64) {
    for number in 0..runs {
        let number = i64::try_from(number).expect("a number");
        let params = [
            ("batch_size", 32.into()),
            ("decay", 0.001.into()),
            ("thread", thread.into()),
            ("seed", number.into()),
        ];
        let run = store.start_run("bench", &params).expect("started");
        for epoch in 1..=5 {
            run.log(epoch, &METRICS.map(|name| (name, 1.0 / f64::from(epoch)))).expect("logged");
        }
        run.finish(&[("train_loss", 0.5), ("test_loss", 0.5), ("test_accuracy", 0.5)])
            .expect("finished");
    }
}

fn live(criterion: &mut Criterion) {
    for threads in [1, 4] {
        let name = format!("log a run of 5 epochs and 6 metrics, {threads} at a time");
        criterion.bench_function(&name, |bencher| {
            let folder = tempfile::tempdir().expect("folder");
            let store = Store::open(folder.path()).expect("store");
            bencher.iter_custom(|runs| {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for thread in 0..threads {
                        let share = runs / u64::from(threads)
                            + u64::from(u64::from(thread) < runs % u64::from(threads));
                        let store = &store;
                        scope.spawn(move || log(store, thread, share));
                    }
                });
                start.elapsed()
            });
        });
    }
}

criterion_group!(benches, record, live);
criterion_main!(benches);
