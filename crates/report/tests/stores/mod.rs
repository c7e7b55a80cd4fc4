//! Results folders for the tests.
#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses a part")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tracking::{
    Checkpoint, ClaimOptions, ClaimOutcome, ConfusionCell, EpochMetrics, ErrorAnalysis, Experiment,
    Invocation, InvocationId, Mistake, Run, RunHeader, RunId, Shard, Status, Store, TrialId, Value,
};

/// Runs `report` and returns its exit code, standard output and standard error.
pub fn outcome(results: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let command = command.env_remove("COLUMNS");
    let output = command.arg("--results").arg(results).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Records runs in a results folder.
pub struct Filling {
    pub folder: TempDir,
    store: Store,
    invocation: InvocationId,
}

impl Filling {
    pub fn new(experiment: &str, description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: experiment.into(), description: description.into() };
        let invocation = Invocation {
            jobs: 2,
            program_version: "0.1.0".into(),
            git_commit: Some("0123456789abcdef".into()),
            experiment_file: Some(format!("name = \"{}\"\n", experiment.name)),
            ..Invocation::default()
        };
        let invocation = store.begin(&experiment, &invocation).unwrap();
        Self { folder, store, invocation }
    }

    pub fn record(&mut self, run: &Run) -> RunId {
        self.store.record(self.invocation, run).unwrap()
    }
}

/// A pseudo-random number between −1 and 1 for `seed`.
pub fn noise(seed: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A finished run like one of softmax regression: the accuracy falls with batch size and decay, plus
/// noise.
pub fn plausible(experiment: &str, batch: i64, decay: f64, seed: i64) -> Run {
    let noise =
        0.0012 * noise(seed as u64) + 0.0008 * noise((batch * 31 + seed) as u64 ^ decay.to_bits());
    let accuracy = 0.93 - 0.004 * (batch as f64 / 16.0).log2() - 60.0 * decay.min(2e-4) + noise;
    let epochs = (1..=5u32).map(|epoch| {
        // For every third seed, the best epoch is not the last one.
        let overfit = if epoch == 5 && seed % 3 == 1 { 0.002 } else { 0.0 };
        let val_accuracy = accuracy - 0.05 / f64::from(epoch) + 0.01 - overfit;
        let metrics = [
            ("loss", 1.3 - val_accuracy),
            ("accuracy", val_accuracy - 0.01),
            ("val_loss", 1.25 - val_accuracy),
            ("val_accuracy", val_accuracy),
            ("seconds", 0.06),
        ];
        EpochMetrics {
            epoch,
            step: u64::from(epoch) * 100,
            metrics: metrics.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        }
    });
    let epochs: Vec<EpochMetrics> = epochs.collect();
    let last = epochs[4].metrics[3].1;
    let results = [
        ("train_loss", 1.2 - last),
        ("train_accuracy", last + 0.003),
        ("test_loss", 1.25 - last),
        ("test_accuracy", last),
        ("seconds", 0.25 + 2.0 / batch as f64),
    ];
    let trial = TrialId::of(&[
        ("batch", &batch.to_string()),
        ("decay", &decay.to_string()),
        ("seed", &seed.to_string()),
    ]);
    let header = RunHeader {
        trial,
        dataset: "mnist".into(),
        dataset_sha256: "c0ffee".into(),
        engine: "fused".into(),
        ..RunHeader::new(experiment, Status::Finished)
    };
    Run {
        params: vec![
            ("learning_rate".into(), Value::Real(0.01)),
            ("decay".into(), Value::Real(decay)),
            ("batch_size".into(), Value::Integer(batch)),
            ("seed".into(), Value::Integer(seed)),
        ],
        epochs,
        results: results.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..Run::new(header, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
    }
}

/// Records 63 runs: seven batch sizes, three decays, three seeds.
pub fn sixty_three() -> TempDir {
    let mut filling =
        Filling::new("batch_sweep", "How batch size and decay change softmax regression");
    for batch in [16, 32, 64, 100, 128, 256, 512] {
        for decay in [0.0, 1e-5, 1e-4] {
            for seed in 0..3 {
                filling.record(&plausible("batch_sweep", batch, decay, seed));
            }
        }
    }
    filling.folder
}

/// A text with characters that are special in some output format.
pub const SPECIAL_TEXT: &str = "=1+1, \"'\\N\\'\" {$x_y^z}~#%&\r\n\t\u{1b}[31m\u{202e}é数";

/// Records rows in every table of the store: hyperparameters of every kind, an error analysis, and an
/// interrupted run that was resumed.
pub fn everything() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let wine = Experiment { name: "wine".into(), description: SPECIAL_TEXT.into() };
    let invocation = Invocation {
        jobs: 2,
        git_dirty: Some(true),
        experiment_file: Some("name = \"wine\"\n".into()),
        plan_sha256: Some("c0ffee".into()),
        shard: Some(Shard { index: 0, count: 2 }),
        ..Invocation::default()
    };
    let first = store.begin(&wine, &invocation).unwrap();
    store.record(first, &run_with_all_values()).unwrap();
    let diverged = plausible("wine", 32, 0.0, 0).with(|run| run.status = Status::Diverged);
    store.record(first, &diverged).unwrap();
    interrupt(&mut store, first, &plausible("wine", 64, 0.0, 0));
    let second = store.begin(&wine, &invocation).unwrap();
    resume(&mut store, second, &plausible("wine", 64, 0.0, 0));
    let beer = Experiment { name: "beer".into(), description: String::new() };
    let other = store.begin(&beer, &Invocation::default()).unwrap();
    store.record(other, &plausible("beer", 16, 0.0, 1)).unwrap();
    folder
}

/// A run with hyperparameters of every kind and an error analysis.
fn run_with_all_values() -> Run {
    let integers = [i64::MIN, (1 << 53) + 1, 1].map(Value::from);
    let reals = [1.0, -0.0, 5e-324, f64::MAX].map(Value::from);
    let texts = ["1", "1.0", "", "NULL", SPECIAL_TEXT].map(Value::from);
    let values = [&integers[..], &reals, &texts].concat();
    let params = values.into_iter().enumerate().map(|(index, value)| (format!("p{index}"), value));
    let picture = b"\x89PNG\r\n\x1a\n\x00\xff\"".to_vec();
    let mistake = |index| Mistake {
        index,
        label: 0,
        predicted: 1,
        probability: 0.5,
        picture: picture.clone(),
    };
    let error_analysis = ErrorAnalysis {
        classes: 2,
        rows: 4,
        columns: 4,
        confusion: vec![ConfusionCell { label: 0, predicted: 1, count: 40 }],
        left_out: 0,
        mistakes: vec![mistake(1), mistake(2)],
    };
    plausible("wine", 16, 0.0, 0).with(|run| {
        run.error = Some(String::new());
        run.params = params.chain([("@special\n".to_owned(), SPECIAL_TEXT.into())]).collect();
        run.error_analysis = Some(error_analysis);
    })
}

/// The run before its first epoch.
fn started(run: &Run) -> Run {
    run.clone().with(|run| {
        run.status = Status::Running;
        run.results = Vec::new();
        run.epochs = Vec::new();
    })
}

/// Starts a run and records its first epoch.
fn interrupt(store: &mut Store, invocation: InvocationId, run: &Run) {
    let transaction = store.transaction().unwrap();
    let claim = transaction.claim(invocation, &started(run), ClaimOptions::default()).unwrap();
    let ClaimOutcome::Claimed(id, None) = claim else { unreachable!("{claim:?}") };
    let checkpoint = Checkpoint { epoch: 1, seconds: 0.1, model: vec![0, 1, 255] };
    transaction.record_epochs(&id, &run.epochs[..1], &checkpoint).unwrap();
    transaction.commit().unwrap();
}

/// Resumes an interrupted run and leaves it running.
fn resume(store: &mut Store, invocation: InvocationId, run: &Run) {
    let options = ClaimOptions { rerun: false, take_over: true };
    let transaction = store.transaction().unwrap();
    let claim = transaction.claim(invocation, &started(run), options).unwrap();
    assert!(matches!(claim, ClaimOutcome::Claimed(_, Some(_))), "{claim:?}");
    transaction.commit().unwrap();
}
