//! The verdict as JSON.

use analysis::judge::Verdict;
use serde_json::{Value as Json, json};
use tracking::Direction;

use super::Judged;
use super::command::{Command, Kind};
use super::sentence::sentence;
use super::text::method_name;
use crate::diff::field::FieldDifference;
use crate::diff::json::{compared, side};
use crate::diff::run_set::provenance_differences;
use crate::diff::version::Version;

/// Formats the verdict, with every number in full. `exit_code` is that of the command.
pub fn json(judged: &Judged, exit_code: u8) -> Json {
    let (paired, judgement) = (judged.paired, judged.judgement);
    let missing = judged.missing.as_ref();
    let commands = missing.iter().flat_map(|missing| &missing.commands).flatten().map(command);
    let provenance = provenance_differences(judged.left, judged.right);
    json!({
        "verdict": verdict(judgement.verdict),
        "exit_code": exit_code,
        "sentence": sentence(judged),
        "left": side(judged.left),
        "right": side(judged.right),
        "metric": judged.metric.name,
        "direction": judged.metric.direction.map(Direction::as_str),
        "margin": judged.margin,
        "difference": judged.difference(),
        "interval": judgement.interval.map(|interval| [interval.low, interval.high]),
        "p": judgement.p,
        "method": method_name(judged),
        "same_bits": judged.is_equal,
        "replicate": paired.replicate,
        "n": judged.n(),
        "pairs": judged.used.pairs.len(),
        "settings": judged.used.settings,
        "incomplete": judged.used.incomplete,
        "lacks_results": judged.lack.as_ref().map(|lack| lack.side),
        "only_left": paired.unmatched[0],
        "only_right": paired.unmatched[1],
        "unfinished": paired.unfinished.len(),
        "ambiguous": paired.ambiguous,
        "compared": compared(paired),
        "only_left_params": paired.one_sided_params[0],
        "only_right_params": paired.one_sided_params[1],
        "provenance": provenance.iter().map(field).collect::<Vec<_>>(),
        "seeds_to_add": missing.and_then(|missing| missing.count),
        "commands": commands.collect::<Vec<_>>(),
        "obstacle": missing.and_then(|missing| missing.commands.as_ref().err()),
    })
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Equivalent => "equivalent",
        Verdict::NotBetter => "not better",
        Verdict::Undecided => "undecided",
    }
}

fn field(FieldDifference { name, left, right, .. }: &FieldDifference) -> Json {
    json!({ "name": name, "left": left, "right": right })
}

fn command(command: &Command) -> Json {
    json!({
        "sides": command.sides,
        "command": command.line,
        "adds_seeds": command.kind == Kind::AddsSeeds,
        "commit": command.version.as_ref().and_then(Version::commit),
        "seeds": command.seeds,
    })
}
