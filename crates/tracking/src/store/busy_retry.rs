//! Waiting for a database that another connection has locked.

use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Longest wait of one writer for others.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(60);
/// First pause between two attempts. Recording a run takes about as long.
const MIN_PAUSE: Duration = Duration::from_millis(1);
/// Longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(20);
/// Number of attempts after which the pause doubles.
const ATTEMPTS_PER_PAUSE: u32 = 8;

/// Pause after attempt number `attempt`, from 0.
pub(super) fn pause(attempt: u32) -> Duration {
    MIN_PAUSE.saturating_mul(1 << (attempt / ATTEMPTS_PER_PAUSE).min(16)).min(MAX_PAUSE)
}

/// Makes the connection retry for up to [`MAX_WAIT`] when another connection holds a lock.
///
/// The pauses of SQLite's own handler soon reach 100 ms. With several programs that write much,
/// all of them would sleep most of the time.
pub(super) fn retry_when_busy(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut first_attempt = Instant::now();
    connection.busy_handler(Some(move |attempt: i32| {
        if attempt == 0 {
            first_attempt = Instant::now();
        }
        let retry = first_attempt.elapsed() < MAX_WAIT;
        if retry {
            std::thread::sleep(pause(attempt.unsigned_abs()));
        }
        retry
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_1_ms_to_20_ms() {
        assert_eq!(pause(0), MIN_PAUSE);
        assert!((0..1_000).map(pause).is_sorted());
        assert_eq!(pause(u32::MAX), MAX_PAUSE);
    }
}
