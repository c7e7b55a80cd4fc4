//! One file per command.

pub mod compare;
pub mod diff;
pub mod digest;
pub mod export;
pub mod html;
pub mod list;
pub mod log;
pub mod serve;
pub mod show;

use std::path::Path;
use std::process::ExitCode;

use tracking::{Reader, shell};

/// The exit code if the store is damaged.
const DAMAGED: u8 = 1;

/// Prints a warning per integrity issue, and returns the exit code.
pub fn report_damage(reader: &Reader, results: &Path) -> ExitCode {
    let issues = reader.integrity_issues();
    for issue in &issues {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {issue}")));
    }
    if issues.is_empty() {
        return ExitCode::SUCCESS;
    }
    let verify = shell::next_command("runner", "verify", results, &["--all"]);
    let advice = format!(
        "tables omit changed rows; to list them, run: {verify}; to recreate them, run the \
         experiment again"
    );
    anstream::eprintln!("{}", tracking::printable(&advice));
    ExitCode::from(DAMAGED)
}
