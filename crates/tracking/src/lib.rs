//! The record of experiments: its words, and the store that keeps it.
//!
//! Any training loop can keep its record here; nothing in this crate knows what is trained. Whatever is recorded, the command
//! `report` compares: settings beside each other, and whether their difference is real.
//!
//! # A run
//!
//! A run has hyperparameters, logs metrics epoch by epoch, and ends with its final ones:
//!
//! ```
//! use tracking::Store;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let results = folder.path();
//! let store = Store::open(results)?; // a folder, such as "results"
//!
//! let run = store.start_run("wine", &[("depth", 3.into()), ("rate", 0.1.into()), ("seed", 0.into())])?;
//! for epoch in 1..=5 {
//!     let loss = 1.0 / f64::from(epoch); // here would be the training
//!     run.log(epoch, &[("loss", loss), ("val_accuracy", 1.0 - loss / 3.0)])?;
//! }
//! run.finish(&[("test_accuracy", 0.9)])?;
//! # Ok(())
//! # }
//! ```
//!
//! That is all. [`LiveRun::log`] does not wait for the disk: a thread of the store records what all runs of the process log, within a
//! tenth of a second, and many together, so that a run of five epochs costs less than a millisecond.
//!
//! # Metrics
//!
//! A metric can have any name, with or without a split (`train`, `val`, `test`). `report` knows the
//! direction of common metrics: lower is better for `val_loss`, `wer` and `rmse`; higher is better
//! for `val/acc`, `f1` and `bleu`. [`Store::declare_metric`] declares the direction of any other
//! metric.
//!
//! By default, `report` ranks settings by a test metric. It ranks by a validation metric if
//! [`NewRun::validation`] holds out examples. An accuracy takes precedence over a loss.
//! [`Store::declare_metrics`] declares another ranking metric.
//!
//! An accuracy is a fraction from 0 to 1, which `report` shows in percent. An accuracy that is
//! logged in percent, from 0 to 100, appears unchanged.
//!
//! The value of a metric is the one given to [`LiveRun::finish`], or else the last logged one.
//! Values that are not finite are not recorded. A run without a finite value has no value of that
//! metric, and `report` shows the number of such runs.
//!
//! ```
//! # use tracking::{Declarations, Direction, Store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path())?;
//! store.declare_metric("speech", "babble", Direction::Minimize)?; // also val_babble and test_babble
//! store.declare_metrics("wine", &Declarations { rank: Some("val_f1".into()), ..Declarations::default() })?;
//! # Ok(())
//! # }
//! ```
//!
//! # A sweep
//!
//! A store may be shared by threads, and a folder by programs. What is compared are trials: points of the sweep, each known by its
//! hyperparameters. Runs that differ only in `seed` (or `random_state`, `random_seed`, `fold`,
//! `replicate`) repeat one setting. `report` compares settings seed by seed, so use the same seeds
//! for all settings.
//!
//! ```
//! # use tracking::{Reader, Store, StoreError};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let results = folder.path();
//! let store = Store::open(results)?;
//! let train = &|depth: u32, seed: u32| -> Result<(), StoreError> {
//!     let run = store.start_run("wine", &[("depth", depth.into()), ("seed", seed.into())])?;
//!     run.log(1, &[("loss", 1.0 / f64::from(depth))])?;
//!     run.finish(&[("test_accuracy", 0.9 + 0.01 * f64::from(depth) - 0.001 * f64::from(seed))])
//! };
//! std::thread::scope(|scope| {
//!     let threads = [1, 2, 4].map(|depth| scope.spawn(move || (0..3).try_for_each(|seed| train(depth, seed))));
//!     threads.into_iter().try_for_each(|thread| thread.join().expect("a thread that trains"))
//! })?;
//! store.export_csv("wine")?; // wine/runs.csv and wine/epochs.csv, for spreadsheets
//!
//! let reader = Reader::open(results)?;
//! let runs = reader.runs("wine")?;
//! assert_eq!(runs.len(), 9);
//! assert!(runs.iter().all(|run| run.result("test_accuracy").is_some() && run.param("depth").is_some()));
//! # Ok(())
//! # }
//! ```
//!
//! # When it does not go well
//!
//! A run that cannot go on [fails](LiveRun::fail), one whose loss is not finite any more [diverges](LiveRun::diverge). One that is
//! dropped on the way, because of `?` or a panic, is killed; so is one whose process is gone, however it went. What it logged stays.
//!
//! ```
//! # use tracking::{Reader, Status, Store, StoreError};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path())?;
//! store.start_run("wine", &[("depth", 64.into())])?.fail("out of memory")?;
//! store.start_run("wine", &[("rate", 1e9.into())])?.diverge()?;
//!
//! let run = store.start_run("wine", &[("depth", 2.into())])?;
//! run.log(1, &[("loss", f64::NAN), ("accuracy", 0.5)])?; // what is not finite is not recorded
//! drop(run);
//!
//! // A trial can run again, as a new run. Reports use its newest run with a result.
//! let run = store.start_run("wine", &[("depth", 2.into())])?;
//! // But not while it runs, here or in another program.
//! let twice = store.start_run("wine", &[("depth", 2.into())]);
//! assert!(matches!(twice, Err(StoreError::Running { .. })));
//! run.finish(&[("test_accuracy", 0.8)])?;
//!
//! let all = Reader::open(folder.path())?.all_runs("wine")?;
//! let ends: Vec<Status> = all.iter().map(|run| run.status).collect();
//! assert_eq!(ends, [Status::Failed, Status::Diverged, Status::Killed, Status::Finished]);
//! # Ok(())
//! # }
//! ```
//!
//! # Where it comes from
//!
//! Every run knows which program made it, by which command, on which machine. [`Store::declare`] tells the program's version and
//! what the experiment is about. [`Store::new_run`] records the dataset of a run, its split sizes
//! and its validation.
//!
//! ```
//! # use tracking::{Experiment, Reader, SplitSizes, Store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path())?;
//! let wine = Experiment { name: "wine".into(), description: "Does depth help?".into() };
//! store.declare(&wine, tracking::invocation!())?;
//!
//! let sizes = SplitSizes { train: Some(800), validation: Some(200), test: Some(500) };
//! let run = store.new_run("wine", &[("depth", 3.into())]).dataset("wine").validation("0.2").split_sizes(sizes).start()?;
//! run.log_at(1, 1_875, &[("val_accuracy", 0.8)])?; // after so many steps
//! run.finish(&[("test_accuracy", 0.9)])?;
//!
//! let reader = Reader::open(folder.path())?;
//! let made_by = reader.invocation(&reader.runs("wine")?[0])?;
//! assert!(made_by.program_version.starts_with("tracking "));
//! # Ok(())
//! # }
//! ```
//!
//! # A record that is there already
//!
//! What was measured elsewhere is recorded whole, with [`Store::begin`] and [`Store::record`]; a program that goes on with what was
//! killed keeps checkpoints, with [`WriteTransaction::claim`] and [`WriteTransaction::epochs`].
//!
//! ```
//! use std::time::SystemTime;
//! use tracking::{EpochMetrics, Experiment, Invocation, Reader, Run, RunHeader, Status, Store, TrialId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let results = folder.path();
//! let mut store = Store::open(results)?;
//! let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
//! let invocation = store.begin(&experiment, &Invocation::current())?;
//!
//! let header = RunHeader {
//!     trial: TrialId::of(&[("dataset", "wine"), ("depth", "3")]),
//!     dataset: "wine".into(),
//!     ..RunHeader::new("wine", Status::Finished)
//! };
//! let run = Run {
//!     params: vec![("depth".into(), 3.into())],
//!     epochs: vec![EpochMetrics { epoch: 1, step: 100, metrics: vec![("loss".into(), 0.5)] }],
//!     results: vec![("test_accuracy".into(), 0.9)],
//!     ..Run::new(header, SystemTime::now())
//! };
//! store.record(invocation, &run)?;
//!
//! let runs = Reader::open(results)?.runs("wine")?;
//! assert_eq!(runs[0].result("test_accuracy"), Some(0.9));
//! # Ok(())
//! # }
//! ```

pub mod atomic_file;
mod checksum;
mod columns;
mod csv_export;
mod declarations;
mod duration;
mod error;
mod error_analysis;
mod experiment_name;
mod ids;
mod invocation;
mod live_run;
mod printable;
mod process;
mod program;
mod record;
mod run;
mod status;
mod store;
mod value;

pub use columns::ColumnNames;
pub use csv_export::{HYPERPARAMETERS, RESULTS, escape_formula};
pub use declarations::{Declarations, Direction};
pub use duration::{about, seconds};
pub use error::{FindError, StoreError};
pub use error_analysis::{ConfusionCell, ErrorAnalysis, Mistake};
pub use experiment_name::{ExperimentName, InvalidExperimentName};
pub use ids::{IdPrefix, RunId, TrialId, csv_id};
pub use invocation::{Experiment, Interruption, Invocation, PlannedWork, Shard};
pub use live_run::{LiveRun, NewRun};
pub use printable::{printable, printable_json};
pub use process::{Liveness, Process};
pub use record::csv::{CsvFolder, DIGEST_FILE, read_csv};
pub use record::json::{JsonDocument, read_json};
pub use record::{Cell, Column, Digest, Kind, RecordError, Sink, TABLES, Table};
pub use run::{Checkpoint, EpochMetrics, Order, RecordedRun, Run, RunHeader, SplitSizes};
pub use status::Status;
pub use store::{
    ClaimOptions, ClaimOutcome, DATABASE, IntegrityIssue, InvocationId, LastValues, MergeReport,
    Progress, Queries, Reader, ResumePoint, Store, WriteTransaction, timestamp,
};
pub use value::Value;
