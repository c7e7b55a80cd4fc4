//! Text from files and from the store, safe to print.

use std::borrow::Cow;

/// `text` with every control character escaped: nothing in a name can move the cursor, colour the terminal or turn the
/// direction of writing.
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

/// The text of a JSON document, which means the same then: beyond ASCII's, JSON lets controls and marks of direction stand as they
/// are, and a terminal would obey them.
#[must_use]
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| !c.is_ascii() && is_unsafe(c);
    if !text.chars().any(obeyed) {
        return Cow::Borrowed(text);
    }
    let escaped =
        |c: char| if obeyed(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// Controls (C0, DEL, C1), and the marks that reorder text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_become_visible() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(printable("ein Ü, 数"), "ein Ü, 数");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unsafe));
        }
    }
}
