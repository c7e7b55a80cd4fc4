//! The record of experiments: its words, and the store that keeps it.
//!
//! Any training program can keep its record here; nothing in this crate knows what is trained.
//!
//! ```
//! use std::time::SystemTime;
//! use tracking::{EpochMetrics, Experiment, Invocation, Reader, Run, Status, Store, TrialId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let results = folder.path();
//! let mut store = Store::open(results)?;
//! let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
//! let invocation = store.begin(&experiment, &Invocation { jobs: 1, ..Invocation::default() })?;
//!
//! let started_at = SystemTime::now();
//! let epochs = (1..=3u32).map(|epoch| EpochMetrics {
//!     epoch,
//!     step: u64::from(epoch) * 100,
//!     metrics: vec![("loss".into(), 1.0 / f64::from(epoch))],
//! });
//! let run = Run {
//!     trial: TrialId::of(&[("dataset", "wine"), ("depth", "3")]),
//!     params: vec![("depth".into(), 3.into())],
//!     epochs: epochs.collect(),
//!     results: vec![("test_accuracy".into(), 0.9)],
//!     ..Run::new("wine", Status::Finished, started_at)
//! };
//! store.record(invocation, &run)?;
//! store.export_csv("wine")?;
//!
//! let runs = Reader::open(results)?.runs("wine")?;
//! assert_eq!(runs[0].result("test_accuracy"), Some(0.9));
//! # Ok(())
//! # }
//! ```

mod checksum;
mod csv_export;
mod duration;
mod error;
mod examples;
mod ids;
mod printable;
mod process;
mod run;
mod status;
mod store;
mod value;

pub use csv_export::{HYPERPARAMETERS, RESULTS, neutralised};
pub use duration::seconds;
pub use error::{FindError, StoreError};
pub use examples::{ConfusionCell, Examples, Mistake};
pub use ids::{RunId, TrialId};
pub use printable::printable;
pub use process::{Liveness, Process};
pub use run::{Checkpoint, EpochMetrics, Experiment, Interruption, Invocation, RecordedRun, Run, Shard};
pub use status::Status;
pub use store::live::{Claim, Recording, Resumption, Terms};
pub use store::merge::Absorbed;
pub use store::read::Reader;
pub use store::{DATABASE, Damage, InvocationId, Store, timestamp};
pub use value::Value;
