//! Names of the tags that exports set in MLflow.

/// First part of the names of all tags that the export owns.
pub const TAG_PREFIX: &str = "candle_sweep.";
/// Tag with the id of the run in the store, by which later exports find the run.
pub const RUN_TAG: &str = "candle_sweep.run";
/// Tag of a run or experiment with the name of the experiment in the store.
pub const EXPERIMENT_TAG: &str = "candle_sweep.experiment";
/// Tag with the digest of a run. It is present only on a complete run.
pub const DIGEST_TAG: &str = "candle_sweep.digest";
