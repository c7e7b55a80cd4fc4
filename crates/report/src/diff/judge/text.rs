//! The verdict as text.

use analysis::judge::Method;
use tracking::printable;

use super::Judged;
use super::command::{Command, Kind, is_range};
use super::sentence::{sentence, shown_margin, with_unit};
use crate::diff::digits::{Digits, shown_p};
use crate::diff::field::columns;
use crate::diff::run_set::provenance_differences;
use crate::diff::text::{compared, match_summary};
use crate::render::layout::{BOLD, fitted_table, output_width, styled, wrap_text};
use crate::wording::{self, count};

/// The method by its name.
pub fn method_name(judged: &Judged) -> &'static str {
    match judged.method {
        _ if judged.is_equal => "equal bit for bit, without a test",
        Method::Anytime => "95 % anytime-valid interval (normal-mixture t)",
        Method::Once => "95 % interval (paired t, one look)",
    }
}

/// Describes the verdict and its evidence.
pub fn lines(judged: &Judged) -> Vec<String> {
    let width = output_width();
    let wrapped = |text: &str| wrap_text(text, width);
    let mut lines: Vec<String> =
        wrapped(&sentence(judged)).iter().map(|line| styled(BOLD, line)).collect();
    lines.push(String::new());
    lines.push(format!("left   {}", judged.left.heading()));
    lines.push(format!("right  {}", judged.right.heading()));
    let mut differences: Vec<_> = judged.paired.compared.iter().filter_map(compared).collect();
    differences.extend(provenance_differences(judged.left, judged.right));
    if !differences.is_empty() {
        lines.push(String::new());
        lines.extend(fitted_table(columns(&differences), width));
    }
    lines.push(String::new());
    lines.extend(evidence(judged).iter().flat_map(|line| wrapped(line)));
    lines.extend(match_summary(judged.paired).iter().flat_map(|fact| wrapped(fact)));
    for command in judged.missing.iter().flat_map(|missing| &missing.commands) {
        lines.push(String::new());
        lines.extend(wrapped(&instruction(judged, command)));
        if !command.line.is_empty() {
            // A command is one line, so that it can be copied.
            lines.push(format!("  {}", printable(&command.line)));
        }
    }
    lines
}

/// The interval, the p-value and the numbers of pairs.
fn evidence(judged: &Judged) -> Vec<String> {
    let Some(evidence) = judged.evidence else { return Vec::new() };
    let (digits, unit) = (Digits::of(evidence), judged.metric.unit);
    let interval = judged.judgement.interval.map_or_else(
        || "no interval yet".to_owned(),
        |interval| {
            let shown = unit.clip_difference(interval);
            format!("[{}, {}]", digits.signed(shown.low), digits.signed(shown.high))
        },
    );
    let difference = judged.metric.oriented(evidence.difference.mean);
    let p = judged.judgement.p.map_or_else(|| "—".to_owned(), shown_p);
    vec![
        format!(
            "difference in {}: {}; positive means that right is better",
            wording::metric(&judged.metric.name),
            with_unit(unit, digits.signed(difference))
        ),
        format!("{interval}: {}", method_name(judged)),
        format!("p {p} · margin {}", shown_margin(judged, judged.margin)),
        format!(
            "paired: {}, {}, {}",
            judged.paired.replicate.map_or_else(
                || count(evidence.difference.n, "run"),
                |replicate| wording::replicates(evidence.difference.n, replicate)
            ),
            count(evidence.pairs, "pair"),
            count(judged.settings(), "setting")
        ),
    ]
}

/// What to do with a command.
fn instruction(judged: &Judged, command: &Command) -> String {
    let at = command.commit.as_ref().map_or_else(String::new, |commit| {
        format!(", at commit {}", wording::short_digest(commit))
    });
    let replicate = judged.paired.replicate;
    let seeds = match command.seeds.as_slice() {
        [only] => format!("{} {only}", wording::replicate(replicate)),
        [first, .., last] if is_range(&command.seeds) => {
            format!("{} {first} to {last}", wording::repeated(replicate))
        }
        seeds => {
            let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
            format!("{} {}", wording::repeated(replicate), seeds.join(", "))
        }
    };
    let sides = match command.sides.as_slice() {
        [only] => format!("the {only} side"),
        _ => "both sides".to_owned(),
    };
    match command.kind {
        Kind::AddsSeeds => format!("to add {seeds} to {sides}{at}, run:"),
        Kind::Race => format!(
            "add {seeds} to {sides}{at}; the recorded command runs a race, which chooses its own {}:",
            wording::repeated(replicate)
        ),
        Kind::Recorded if command.line.is_empty() => format!("add {seeds} to {sides}{at}"),
        Kind::Recorded => format!("add {seeds} to {sides}{at}; the record has the command:"),
    }
}
