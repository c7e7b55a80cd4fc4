//! One file a command; what they share of opening a store.

pub mod compare;
pub mod diff;
pub mod digest;
pub mod export;
pub mod html;
pub mod serve;
pub mod show;

use std::path::Path;
use std::process::ExitCode;

use tracking::Reader;

/// Something of the store is not as it was recorded.
const DAMAGED: u8 = 1;

/// Says what of the store is damaged, and left out of what was printed.
pub fn report_damage(reader: &Reader, results: &Path) -> ExitCode {
    let damage = reader.integrity_issues();
    for issue in &damage {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {issue}")));
    }
    if damage.is_empty() {
        return ExitCode::SUCCESS;
    }
    let option = if results == Path::new("results") {
        String::new()
    } else {
        format!(" -r {}", results.display())
    };
    let advice = format!(
        "what was changed is left out of tables; what differs: cargo run -p runner -- verify --all{option}; the runner's \
         usual command has again what is missing"
    );
    anstream::eprintln!("{}", tracking::printable(&advice));
    ExitCode::from(DAMAGED)
}
