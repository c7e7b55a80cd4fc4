//! How it is waited for others who write.

use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How long one writer waits for another.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The first pauses before it is tried again: to record a run takes about as long.
const SHORTEST: Duration = Duration::from_millis(1);
/// The pauses of who has waited for long.
const LONGEST: Duration = Duration::from_millis(20);
/// Tries until a pause is twice as long.
const TRIES: u32 = 8;

/// Before what was tried so often is tried again.
pub(super) fn pause(tries: u32) -> Duration {
    SHORTEST.saturating_mul(1 << (tries / TRIES).min(16)).min(LONGEST)
}

/// Who has to wait for another's lock tries again, until it is free or [`PATIENCE`] is over. (SQLite's own pauses are soon
/// 100 ms long: of several programs that write much, all would sleep most of the time.)
pub(super) fn be_patient(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut begun = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            begun = Instant::now();
        }
        let patient = begun.elapsed() < PATIENCE;
        if patient {
            std::thread::sleep(pause(tries.unsigned_abs()));
        }
        patient
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_short_at_first_and_never_long() {
        assert_eq!(pause(0), SHORTEST);
        assert!((0..1_000).map(pause).is_sorted());
        assert_eq!(pause(u32::MAX), LONGEST);
    }
}
