//! Text that fits the width of the terminal.

use std::io::{stderr, stdout};

use terminal_size::{Height, Width, terminal_size_of};

use crate::separator::SEPARATOR;

/// The width without a terminal and without the variable `COLUMNS`.
const DEFAULT_WIDTH: usize = 100;

/// Indentation of all but the first line of a wrapped text.
const INDENT: &str = "  ";

/// The width of standard output, in characters.
pub fn stdout_width() -> usize {
    width(terminal_size_of(stdout()))
}

/// The width of standard error, in characters.
pub fn stderr_width() -> usize {
    width(terminal_size_of(stderr()))
}

fn width(terminal: Option<(Width, Height)>) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let columns = columns.filter(|columns| *columns > 0);
    let terminal = terminal.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
    columns.or(terminal).unwrap_or(DEFAULT_WIDTH)
}

/// The first parts of `line` that fit `width`, at least one.
pub fn fitted(line: &str, width: usize) -> &str {
    first_parts(line, SEPARATOR, width)
}

/// All parts of `line`, on as many lines of at most `width` characters as necessary.
pub fn wrapped(line: &str, width: usize) -> String {
    wrapped_at(SEPARATOR, line, width)
}

/// All words of `text`, on as many lines of at most `width` characters as necessary.
pub fn wrapped_words(text: &str, width: usize) -> String {
    wrapped_at(" ", text, width)
}

fn wrapped_at(separator: &str, line: &str, width: usize) -> String {
    let (mut text, mut rest, mut indent) = (String::new(), line, "");
    loop {
        let first = first_parts(rest, separator, width.saturating_sub(indent.len()));
        text.push_str(indent);
        text.push_str(first);
        match rest.get(first.len() + separator.len()..) {
            Some(other) => rest = other,
            None => return text,
        }
        text.push('\n');
        indent = INDENT;
    }
}

fn first_parts<'a>(line: &'a str, separator: &str, width: usize) -> &'a str {
    let ends = line.match_indices(separator).map(|(index, _)| index).chain([line.len()]);
    let fits = |end: &usize| line[..*end].chars().count() <= width;
    let mut ends = ends.peekable();
    let first = ends.peek().copied().unwrap_or_default();
    &line[..ends.take_while(fits).last().unwrap_or(first)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "[1/9] batch_size 64 · seed 0 · accuracy 89.20 %";

    #[test]
    fn line_is_cut_only_between_its_parts() {
        let cases = [
            (100, LINE),
            (47, LINE),
            (46, "[1/9] batch_size 64 · seed 0"),
            (28, "[1/9] batch_size 64 · seed 0"),
            (20, "[1/9] batch_size 64"),
            (3, "[1/9] batch_size 64"),
        ];
        for (width, expected) in cases {
            assert_eq!(fitted(LINE, width), expected, "{width}");
        }
    }

    #[test]
    fn wrapped_line_has_all_parts() {
        assert_eq!(wrapped(LINE, 47), LINE);
        assert_eq!(wrapped(LINE, 30), "[1/9] batch_size 64 · seed 0\n  accuracy 89.20 %");
        assert_eq!(wrapped(LINE, 20), "[1/9] batch_size 64\n  seed 0\n  accuracy 89.20 %");
        assert_eq!(wrapped_words("Results: a/b and c in d", 14), "Results: a/b\n  and c in d");
        assert_eq!(wrapped("", 20), "");
    }
}
