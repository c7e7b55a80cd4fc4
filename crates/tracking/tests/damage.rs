//! A truncated or changed store gives an error or a warning. It never causes a panic or silently
//! wrong values.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::panic::catch_unwind;
use std::path::Path;
use std::time::SystemTime;

use tracking::{
    ConfusionCell, DATABASE, EpochMetrics, ErrorAnalysis, Experiment, Invocation, Mistake, Reader,
    Run, RunHeader, Status, Store, TrialId,
};

/// A linear congruential generator, which gives the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn error_analysis() -> ErrorAnalysis {
    let picture = b"\x89PNG\r\n\x1a\n".repeat(4);
    let mistake = |index| Mistake {
        index,
        label: 0,
        predicted: 1,
        probability: 0.5,
        picture: picture.clone(),
    };
    ErrorAnalysis {
        classes: 2,
        rows: 4,
        columns: 4,
        confusion: vec![ConfusionCell { label: 0, predicted: 1, count: 40 }],
        left_out: 0,
        mistakes: (0..4).map(mistake).collect(),
    }
}

/// Creates a store with 30 runs.
fn fill(folder: &Path) {
    let mut store = Store::open(folder).unwrap();
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for seed in 0..30i64 {
        let epoch = |epoch: u32| EpochMetrics {
            epoch,
            step: u64::from(epoch) * 100,
            metrics: [("loss", 0.5), ("val_accuracy", -0.0), ("val_loss", 1.0 / f64::from(epoch))]
                .map(|(name, value)| (name.into(), value))
                .to_vec(),
        };
        let header = RunHeader {
            trial: TrialId::of(&[("seed", &seed.to_string())]),
            dataset: "mnist".into(),
            ..RunHeader::new("wine", Status::Finished)
        };
        let run = Run {
            // The store records -0.0 as 0.0.
            params: vec![
                ("seed".into(), seed.into()),
                ("rate".into(), 1e-7.into()),
                ("bias".into(), (-0.0).into()),
            ],
            epochs: (1..=4).map(epoch).collect(),
            results: vec![
                ("test_accuracy".into(), 0.9),
                ("test_loss".into(), 0.1 + 0.2),
                ("change".into(), -0.0),
            ],
            error_analysis: (seed % 2 == 0).then(error_analysis),
            ..Run::new(header, SystemTime::UNIX_EPOCH)
        };
        store.record(invocation, &run).unwrap();
    }
}

/// Reads all runs as text. Also returns whether the reader reported an issue.
fn read_runs(folder: &Path) -> Result<(Vec<String>, bool), String> {
    let read = || {
        let reader = Reader::open(folder)?;
        let mut rows = Vec::new();
        for experiment in reader.experiments()? {
            let runs = reader.runs(&experiment.name)?;
            let last = reader.last_values(&runs)?;
            for run in &runs {
                let (epochs, examples) = (reader.epochs(run)?, reader.error_analysis(run)?);
                rows.push(format!(
                    "{experiment:?} {:?} {:?} {:?} {:?} {epochs:?} {examples:?} {:?} {}",
                    run.trial,
                    run.params,
                    run.results,
                    last.get(&run.id),
                    run.dataset,
                    run.status
                ));
            }
        }
        Ok((rows, !reader.integrity_issues().is_empty()))
    };
    read().map_err(|error: tracking::StoreError| error.to_string())
}

/// Reads a store with these bytes. The result must be an error, a warning or the original runs.
/// Returns whether the damage was detected.
fn check(folder: &Path, bytes: &[u8], original: &[String], damage: &str) -> bool {
    std::fs::write(folder.join(DATABASE), bytes).unwrap();
    let found = catch_unwind(|| read_runs(folder)).unwrap_or_else(|_| panic!("{damage}: panic"));
    match found {
        Err(error) => {
            assert!(error.contains(DATABASE) || error.contains("no results"), "{damage}: {error}")
        }
        Ok((_, true)) => {}
        Ok((rows, false)) => {
            assert_eq!(rows, original, "{damage}: changed values without a warning");
            return false;
        }
    }
    true
}

#[test]
fn changed_byte_never_changes_values_silently() {
    let (intact, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(intact.path());
    let bytes = std::fs::read(intact.path().join(DATABASE)).unwrap();
    let (original, has_issues) = read_runs(intact.path()).unwrap();
    assert_eq!((original.len(), has_issues), (30, false));
    let mut numbers = Numbers(1);
    let mut detected = 0;
    for _ in 0..1_000 {
        let (position, bits) = (numbers.below(bytes.len()), numbers.below(255));
        let mut changed = bytes.clone();
        changed[position] ^= u8::try_from(bits + 1).unwrap();
        detected +=
            u32::from(check(damaged.path(), &changed, &original, &format!("byte {position}")));
    }
    assert!(detected > 100, "only {detected} of 1,000 changes were detected");
}

#[test]
fn truncated_store_is_reported() {
    let (intact, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(intact.path());
    let bytes = std::fs::read(intact.path().join(DATABASE)).unwrap();
    let (original, _) = read_runs(intact.path()).unwrap();
    // Tests every length near a page boundary and a sample of the others. The environment variable
    // EVERY_PREFIX tests all lengths.
    let every = std::env::var_os("EVERY_PREFIX").is_some();
    let near = |length: usize| {
        !(3..=4_093).contains(&(length % 4_096)) || length.is_multiple_of(257) || length < 600
    };
    for length in (0..bytes.len()).filter(|length| every || near(*length)) {
        assert!(
            check(damaged.path(), &bytes[..length], &original, &format!("{length} bytes")),
            "{length} bytes"
        );
    }
}

#[test]
fn opening_a_damaged_store_does_not_panic() {
    let (intact, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(intact.path());
    let bytes = std::fs::read(intact.path().join(DATABASE)).unwrap();
    let mut numbers = Numbers(1);
    for _ in 0..200 {
        let mut changed = bytes.clone();
        let position = numbers.below(bytes.len());
        changed[position] ^= 0xff;
        if numbers.below(2) == 0 {
            changed.truncate(position);
        }
        std::fs::write(damaged.path().join(DATABASE), &changed).unwrap();
        let opened = catch_unwind(|| {
            Store::open(damaged.path()).and_then(|store| store.completed_trials("wine"))
        });
        let opened = opened.unwrap_or_else(|_| panic!("byte {position}: panic"));
        if let Ok(completed) = opened {
            assert!(completed.len() <= 30);
        }
        for file in std::fs::read_dir(damaged.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}
