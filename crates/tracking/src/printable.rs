//! Text that is safe to print on a terminal.

use std::borrow::Cow;

/// Escapes the control characters of `text`, and the characters that change the writing direction.
/// Names from files, the store or the command line then cannot move the cursor, change colours or
/// reorder other text.
///
/// ```
/// assert_eq!(tracking::printable("red\u{1b}[31m"), "red\\u{1b}[31m");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// [`printable`] for a JSON document. The result has the same meaning. JSON escapes the control
/// characters of ASCII, but permits the others, which a terminal interprets.
#[must_use]
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let is_unescaped = |c: char| !c.is_ascii() && is_unsafe(c);
    if !text.chars().any(is_unescaped) {
        return Cow::Borrowed(text);
    }
    let escaped =
        |c: char| if is_unescaped(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// Whether `c` is a control character (C0, DEL, C1) or changes the writing direction.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(printable("ein Ü, 数"), "ein Ü, 数");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
    }

    proptest! {
        #[test]
        fn result_has_no_unsafe_character(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unsafe));
        }
    }
}
