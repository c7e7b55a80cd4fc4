//! The exit codes of verdicts.

use analysis::judge::Verdict;

/// The exit code of a verdict.
pub fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Better => 0,
        Verdict::Worse | Verdict::Equivalent | Verdict::NotBetter => 10,
        Verdict::Undecided => 11,
    }
}
