//! Provenance: the program, machine and command of a run.

use tracking::Invocation;

/// The name and value of each known fact about an invocation.
pub fn provenance(invocation: &Invocation) -> Vec<(String, String)> {
    let dirty = if invocation.git_dirty == Some(true) { " and changes not committed" } else { "" };
    known([
        ("program", Some(invocation.program_version.clone())),
        ("commit", invocation.git_commit.as_ref().map(|commit| format!("{commit}{dirty}"))),
        ("candle", invocation.candle_version.clone()),
        ("processor", Some(invocation.cpu.clone())),
        ("instructions", Some(invocation.instruction_set.clone())),
        ("host", Some(invocation.process.host.clone())),
        ("system", Some(invocation.os.clone())),
        ("jobs", Some(invocation.jobs.to_string())),
        ("command", Some(invocation.command_line.clone())),
    ])
}

/// Drops unknown facts.
pub fn known<const N: usize>(facts: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    let facts =
        facts.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
    facts.filter(|(_, value)| !value.is_empty()).collect()
}
