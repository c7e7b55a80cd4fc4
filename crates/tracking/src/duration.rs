//! Durations as text for people.

use std::time::Duration;

/// Formats a measured duration in its natural unit, such as `12.3 s` or `2.5 min`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    match seconds {
        ..0.000_1 => format!("{:.0} µs", 1e6 * seconds),
        ..0.01 => format!("{:.1} ms", 1000.0 * seconds),
        ..10.0 => format!("{seconds:.2} s"),
        ..100.0 => format!("{seconds:.1} s"),
        ..6000.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// Formats an estimated duration with at most two units: `about 8 s`, `about 3 min 20 s`,
/// `about 2 h 5 min`.
#[must_use]
pub fn about(time: Duration) -> String {
    match time.as_secs() {
        0 => "under 1 s".to_owned(),
        seconds @ 1..60 => format!("about {seconds} s"),
        seconds @ 60..3600 => format!("about {} min {} s", seconds / 60, seconds % 60),
        seconds => format!("about {} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_has_at_most_two_units() {
        let cases = [
            (0, "under 1 s"),
            (8, "about 8 s"),
            (200, "about 3 min 20 s"),
            (7_500, "about 2 h 5 min"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(about(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn duration_has_its_natural_unit() {
        let formatted = [0.000_05, 0.000_4, 0.11, 12.34, 150.0, 7_200.0].map(seconds);
        assert_eq!(formatted, ["50 µs", "0.4 ms", "0.11 s", "12.3 s", "2.5 min", "2.0 h"]);
    }
}
