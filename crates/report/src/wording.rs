//! Names and values of hyperparameters and metrics as text.

use std::borrow::Cow;

use tracking::typed_name::in_words;
use tracking::{REPLICATES, Value, printable};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A hyperparameter: its name as it is, so that it can be typed.
pub fn key(name: &str) -> String {
    truncated(&printable(name), LONGEST_NAME).into_owned()
}

/// A metric in words, such as `validation loss`. Options accept it as well as the name: see
/// [`is_same`](tracking::typed_name::is_same).
pub fn metric(name: &str) -> String {
    key(&in_words(name))
}

/// A hyperparameter that all runs share, with its value.
pub fn constant(name: &str, value: &Value) -> String {
    let text = self::value(value);
    match (name, text.as_str()) {
        ("epochs", "1") => "1 epoch".to_owned(),
        ("epochs", _) => format!("{text} epochs"),
        ("decay", "0") => "no decay".to_owned(),
        _ => format!("{} {text}", key(name)),
    }
}

/// The first digits of a commit or digest.
pub fn short_digest(digits: &str) -> &str {
    digits.get(..12).unwrap_or(digits)
}

/// The maximum width of a name.
const LONGEST_NAME: usize = 60;

/// The maximum width of a text in a cell.
pub const LONGEST_CELL_TEXT: usize = 28;

/// The value of a hyperparameter as a cell shows it.
pub fn value(value: &Value) -> String {
    match value {
        Value::Text(text) => truncated(&printable(text), LONGEST_CELL_TEXT).into_owned(),
        number => number.short(),
    }
}

/// `1 run`, `2 runs`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The singular name of the replicate: `seed`, `fold`, `batch_size`; `run` without one.
pub fn replicate(replicate: Option<&str>) -> String {
    replicate.map_or_else(|| "run".to_owned(), key)
}

/// The plural name of the replicate: `seeds`, `folds`, `values of batch_size`; `runs` without one.
pub fn repeated(replicate: Option<&str>) -> String {
    match replicate {
        None => "runs".to_owned(),
        Some(name) if REPLICATES.contains(&name) => key(name) + "s",
        Some(name) => format!("values of {}", key(name)),
    }
}

/// A number of replicates: `1 seed`, `3 seeds`, `3 values of batch_size`.
pub fn replicates(number: usize, replicate: &str) -> String {
    match (number, REPLICATES.contains(&replicate)) {
        (1, true) => format!("1 {}", key(replicate)),
        (1, false) => format!("1 value of {}", key(replicate)),
        _ => format!("{number} {}", repeated(Some(replicate))),
    }
}

/// Cuts `text` to `width` columns, with an ellipsis at the end.
pub fn truncated(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut beginning = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        beginning.push(c);
    }
    Cow::Owned(beginning.trim_end().to_owned() + "…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracking::typed_name::is_same;

    #[test]
    fn constants_are_words() {
        assert_eq!(constant("learning_rate", &Value::Real(0.01)), "learning_rate 0.01");
        assert_eq!(constant("epochs", &Value::Integer(5)), "5 epochs");
        assert_eq!(constant("epochs", &Value::Integer(1)), "1 epoch");
        assert_eq!(constant("decay", &Value::Real(0.0)), "no decay");
        assert_eq!(constant("hidden_units", &Value::Integer(64)), "hidden_units 64");
    }

    #[test]
    fn options_accept_what_tables_show() {
        for name in ["seconds", "val_loss", "val_wer", "test_accuracy", "F1"] {
            assert!(is_same(&metric(name), name), "{name}");
        }
        assert_eq!(metric("val_accuracy"), "validation accuracy");
        assert_eq!(metric("seconds"), "time");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis() {
        assert_eq!(truncated("short", 5), "short");
        assert_eq!(truncated("longer", 5), "long…");
        assert_eq!(truncated("数数数", 5), "数数…");
    }
}
