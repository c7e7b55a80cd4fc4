//! A store that was cut off or changed: an error or a warning, never a panic, never another table in silence.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::panic::catch_unwind;
use std::path::Path;
use std::time::SystemTime;

use tracking::{
    ConfusionCell, DATABASE, EpochMetrics, ErrorAnalysis, Experiment, Invocation, Mistake, Reader,
    Run, RunHeader, Status, Store, TrialId,
};

/// A linear congruence: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn examples() -> ErrorAnalysis {
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

fn filled(folder: &Path) {
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
            // The store has one zero, regardless of its sign.
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
            error_analysis: (seed % 2 == 0).then(examples),
            ..Run::new(header, SystemTime::UNIX_EPOCH)
        };
        store.record(invocation, &run).unwrap();
    }
}

/// What tables are made of: trials, their values, their last epochs; and whether it was said that something is wrong.
fn table(folder: &Path) -> Result<(Vec<String>, bool), String> {
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

/// Reads a store of these bytes: what it says is an error, a warning, or the truth.
fn check(folder: &Path, bytes: &[u8], truth: &[String], what: &str) -> bool {
    std::fs::write(folder.join(DATABASE), bytes).unwrap();
    let found = catch_unwind(|| table(folder)).unwrap_or_else(|_| panic!("{what}: a panic"));
    match found {
        Err(error) => {
            assert!(error.contains(DATABASE) || error.contains("no results"), "{what}: {error}")
        }
        Ok((_, true)) => {}
        Ok((rows, false)) => {
            assert_eq!(rows, truth, "{what}: another table, and nothing is said");
            return false;
        }
    }
    true
}

#[test]
fn a_changed_byte_is_never_another_table_in_silence() {
    let (whole, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(whole.path());
    let bytes = std::fs::read(whole.path().join(DATABASE)).unwrap();
    let (truth, damaged_from_the_first) = table(whole.path()).unwrap();
    assert_eq!((truth.len(), damaged_from_the_first), (30, false));
    let mut numbers = Numbers(1);
    let mut found = 0;
    for _ in 0..1_000 {
        let (place, bit) = (numbers.below(bytes.len()), numbers.below(255));
        let mut changed = bytes.clone();
        changed[place] ^= u8::try_from(bit + 1).unwrap();
        found += u32::from(check(damaged.path(), &changed, &truth, &format!("byte {place}")));
    }
    assert!(found > 100, "only {found} of 1,000 were even noticed");
}

#[test]
fn a_store_that_was_cut_off_is_said_to_be() {
    let (whole, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(whole.path());
    let bytes = std::fs::read(whole.path().join(DATABASE)).unwrap();
    let (truth, _) = table(whole.path()).unwrap();
    // Every prefix to the byte around the borders of pages, and some of the others; all of them with EVERY_PREFIX.
    let every = std::env::var_os("EVERY_PREFIX").is_some();
    let near = |length: usize| {
        !(3..=4_093).contains(&(length % 4_096)) || length.is_multiple_of(257) || length < 600
    };
    for length in (0..bytes.len()).filter(|length| every || near(*length)) {
        assert!(
            check(damaged.path(), &bytes[..length], &truth, &format!("{length} bytes")),
            "{length} bytes"
        );
    }
}

#[test]
fn a_damaged_store_is_opened_for_recording_without_a_panic() {
    let (whole, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(whole.path());
    let bytes = std::fs::read(whole.path().join(DATABASE)).unwrap();
    let mut numbers = Numbers(1);
    for _ in 0..200 {
        let mut changed = bytes.clone();
        let place = numbers.below(bytes.len());
        changed[place] ^= 0xff;
        if numbers.below(2) == 0 {
            changed.truncate(place);
        }
        std::fs::write(damaged.path().join(DATABASE), &changed).unwrap();
        let opened = catch_unwind(|| {
            Store::open(damaged.path()).and_then(|store| store.completed_trials("wine"))
        });
        let opened = opened.unwrap_or_else(|_| panic!("byte {place}: a panic"));
        if let Ok(done) = opened {
            assert!(done.len() <= 30);
        }
        for file in std::fs::read_dir(damaged.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}
