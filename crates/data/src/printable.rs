//! Makes names from files and command lines safe to print on a terminal.

use std::fmt::Write;
use std::path::Path;

/// Escapes control characters and the marks that change the writing direction, so that `text`
/// cannot move the cursor or colour the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
        safe
    })
}

/// [`printable`] of a path.
pub(crate) fn printable_path(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[31mb\n Ü\u{202e}"), "a\\u{1b}[31mb\\n Ü\\u{202e}");
    }
}
