//! Names from files and command lines, safe to print: nothing in them can move the cursor or colour the terminal.

use std::fmt::Write;
use std::path::Path;

/// `text` with controls, and the marks that turn the direction of writing, escaped.
pub(crate) fn printable(text: &str) -> String {
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

/// A path, the same way.
pub(crate) fn path(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible() {
        assert_eq!(printable("a\u{1b}[31mb\n Ü\u{202e}"), "a\\u{1b}[31mb\\n Ü\\u{202e}");
    }
}
