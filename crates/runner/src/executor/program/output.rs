//! The metrics in the output of a program: lines that are JSON objects, and lines that match a
//! pattern.

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

/// `text` with quotes around the bare words, and numbers that are too large replaced by them.
fn with_quoted_words(text: &str) -> String {
    let (mut quoted, mut rest, mut in_string) = (String::new(), text, false);
    while let Some(first) = rest.chars().next() {
        let word = WORDS.iter().find(|word| !in_string && rest.starts_with(**word));
        let length = match (word, first) {
            (Some(word), _) => {
                quoted.push_str(&format!("\"{word}\""));
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
        return Err(format!("it printed the epoch {epoch}: expected a whole number from 0"));
    }
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(word) if WORDS.contains(&word.as_str()) => word.parse().ok(),
        _ => None,
    };
    reading(object.iter().filter_map(|(name, value)| Some((name.as_str(), number(value)?))))
}

/// The named groups that are numbers.
fn of_match(pattern: &Regex, captures: &Captures<'_>) -> Result<Option<Reading>, String> {
    let group = |name| Some((name, captures.name(name)?.as_str().parse().ok()?));
    reading(pattern.capture_names().flatten().filter_map(group))
}

fn reading<'a>(fields: impl Iterator<Item = (&'a str, f64)>) -> Result<Option<Reading>, String> {
    let mut reading = Reading { epoch: None, step: None, metrics: Vec::new() };
    for (name, value) in fields {
        match name {
            "epoch" => reading.epoch = Some(whole("epoch", value)?),
            "step" => reading.step = Some(whole("step", value)?),
            name => {
                tracking::check_metric_name(name).map_err(|error| error.to_string())?;
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
    Err(format!("it printed the {name} {value}: expected a whole number from 0"))
}
