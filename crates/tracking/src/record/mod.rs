//! The record, table by table: one description, by which it is read from a store, written to files, read back and digested.

mod cell;
pub(crate) mod csv;
mod digest;
pub(crate) mod json;

use std::io;

use thiserror::Error;

use crate::StoreError;
pub use cell::{Cell, Kind};
pub use digest::Digest;
pub(crate) use digest::Digesting;

/// A table of the record: rows in an order that depends on what they say, never on where the store keeps them.
#[derive(Debug)]
pub struct Table {
    /// Its name, in the store and elsewhere.
    pub name: &'static str,
    /// Its columns. The first is the run's that a row belongs to, but for experiments and invocations, where it is their own name.
    pub columns: &'static [Column],
    /// How SQL orders its rows; else by all columns, the first last.
    pub(crate) order: Option<&'static str>,
    /// Whether every version exports the table. If false, an export of an earlier version may lack
    /// it.
    pub(crate) original: bool,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, in the store and elsewhere.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether a cell may be empty. A store of an earlier schema and an export of an earlier version may not even have the column.
    pub optional: bool,
}

const fn needed(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: false }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: true }
}

/// Every table, those first that others refer to. Not in the record is what follows from it: the order of runs (`runs.sequence`), which
/// is that of the rows, and their number (`experiments.runs`).
pub static TABLES: [Table; 11] = [
    Table {
        name: "experiments",
        columns: &[
            needed("name", Kind::Name),
            needed("description", Kind::Text),
            optional("checksum", Kind::Integer),
        ],
        order: Some("name"),
        original: true,
    },
    Table {
        name: "invocations",
        columns: &[
            needed("id", Kind::Invocation),
            needed("experiment", Kind::Text),
            needed("started_at", Kind::Text),
            needed("program_version", Kind::Text),
            optional("git_commit", Kind::Text),
            optional("git_dirty", Kind::Integer),
            optional("candle_version", Kind::Text),
            needed("cpu", Kind::Text),
            needed("instruction_set", Kind::Text),
            needed("host", Kind::Text),
            needed("os", Kind::Text),
            needed("jobs", Kind::Integer),
            needed("command_line", Kind::Text),
            optional("experiment_file", Kind::Text),
            needed("pid", Kind::Integer),
            optional("process_started", Kind::Integer),
            optional("boot_id", Kind::Text),
            optional("pid_namespace", Kind::Text),
            optional("plan_sha256", Kind::Text),
            optional("shard_index", Kind::Integer),
            optional("shard_count", Kind::Integer),
            optional("planned_trials", Kind::Integer),
            optional("trials_to_run", Kind::Integer),
            optional("steps_to_run", Kind::Integer),
        ],
        order: None,
        original: true,
    },
    Table {
        name: "runs",
        columns: &[
            needed("id", Kind::Id),
            needed("experiment", Kind::Text),
            needed("trial_id", Kind::Id),
            needed("status", Kind::Text),
            needed("dataset", Kind::Text),
            needed("dataset_sha256", Kind::Text),
            optional("dataset_path", Kind::Text),
            optional("fallback_for", Kind::Text),
            needed("validation", Kind::Text),
            needed("engine", Kind::Text),
            needed("device", Kind::Text),
            needed("started_at", Kind::Text),
            optional("ended_at", Kind::Text),
            optional("error", Kind::Text),
            needed("invocation", Kind::Invocation),
            optional("shared_from", Kind::Id),
            optional("last_epoch", Kind::Integer),
            optional("metric_count", Kind::Integer),
            optional("checksum", Kind::Integer),
            optional("examples_checksum", Kind::Integer),
            optional("ordered_at", Kind::Integer),
            optional("train_examples", Kind::Integer),
            optional("validation_examples", Kind::Integer),
            optional("test_examples", Kind::Integer),
        ],
        // Runs of earlier schemas have no `ordered_at`. If such runs of one trial began at the same
        // time, `sequence` gives the order in which they entered the store.
        order: Some("experiment, started_at, trial_id, ordered_at, sequence"),
        original: true,
    },
    Table {
        name: "params",
        columns: &[
            needed("run_id", Kind::Id),
            needed("name", Kind::Text),
            needed("type", Kind::Type),
            needed("value", Kind::Any),
            needed("position", Kind::Integer),
        ],
        order: Some("run_id, name"),
        original: true,
    },
    Table {
        name: "metrics",
        columns: &[
            needed("run_id", Kind::Id),
            needed("epoch", Kind::Integer),
            needed("step", Kind::Integer),
            needed("name", Kind::Text),
            needed("value", Kind::Real),
            optional("checksum", Kind::Integer),
        ],
        order: Some("run_id, epoch, name"),
        original: true,
    },
    Table {
        name: "results",
        columns: &[
            needed("run_id", Kind::Id),
            needed("name", Kind::Text),
            needed("value", Kind::Real),
        ],
        order: Some("run_id, name"),
        original: true,
    },
    Table {
        name: "resumptions",
        columns: &[
            needed("run_id", Kind::Id),
            needed("epoch", Kind::Integer),
            needed("invocation", Kind::Invocation),
            needed("at", Kind::Text),
        ],
        order: Some("run_id, rowid"),
        original: true,
    },
    Table {
        name: "checkpoints",
        columns: &[
            needed("run_id", Kind::Id),
            needed("epoch", Kind::Integer),
            needed("seconds", Kind::Real),
            needed("model", Kind::Blob),
            needed("checksum", Kind::Integer),
        ],
        order: Some("run_id"),
        original: true,
    },
    Table {
        name: "examples",
        columns: &[
            needed("run_id", Kind::Id),
            needed("classes", Kind::Integer),
            needed("rows", Kind::Integer),
            needed("columns", Kind::Integer),
            needed("confusion", Kind::Text),
            needed("left_out", Kind::Integer),
        ],
        order: Some("run_id"),
        original: true,
    },
    Table {
        name: "mistakes",
        columns: &[
            needed("run_id", Kind::Id),
            needed("rank", Kind::Integer),
            needed("example", Kind::Integer),
            needed("label", Kind::Integer),
            needed("predicted", Kind::Integer),
            needed("probability", Kind::Real),
            needed("picture", Kind::Blob),
        ],
        order: Some("run_id, rank"),
        original: true,
    },
    Table {
        name: "declarations",
        columns: &[
            needed("experiment", Kind::Name),
            needed("role", Kind::Text),
            needed("name", Kind::Text),
        ],
        order: Some("experiment, role, name"),
        original: false,
    },
];

/// Where the rows of a record go, one by one: a file, a store.
pub trait Sink {
    /// The rows that follow are of this table. Every table is begun once, be it empty.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError>;

    /// A row, with a cell a column.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError>;
}

/// For who wants the digest alone.
impl Sink for () {
    fn begin(&mut self, _: &'static Table) -> Result<(), RecordError> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> Result<(), RecordError> {
        Ok(())
    }
}

/// Why a record cannot be handed on.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file refuses.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    /// What is read is no export of a record.
    #[error("{place}: {reason}")]
    Input {
        /// File and line.
        place: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A row is none of this table.
    #[error("{0}")]
    Row(String),
    /// What was read is another record than what was written.
    #[error(
        "what is read is not all that was exported, or not as it was: its digest is {found}, and {expected} was exported"
    )]
    Differs {
        /// What the export says.
        expected: Digest,
        /// What its rows come to.
        found: Digest,
    },
}

impl RecordError {
    /// Says where a row is that is none.
    fn at(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Row(reason) => Self::Input { place: place(), reason },
            error => error,
        }
    }
}
