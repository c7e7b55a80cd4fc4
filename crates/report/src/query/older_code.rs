//! A comparison covers the runs of one code: runs of a program whose command or files changed since
//! are left out.

use std::path::Path;

use tracking::{ProgramRuns, printable, shell};

use crate::wording::{count, short_digest};

/// Maximum number of digests in the sentence.
const MAX_LISTED: usize = 3;

/// Names the runs of older code of `experiment`; `None` if there are none.
pub fn left_out(results: &Path, experiment: &str, older: &[ProgramRuns]) -> Option<String> {
    let (with_program, without): (Vec<&ProgramRuns>, Vec<_>) =
        older.iter().partition(|program| program.program_sha256.is_some());
    let digests: Vec<&str> =
        with_program.iter().filter_map(|program| program.program_sha256.as_deref()).collect();
    let runs = |programs: &[&ProgramRuns]| {
        count(programs.iter().map(|program| program.runs.len()).sum(), "run")
    };
    let of_programs = (!digests.is_empty()).then(|| {
        let more = if digests.len() > MAX_LISTED { ", …" } else { "" };
        let listed: Vec<&str> =
            digests.iter().take(MAX_LISTED).map(|digest| short_digest(digest)).collect();
        format!("{} of older code ({}{more})", runs(&with_program), listed.join(", "))
    });
    let others = (!without.is_empty()).then(|| format!("{} without a program", runs(&without)));
    let parts: Vec<String> = of_programs.into_iter().chain(others).collect();
    let command = digests.first().map_or_else(String::new, |digest| {
        let operand = format!("{experiment}@{}", short_digest(digest));
        let command = shell::next_command("report", "diff", results, &[&operand, experiment]);
        format!("; compare with `{command}`")
    });
    let sentence = format!("Left out: {}{command}.", parts.join(" and "));
    (!parts.is_empty()).then(|| printable(&sentence).into_owned())
}
