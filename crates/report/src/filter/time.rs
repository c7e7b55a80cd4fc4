//! Dates and times, as exactly as somebody wrote them.

/// What is left out of a time, from the left.
const REST: &str = "1970-01-01T00:00:00.000Z";

/// Where a time may end: after the year, month, day, hour, minute, second, or a part of a second.
const ENDS: [usize; 9] = [4, 7, 10, 13, 16, 19, 21, 22, 23];

/// `text` as the beginning of such times as the store has, RFC 3339 in UTC; none where it is no date.
pub fn beginning(text: &str) -> Option<String> {
    let text = text.strip_suffix(['Z', 'z']).filter(|it| it.len() >= 19).unwrap_or(text);
    let text = text.replacen([' ', 't'], "T", 1);
    let whole = text.clone() + REST.get(text.len()..)?;
    (ENDS.contains(&text.len()) && humantime::parse_rfc3339(&whole).is_ok()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_exact_as_it_is_written() {
        for text in [
            "2026",
            "2026-11",
            "2024-02-29",
            "2026-11-24T10",
            "2026-11-24T10:30",
            "2026-11-24T10:30:05.12",
        ] {
            assert_eq!(beginning(text).as_deref(), Some(text));
        }
        assert_eq!(beginning("2026-11-24 10:30").as_deref(), Some("2026-11-24T10:30"));
        assert_eq!(beginning("2026-11-24 10:30:05Z").as_deref(), Some("2026-11-24T10:30:05"));
    }

    #[test]
    fn what_is_no_date_is_none() {
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
            assert_eq!(beginning(text), None, "{text}");
        }
    }
}
