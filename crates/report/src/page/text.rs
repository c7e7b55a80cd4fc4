//! Text of the store on the page.

use std::borrow::Cow;

use tracking::printable;

use crate::wording;

/// The maximum width of a text.
const LONGEST_PAGE_TEXT: usize = 400;
/// The maximum size of an experiment file in bytes.
const LONGEST_FILE: usize = 50_000;

/// Makes control characters visible and cuts a long text.
pub fn safe(text: &str) -> String {
    truncated(&printable(text)).into_owned()
}

/// Cuts a long text.
pub fn truncated(text: &str) -> Cow<'_, str> {
    wording::truncated(text, LONGEST_PAGE_TEXT)
}

/// The experiment file with visible control characters. A long file is cut.
pub fn safe_file(text: &str) -> String {
    let mut end = text.len().min(LONGEST_FILE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let lines: Vec<_> = text[..end].lines().map(printable).collect();
    lines.join("\n") + if end < text.len() { "\n…" } else { "" }
}
