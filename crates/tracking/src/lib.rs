//! Experiment tracking: records the runs of any training loop in one SQLite database.
//!
//! This crate does not train and does not evaluate. The command `report` compares the recorded
//! runs, and states which differences between settings are significant.
//!
//! # Terms
//!
//! An *experiment* has a name and contains trials. A *trial* is one combination of hyperparameters,
//! such as depth 3 with seed 0. A *run* is one execution of a trial. A *setting* consists of the
//! trials that differ only in their seed.
//!
//! # Record a run
//!
//! A run has hyperparameters. It logs metrics after each epoch, and ends with its final metrics:
//!
//! ```
//! use tracking::Store;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let results = folder.path();
//! let store = Store::open(results)?; // a folder, such as "results"
//!
//! let params = [("depth", 3.into()), ("rate", 0.1.into()), ("seed", 0.into())];
//! let run = store.start_run("wine", &params)?;
//! for epoch in 1..=5 {
//!     let loss = 1.0 / f64::from(epoch); // train here
//!     run.log(epoch, &[("loss", loss), ("val_accuracy", 1.0 - loss / 3.0)])?;
//! }
//! run.finish(&[("test_accuracy", 0.9)])?;
//! # Ok(())
//! # }
//! ```
//!
//! [`LiveRun::log`] does not wait for the disk. A background thread records the metrics of all runs
//! of the process within 0.1 s. A run of five epochs adds less than a millisecond to its training.
//!
//! # Metrics
//!
//! A metric can have any name, with or without a split (`train`, `val`, `test`). The module
//! [`metric`] knows the direction of common metrics: lower is better for `val_loss`, `wer` and
//! `rmse`; higher is better for `val/acc`, `f1` and `bleu`. [`Store::declare_metric`] declares the
//! direction of any other metric.
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
//! // For `babble`, `val_babble` and `test_babble`:
//! store.declare_metric("speech", "babble", Direction::Minimize)?;
//! let ranking = Declarations { rank: Some("val_f1".into()), ..Declarations::default() };
//! store.declare_metrics("wine", &ranking)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Run a sweep
//!
//! Threads can share a store, and programs can share a results folder. A trial runs once at a time:
//! starting it again while it runs is an error.
//!
//! Runs that differ only in `seed` (or `random_state`, `random_seed`, `fold`, `replicate`) repeat
//! one setting. `report` compares settings seed by seed, so use the same seeds for all settings.
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
//!     let train_seeds = |depth| (0..3).try_for_each(|seed| train(depth, seed));
//!     let threads = [1, 2, 4].map(|depth| scope.spawn(move || train_seeds(depth)));
//!     threads.into_iter().try_for_each(|thread| thread.join().expect("training does not panic"))
//! })?;
//! store.export_csv("wine")?; // wine/runs.csv and wine/epochs.csv, for spreadsheets
//!
//! let reader = Reader::open(results)?;
//! let runs = reader.runs("wine")?;
//! assert_eq!(runs.len(), 9);
//! assert!(runs.iter().all(|run| run.result("test_accuracy").is_some()));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Reader`] opens a store for reading only. [`Queries`] lists the methods that it shares with
//! [`Store`].
//!
//! # Failed and interrupted runs
//!
//! A run that cannot continue ends with [`LiveRun::fail`]. A run whose loss is no longer finite
//! ends with [`LiveRun::diverge`]. A run that is dropped, because of `?` or a panic, is killed. A
//! run is also killed if its process ends without notice, for example in a power failure. All
//! logged metrics stay in the store.
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
//! run.log(1, &[("loss", f64::NAN), ("accuracy", 0.5)])?; // the loss is not recorded
//! drop(run);
//!
//! // A trial can run again, as a new run. Reports use its newest run with a result.
//! let run = store.start_run("wine", &[("depth", 2.into())])?;
//! // It cannot run twice at the same time, here or in another program.
//! let twice = store.start_run("wine", &[("depth", 2.into())]);
//! assert!(matches!(twice, Err(StoreError::Running { .. })));
//! run.finish(&[("test_accuracy", 0.8)])?;
//!
//! let all = Reader::open(folder.path())?.all_runs("wine")?;
//! let statuses: Vec<Status> = all.iter().map(|run| run.status).collect();
//! assert_eq!(statuses, [Status::Failed, Status::Diverged, Status::Killed, Status::Finished]);
//! # Ok(())
//! # }
//! ```
//!
//! # Provenance
//!
//! Each run records its program, command line and machine. [`Store::declare`] adds the version of
//! the program and the description of the experiment. [`Store::new_run`] records the dataset of a
//! run, its split sizes and its validation.
//!
//! ```
//! # use tracking::{Experiment, Reader, SplitSizes, Store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path())?;
//! let wine = Experiment { name: "wine".into(), description: "Does depth help?".into() };
//! store.declare(&wine, tracking::invocation!())?;
//!
//! let run = store
//!     .new_run("wine", &[("depth", 3.into())])
//!     .dataset("wine")
//!     .validation("0.2") // the fraction of the training set that is held out
//!     .split_sizes(SplitSizes { train: Some(800), validation: Some(200), test: Some(500) })
//!     .start()?;
//! run.log_at(1, 1_875, &[("val_accuracy", 0.8)])?; // epoch 1, after 1,875 weight updates
//! run.finish(&[("test_accuracy", 0.9)])?;
//!
//! let reader = Reader::open(folder.path())?;
//! let invocation = reader.invocation(&reader.runs("wine")?[0])?;
//! assert!(invocation.program_version.starts_with("tracking "));
//! # Ok(())
//! # }
//! ```
//!
//! # Record complete runs
//!
//! [`Store::record`] records a run that has ended, such as one that another tool measured.
//!
//! ```
//! use std::time::SystemTime;
//! use tracking::{EpochMetrics, Experiment, Invocation, Reader, Run, RunHeader};
//! use tracking::{Status, Store, TrialId};
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
//!
//! # Resume interrupted runs
//!
//! A program that resumes training uses a [`WriteTransaction`]. [`WriteTransaction::claim`] starts
//! a run, or returns the [`ResumePoint`] of an interrupted one. [`WriteTransaction::record_epochs`]
//! records epochs with a [`Checkpoint`], and [`WriteTransaction::end_run`] ends the run.

pub mod atomic_file;
mod checksum;
mod columns;
mod csv_export;
mod declarations;
mod duration;
mod error;
mod error_analysis;
mod experiment_name;
pub mod filter;
mod ids;
mod invocation;
mod live_run;
pub mod metric;
mod printable;
mod process;
mod program;
pub mod program_files;
mod race;
mod record;
mod recorded_name;
mod run;
pub mod shell;
mod status;
mod store;
pub mod typed_name;
mod validation_set;
mod value;

pub use columns::ColumnNames;
pub use csv_export::{HYPERPARAMETERS, RESULTS, escape_formula};
pub use declarations::{Declarations, Direction, REPLICATES};
pub use duration::{about, seconds};
pub use error::{FindError, StoreError};
pub use error_analysis::{ConfusionCell, ErrorAnalysis, Mistake};
pub use experiment_name::{ExperimentName, InvalidExperimentName};
pub use ids::{IdPrefix, RunId, TrialId, csv_id};
pub use invocation::{Experiment, Interruption, Invocation, PlannedWork, Shard};
pub use live_run::{LiveRun, NewRun};
pub use printable::{printable, printable_json};
pub use process::{Liveness, Process};
pub use race::{InvalidRace, Race, RaceRules};
pub use record::csv::{CsvFolder, DIGEST_FILE, read_csv};
pub use record::json::{JsonDocument, read_json};
pub use record::{Cell, Column, Digest, Kind, RecordError, Sink, TABLES, Table};
pub use recorded_name::check_name;
pub use run::{
    Checkpoint, EpochMetrics, Order, RecordedRun, Run, RunHeader, SplitSizes, final_value,
};
pub use status::Status;
pub use store::merge::MergeReport;
pub use store::{
    ClaimOptions, ClaimOutcome, DATABASE, IntegrityIssue, InvocationId, LastValues, ProgramRuns,
    Progress, Queries, Reader, ResumePoint, RunIdentity, Store, WriteTransaction, timestamp,
};
pub use validation_set::ValidationSet;
pub use value::{Value, short_number};

// Compiles the training loop in the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
