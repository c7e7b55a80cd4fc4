//! The reason why a query selects no runs.

use std::path::Path;

use tracking::Reader;

use super::store::run_advice;
use crate::cli::ComparisonArgs;

/// Prints the reason why a selection is empty. That is no error: the output is empty too.
pub fn print_why_empty(why: &str) {
    anstream::eprintln!("{}", tracking::printable(why));
}

/// The reason why `args` select none of the `found` runs of the selected experiments.
pub fn why_empty(reader: &Reader, results: &Path, args: &ComparisonArgs, found: usize) -> String {
    match found {
        0 if !reader.integrity_issues().is_empty() => {
            "every run was changed after it was recorded".to_owned()
        }
        0 if !args.experiments.is_empty() => {
            format!("no runs of {} in {} yet", args.experiments.join(", "), results.display())
        }
        0 => format!("no runs in {} yet; {}", results.display(), run_advice(results)),
        _ => format!("no run matches every --where ({found} runs checked)"),
    }
}
