//! The verdict as text.

use analysis::judge::Method;
use analysis::metric::Unit;
use tracking::printable;

use super::Judged;
use super::command::{Command, Kind, ranges};
use super::evidence::UsedPairs;
use super::sentence::{sentence, shown_margin, with_unit};
use crate::diff::digits::{Digits, shown_p};
use crate::diff::field::columns;
use crate::diff::run_set::provenance_differences;
use crate::diff::text::{compared, match_summary};
use crate::diff::version::Version;
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
    lines.extend(incomplete(judged).iter().flat_map(|line| wrapped(line)));
    lines.extend(match_summary(judged.paired).iter().flat_map(|fact| wrapped(fact)));
    let commands = judged.missing.as_ref().map(|missing| missing.commands.as_deref());
    if let Some(Err(obstacle)) = commands {
        lines.push(String::new());
        lines.extend(wrapped(obstacle));
    }
    for command in commands.and_then(Result::ok).unwrap_or_default() {
        lines.push(String::new());
        lines.extend(wrapped(&instruction(judged, command)));
        if !command.line.is_empty() {
            // A command is one line, so that it can be copied.
            lines.push(format!("  {}", printable(&command.line)));
        }
    }
    lines
}

/// A warning about a margin of an accuracy that seems to be in points.
pub fn margin_warning(judged: &Judged) -> Option<String> {
    let is_large = judged.metric.unit == Unit::Fraction && judged.margin >= 0.1;
    is_large.then(|| {
        let shown = shown_margin(judged, judged.margin);
        let smaller = shown_margin(judged, judged.margin / 100.0);
        format!(
            "warning: --margin {} is {shown}; {} is {smaller}",
            judged.margin,
            judged.margin / 100.0
        )
    })
}

/// The interval, the p-value and the numbers of pairs.
fn evidence(judged: &Judged) -> Vec<String> {
    let Some(evidence) = &judged.evidence else { return Vec::new() };
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
            "improvement in {}: {}",
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
            count(judged.used.settings, "setting")
        ),
    ]
}

/// The replicates that the verdict does not use.
fn incomplete(judged: &Judged) -> Option<String> {
    let UsedPairs { incomplete, settings, .. } = judged.used;
    let replicates = wording::replicates(incomplete, judged.paired.replicate?);
    (incomplete > 0)
        .then(|| format!("{replicates} excluded: not all {settings} settings have them"))
}

/// The instruction before a command.
fn instruction(judged: &Judged, command: &Command) -> String {
    let version = |kind: &str, version: &Version| {
        format!(", at {kind} {}", wording::short_digest(version.digits()))
    };
    let at = match &command.version {
        None => String::new(),
        Some(commit @ Version::Commit(_)) => version("commit", commit),
        Some(program @ Version::Program(_)) => version("program", program),
    };
    let seeds = seeds(&command.seeds, judged.paired.replicate);
    let sides = match command.sides.as_slice() {
        [only] => format!("the {only} side"),
        _ => "both sides".to_owned(),
    };
    match command.kind {
        Kind::AddsSeeds => format!("to add {seeds} to {sides}{at}, run:"),
        Kind::OlderProgram => {
            format!("restore the files of that version to add {seeds} to {sides}{at}")
        }
        Kind::Recorded if command.line.is_empty() => format!("add {seeds} to {sides}{at}"),
        Kind::Recorded => format!("add {seeds} to {sides}{at}; the record has the command:"),
    }
}

/// Lists replicates: `seeds 3 to 7, 9`.
fn seeds(seeds: &[i64], replicate: Option<&str>) -> String {
    let range = |(first, last): (i64, i64)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let ranges: Vec<String> = ranges(seeds).into_iter().map(range).collect();
    let noun = match seeds {
        [_] => wording::replicate(replicate),
        _ => wording::repeated(replicate),
    };
    format!("{noun} {}", ranges.join(", "))
}
