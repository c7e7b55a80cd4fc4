//! A recorded run to verify.

use model::EngineKind;
use tracking::{Invocation, RecordedRun};

use crate::cmd::differences::Recorded;

/// A recorded run to verify.
pub struct Subject {
    pub recorded: Recorded,
    pub invocation: Invocation,
    /// What differs, in words; `None` until the run is repeated.
    pub differences: Option<Vec<String>>,
}

/// Whether this program trained the run.
pub fn is_built_in(run: &RecordedRun) -> bool {
    EngineKind::from_name(&run.engine).is_some()
}
