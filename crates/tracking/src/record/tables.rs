//! The tables of the record and their columns.

use super::cell::Kind;

/// A table of the record. The order of its rows depends on their values only, never on their
/// position in the database file.
#[derive(Debug)]
pub struct Table {
    /// The name, in the store and in exports.
    pub name: &'static str,
    /// The columns. The first column identifies the run or experiment that a row belongs to; in
    /// `experiments`, `invocations` and `runs` it identifies the row itself.
    pub columns: &'static [Column],
    /// The `ORDER BY` terms. `None` orders by all columns except the first, then by the first.
    pub(crate) order: Option<&'static str>,
    /// Whether exports of all versions have the table. If not, an import accepts its absence.
    pub(crate) original: bool,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name, in the store and in exports.
    pub name: &'static str,
    /// The kind of value in its cells.
    pub kind: Kind,
    /// Whether a cell may be empty. Stores of earlier schemas and exports of earlier versions may
    /// lack an optional column.
    pub optional: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: false }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: true }
}

/// All tables. A table comes after the tables that it refers to.
///
/// Two columns of the store are not part of the record, because they follow from it: the order of
/// runs (`runs.sequence`) is the order of the rows, and `experiments.runs` is their number.
pub static TABLES: [Table; 11] = [
    Table {
        name: "experiments",
        columns: &[
            required("name", Kind::Name),
            required("description", Kind::Text),
            optional("checksum", Kind::Integer),
        ],
        order: Some("name"),
        original: true,
    },
    Table {
        name: "invocations",
        columns: &[
            required("id", Kind::Invocation),
            required("experiment", Kind::Text),
            required("started_at", Kind::Text),
            required("program_version", Kind::Text),
            optional("git_commit", Kind::Text),
            optional("git_dirty", Kind::Integer),
            optional("candle_version", Kind::Text),
            required("cpu", Kind::Text),
            required("instruction_set", Kind::Text),
            required("host", Kind::Text),
            required("os", Kind::Text),
            required("jobs", Kind::Integer),
            required("command_line", Kind::Text),
            optional("experiment_file", Kind::Text),
            required("pid", Kind::Integer),
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
            required("id", Kind::Id),
            required("experiment", Kind::Text),
            required("trial_id", Kind::Id),
            required("status", Kind::Text),
            required("dataset", Kind::Text),
            required("dataset_sha256", Kind::Text),
            optional("dataset_path", Kind::Text),
            optional("fallback_for", Kind::Text),
            required("validation", Kind::Text),
            required("engine", Kind::Text),
            required("device", Kind::Text),
            required("started_at", Kind::Text),
            optional("ended_at", Kind::Text),
            optional("error", Kind::Text),
            required("invocation", Kind::Invocation),
            optional("shared_from", Kind::Id),
            optional("last_epoch", Kind::Integer),
            optional("metric_count", Kind::Integer),
            optional("checksum", Kind::Integer),
            optional("examples_checksum", Kind::Integer),
            optional("ordered_at", Kind::Integer),
            optional("train_examples", Kind::Integer),
            optional("validation_examples", Kind::Integer),
            optional("test_examples", Kind::Integer),
            optional("program_sha256", Kind::Text),
        ],
        // Runs of earlier schemas have no `ordered_at`. If such runs of one trial began at the same
        // time, `sequence` gives the order in which they entered the store.
        order: Some("experiment, started_at, trial_id, ordered_at, sequence"),
        original: true,
    },
    Table {
        name: "params",
        columns: &[
            required("run_id", Kind::Id),
            required("name", Kind::Text),
            required("type", Kind::Type),
            required("value", Kind::Any),
            required("position", Kind::Integer),
        ],
        order: Some("run_id, name"),
        original: true,
    },
    Table {
        name: "metrics",
        columns: &[
            required("run_id", Kind::Id),
            required("epoch", Kind::Integer),
            required("step", Kind::Integer),
            required("name", Kind::Text),
            required("value", Kind::Real),
            optional("checksum", Kind::Integer),
        ],
        order: Some("run_id, epoch, name"),
        original: true,
    },
    Table {
        name: "results",
        columns: &[
            required("run_id", Kind::Id),
            required("name", Kind::Text),
            required("value", Kind::Real),
        ],
        order: Some("run_id, name"),
        original: true,
    },
    Table {
        name: "resumptions",
        columns: &[
            required("run_id", Kind::Id),
            required("epoch", Kind::Integer),
            required("invocation", Kind::Invocation),
            required("at", Kind::Text),
        ],
        order: Some("run_id, rowid"),
        original: true,
    },
    Table {
        name: "checkpoints",
        columns: &[
            required("run_id", Kind::Id),
            required("epoch", Kind::Integer),
            required("seconds", Kind::Real),
            required("model", Kind::Blob),
            required("checksum", Kind::Integer),
        ],
        order: Some("run_id"),
        original: true,
    },
    Table {
        name: "examples",
        columns: &[
            required("run_id", Kind::Id),
            required("classes", Kind::Integer),
            required("rows", Kind::Integer),
            required("columns", Kind::Integer),
            required("confusion", Kind::Text),
            required("left_out", Kind::Integer),
        ],
        order: Some("run_id"),
        original: true,
    },
    Table {
        name: "mistakes",
        columns: &[
            required("run_id", Kind::Id),
            required("rank", Kind::Integer),
            required("example", Kind::Integer),
            required("label", Kind::Integer),
            required("predicted", Kind::Integer),
            required("probability", Kind::Real),
            required("picture", Kind::Blob),
        ],
        order: Some("run_id, rank"),
        original: true,
    },
    Table {
        name: "declarations",
        columns: &[
            required("experiment", Kind::Name),
            required("role", Kind::Text),
            required("name", Kind::Text),
        ],
        order: Some("experiment, role, name"),
        original: false,
    },
];
