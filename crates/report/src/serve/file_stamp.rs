//! Detects changes of a store without opening it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tracking::DATABASE;

/// Coarser than the clock of any common file system.
const CLOCK_TICK: Duration = Duration::from_millis(50);

/// Modification time and length of the database, its log and its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct FileStamp([Option<(SystemTime, u64)>; 3]);

impl FileStamp {
    pub fn of(results: &Path) -> Self {
        let stamp = |ending| {
            let file = std::fs::metadata(results.join(format!("{DATABASE}{ending}"))).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        Self(["", "-wal", "-journal"].map(stamp))
    }

    /// Whether any later write changes the stamp. A write within the same clock tick might not.
    pub fn is_settled(&self) -> bool {
        self.0.iter().flatten().all(|(time, _)| time.elapsed().is_ok_and(|age| age > CLOCK_TICK))
    }
}
