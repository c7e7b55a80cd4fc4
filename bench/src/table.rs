//! Tables in Markdown.

/// Prints a table: the first column is text, the others are numbers.
pub fn print(head: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &[String]| println!("| {} |", cells.join(" | "));
    println!();
    line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    println!("|---|{}", "--:|".repeat(head.len().saturating_sub(1)));
    rows.iter().for_each(|row| line(row));
}

/// Formats a duration with three significant digits.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", three_digits(s)),
        s if s >= 1e-3 => format!("{} ms", three_digits(s * 1e3)),
        s => format!("{} µs", three_digits(s * 1e6)),
    }
}

/// Formats the ratio of `value` to `reference`.
pub fn ratio(value: f64, reference: f64) -> String {
    format!("{}×", three_digits(value / reference))
}

fn three_digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
