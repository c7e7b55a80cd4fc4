//! How long something took, as people read it.

/// A duration in its natural unit.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_its_natural_unit() {
        let words = [0.000_05, 0.000_4, 0.11, 12.34, 150.0, 7_200.0].map(seconds);
        assert_eq!(words, ["50 µs", "0.4 ms", "0.11 s", "12.3 s", "2.5 min", "2.0 h"]);
    }
}
