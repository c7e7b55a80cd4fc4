//! The metrics in the output of a program: lines that are JSON objects, and lines that match a
//! pattern.

use std::fmt::Display;

use regex::{Captures, Regex};
use serde_json::Value;

/// A longer line has no metrics.
const MAX_LINE: usize = 1 << 20;

/// The metrics of one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The epoch as the program counts it; `None` for final metrics.
    pub epoch: Option<u64>,
    pub step: Option<u64>,
    pub metrics: Vec<(String, f64)>,
}

/// Finds metrics in the output, in pieces of any length.
pub struct OutputReader {
    pattern: Option<Regex>,
    /// The beginning of a line whose end is not read yet.
    line: Vec<u8>,
    /// Whether that line is too long.
    is_too_long: bool,
}

/// The metrics of a line, or what is wrong with it.
type LineResult = Result<Reading, String>;

impl OutputReader {
    /// A reader for lines that match `pattern`, besides JSON objects.
    pub fn new(pattern: Option<Regex>) -> Self {
        Self { pattern, line: Vec::new(), is_too_long: false }
    }

    /// The metrics of the lines that end in `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<LineResult> {
        let mut found = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (part, ends) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
            if self.line.len() + part.len() > MAX_LINE {
                self.is_too_long = true;
                self.line.clear();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(part);
            }
            if ends {
                found.extend(self.finish());
            }
        }
        found
    }

    /// The metrics of the last line, which has no end.
    pub fn finish(&mut self) -> Option<LineResult> {
        let found = if self.is_too_long { None } else { self.reading() };
        self.cut();
        found
    }

    /// Forgets the last line: the process that printed it was killed.
    pub fn cut(&mut self) {
        self.line.clear();
        self.is_too_long = false;
    }

    fn reading(&self) -> Option<LineResult> {
        let line = self.line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        if let Some(object) = line.starts_with(b"{").then(|| json_object(line)).flatten() {
            return of_object(&object).transpose();
        }
        let pattern = self.pattern.as_ref()?;
        let text = String::from_utf8_lossy(line);
        of_match(pattern, &pattern.captures(&text)?).transpose()
    }
}

/// The line as a JSON object. Python's json prints numbers that are not finite as bare words.
fn json_object(line: &[u8]) -> Option<serde_json::Map<String, Value>> {
    let text = std::str::from_utf8(line).ok()?;
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&with_quoted_words(text))).ok()
}

/// The words for numbers that are not finite.
const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// `text` with quotes around the bare words outside of strings.
fn with_quoted_words(text: &str) -> String {
    let (mut quoted, mut rest, mut in_string) = (String::new(), text, false);
    while let Some(first) = rest.chars().next() {
        let word = WORDS.iter().find(|word| !in_string && rest.starts_with(**word));
        let length = match (word, first) {
            (Some(word), _) => {
                quoted.push_str(&format!("\"\\u0000{word}\""));
                word.len()
            }
            // The character after a backslash does not end a string.
            (None, '\\') => {
                let next = rest.chars().nth(1).map_or(0, char::len_utf8);
                quoted.push_str(&rest[..1 + next]);
                1 + next
            }
            (None, first) => {
                in_string ^= first == '"';
                quoted.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    quoted
}

/// The number fields of an object.
fn of_object(object: &serde_json::Map<String, Value>) -> Result<Option<Reading>, String> {
    let epoch = object.get("epoch").filter(|epoch| !epoch.is_null());
    if let Some(epoch) = epoch.filter(|epoch| !epoch.is_number()) {
        return Err(not_whole("epoch", epoch));
    }
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.strip_prefix('\0')?.parse().ok(),
        _ => None,
    };
    reading(object.iter().filter_map(|(name, value)| Some((name.as_str(), number(value)?))))
}

/// The named groups that are numbers.
fn of_match(pattern: &Regex, captures: &Captures<'_>) -> Result<Option<Reading>, String> {
    let mut numbers = Vec::new();
    for name in pattern.capture_names().flatten() {
        let text = captures.name(name).map_or("", |group| group.as_str());
        match text.parse() {
            Ok(number) => numbers.push((name, number)),
            Err(_) if text.is_empty() || !matches!(name, "epoch" | "step") => {}
            Err(_) => return Err(not_whole(name, text)),
        }
    }
    reading(numbers.into_iter())
}

fn reading<'a>(fields: impl Iterator<Item = (&'a str, f64)>) -> Result<Option<Reading>, String> {
    let mut reading = Reading { epoch: None, step: None, metrics: Vec::new() };
    for (name, value) in fields {
        match name {
            "epoch" => reading.epoch = Some(whole("epoch", value)?),
            "step" => reading.step = Some(whole("step", value)?),
            name => {
                tracking::check_name("metric", name).map_err(|error| error.to_string())?;
                // The store has one zero.
                reading.metrics.push((name.to_owned(), if value == 0.0 { 0.0 } else { value }));
            }
        }
    }
    Ok((!reading.metrics.is_empty()).then_some(reading))
}

/// An epoch or a step.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn whole(name: &str, value: f64) -> Result<u64, String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if (0.0..=EXACT).contains(&value) && value.fract() == 0.0 {
        return Ok(value as u64);
    }
    Err(not_whole(name, value))
}

fn not_whole(name: &str, value: impl Display) -> String {
    format!("it printed the {name} {value}: expected a whole number from 0")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn reader() -> OutputReader {
        let pattern = r"^epoch (?<epoch>\S+).* acc[=: ](?<val_accuracy>\S+)";
        OutputReader::new(Some(Regex::new(pattern).unwrap()))
    }

    /// The metrics of whole lines.
    fn read(text: &str) -> Vec<LineResult> {
        let mut reader = reader();
        let mut found = reader.feed(text.as_bytes());
        found.extend(reader.finish());
        found
    }

    /// Epoch, and names and values, of the only line with metrics.
    fn one(text: &str) -> (Option<u64>, String) {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let Reading { epoch, metrics, .. } = found[0].clone().unwrap();
        let texts = metrics.iter().map(|(name, value)| format!("{name}={value}"));
        (epoch, texts.collect::<Vec<_>>().join(" "))
    }

    fn error(text: &str) -> String {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found[0].clone().unwrap_err()
    }

    #[test]
    fn lines_with_json_objects_have_metrics() {
        let line = r#"{"epoch": 3, "step": 40, "val_accuracy": 0.91, "b": -0.0, "name": "x"}"#;
        let reading = read(line)[0].clone().unwrap();
        assert_eq!((reading.epoch, reading.step), (Some(3), Some(40)));
        assert_eq!(reading.metrics, [("b".to_owned(), 0.0), ("val_accuracy".to_owned(), 0.91)]);
        assert!(reading.metrics[0].1.is_sign_positive(), "the store has one zero");
        assert_eq!(one("  {\"loss\": 1e-3}\r\n"), (None, "loss=0.001".to_owned()));
        assert_eq!(one("{\"epoch\": 2.0, \"a\": 1}\nepoch"), (Some(2), "a=1".to_owned()));
        assert_eq!(one("{\"epoch\": null, \"a\": 1}"), (None, "a=1".to_owned()));
        assert_eq!(one("{\"a\": 1, \"a\": 2}"), (None, "a=2".to_owned()));
    }

    #[test]
    fn bare_words_are_numbers_outside_of_strings_only() {
        assert_eq!(one("{\"loss\": NaN}").1, "loss=NaN");
        assert_eq!(one("{\"a\": -Infinity, \"b\":Infinity}").1, "a=-inf b=inf");
        let nested = r#"{"x": {"y": [NaN, "NaN \" Infinity"]}, "note": "is NaN", "loss": NaN}"#;
        assert_eq!(one(nested).1, "loss=NaN");
        assert_eq!(one(r#"{"note\\": "a NaN", "NaN.": Infinity}"#).1, "NaN.=inf");
        assert_eq!(read("{\"loss\": nan}"), []);
    }

    #[test]
    fn lines_without_metrics_are_left_alone() {
        let lines = [
            "",
            "   ",
            "starting",
            "{'epoch': 1, 'loss': 0.5}",
            "{",
            "{}",
            "{\"epoch\": 1}",
            "{\"epoch\": 1, \"loss\": ",
            "{\"loss\": 1e999}",
            "[1, 2]",
            "0.5",
            "{\"name\": \"x\", \"list\": [1], \"flag\": true}",
            "{\"loss\": 0.5} and more",
            "epoch 1 loss=0.5",
            "Epoch 1 acc=0.5",
        ];
        for line in lines {
            assert_eq!(read(line), [], "{line}");
        }
        assert_eq!(read(&lines.join("\n")), []);
    }

    #[test]
    fn named_groups_of_a_pattern_are_metrics() {
        let text = "epoch 3 loss=0.1 acc=0.91\nepoch 4 acc: 0.92";
        let found: Vec<_> = read(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(found.len(), 1, "the second line has a space after the colon: {found:?}");
        assert_eq!(found[0].epoch, Some(3));
        assert_eq!(found[0].metrics, [("val_accuracy".to_owned(), 0.91)]);
        assert_eq!(one("epoch 1 acc=nan").1, "val_accuracy=NaN");
        assert_eq!(read("epoch 1 acc=high"), []);
    }

    #[test]
    fn impossible_epochs_and_names_are_errors() {
        let expected = "expected a whole number from 0";
        for epoch in ["\"one\"", "1.5", "-1", "NaN", "1e300", "[1]", "true"] {
            let error = error(&format!("{{\"epoch\": {epoch}, \"loss\": 1}}"));
            assert!(error.starts_with("it printed the epoch "), "{error}");
            assert!(error.ends_with(expected), "{error}");
        }
        assert!(error("{\"step\": -1, \"loss\": 1}").starts_with("it printed the step -1"));
        assert!(error("epoch 1.5 acc=1").starts_with("it printed the epoch 1.5: "));
        assert!(error("epoch 3/10 acc=1").starts_with("it printed the epoch 3/10: "));
        assert!(error("{\"\": 1}").contains("name"));
    }

    #[test]
    fn lines_over_one_mebibyte_have_no_metrics() {
        let line = |length: usize| {
            let start = "{\"loss\": 1, \"text\": \"";
            format!("{start}{}\"}}", "a".repeat(length - start.len() - 2))
        };
        assert_eq!(read(&line(MAX_LINE)).len(), 1);
        assert_eq!(read(&line(MAX_LINE + 1)), []);
        let mut reader = reader();
        for _ in 0..100 {
            assert_eq!(reader.feed(&[b'{'; 1 << 16]), []);
            assert!(reader.line.capacity() <= 2 * MAX_LINE);
        }
        assert_eq!(reader.feed(b"\n{\"loss\": 1}\n").len(), 1, "the next line counts");
    }

    #[test]
    fn cut_line_has_no_metrics() {
        let mut reader = reader();
        assert_eq!(reader.feed(b"{\"loss\": 0.2"), []);
        reader.cut();
        assert_eq!(reader.finish(), None);
        assert_eq!(reader.feed(b"{\"loss\": 0.25}\n").len(), 1);
    }

    /// Output with and without metrics.
    fn outputs() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::sample::select(vec![
            "{",
            "}",
            "\"",
            "\\",
            "loss",
            "epoch",
            ":",
            ",",
            "NaN",
            "-Infinity",
            "1",
            "0.5",
            "\n",
            " ",
            "{\"epoch\": 1, \"loss\": NaN}",
            "epoch 2 acc=0.5",
            "\u{e9}",
            "[",
            "../",
        ]);
        let piece = prop_oneof![
            8 => words.prop_map(|word| word.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn output_in_pieces_gives_equal_metrics(
            output in outputs(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut whole = reader();
            let mut expected = whole.feed(&output);
            expected.extend(whole.finish());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(output.len() + 1)).collect();
            cuts.extend([0, output.len()]);
            cuts.sort_unstable();
            let mut pieces = reader();
            let mut found: Vec<_> =
                cuts.windows(2).flat_map(|cut| pieces.feed(&output[cut[0]..cut[1]])).collect();
            found.extend(pieces.finish());
            // NaN differs from itself.
            prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }

        #[test]
        fn every_valid_json_object_is_understood(
            metrics in prop::collection::btree_map("[a-z_]{1,8}", any::<f64>(), 1..6),
        ) {
            let metrics: Vec<_> = metrics
                .into_iter()
                .filter(|(name, value)| value.is_finite() && name != "epoch" && name != "step")
                .collect();
            prop_assume!(!metrics.is_empty());
            let object: serde_json::Map<_, _> =
                metrics.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
            let found = read(&Value::Object(object).to_string());
            prop_assert_eq!(&found[0].as_ref().unwrap().metrics, &metrics);
        }
    }
}
