//! Dates and times in conditions, at the precision of their text.

/// A complete timestamp. Its end completes a shorter one, so that the result can be checked.
const COMPLETE: &str = "1970-01-01T00:00:00.000Z";

/// Valid lengths: up to the year, month, day, hour, minute, second, or a digit of the fraction.
const LENGTHS: [usize; 9] = [4, 7, 10, 13, 16, 19, 21, 22, 23];

/// `text` as the beginning of a timestamp of the store (RFC 3339 in UTC), or `None` if it is not a
/// date or time.
pub fn timestamp_prefix(text: &str) -> Option<String> {
    let without_zone = text.strip_suffix(['Z', 'z']).filter(|time| time.len() >= 19);
    let prefix = without_zone.unwrap_or(text).replacen([' ', 't'], "T", 1);
    let complete = prefix.clone() + COMPLETE.get(prefix.len()..)?;
    let is_valid = LENGTHS.contains(&prefix.len()) && humantime::parse_rfc3339(&complete).is_ok();
    is_valid.then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeps_its_precision() {
        for text in [
            "2026",
            "2026-11",
            "2024-02-29",
            "2026-11-24T10",
            "2026-11-24T10:30",
            "2026-11-24T10:30:05.12",
        ] {
            assert_eq!(timestamp_prefix(text).as_deref(), Some(text));
        }
        assert_eq!(timestamp_prefix("2026-11-24 10:30").as_deref(), Some("2026-11-24T10:30"));
        assert_eq!(
            timestamp_prefix("2026-11-24 10:30:05Z").as_deref(),
            Some("2026-11-24T10:30:05")
        );
    }

    #[test]
    fn other_text_is_not_a_time() {
        for text in [
            "",
            "now",
            "26",
            "2026-",
            "2026-1",
            "2026-13",
            "2026-11-31",
            "2026-02-29",
            "24.11.2026",
            "2026-11-24 25",
            "2026-11-24 10:3",
            "2026-11-24T10:30:05.",
            "2026-11Z",
            "2026-11-24T10:30:05+01:00",
            "1900",
            "数数数数",
            "２０２６",
        ] {
            assert_eq!(timestamp_prefix(text), None, "{text}");
        }
    }
}
