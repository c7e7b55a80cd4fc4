//! The verdict as one sentence.

use analysis::judge::Verdict;
use analysis::metric::Unit;

use super::Judged;
use super::evidence::Lack;
use crate::diff::digits::Digits;
use crate::number_format::significant;
use crate::wording;

/// The verdict as a sentence.
pub fn sentence(judged: &Judged) -> String {
    let metric = wording::metric(&judged.metric.name);
    let margin = match judged.margin {
        0.0 => String::new(),
        margin => format!(" by more than the margin of {}", shown_margin(judged, margin)),
    };
    let change = change(judged);
    match judged.judgement.verdict {
        Verdict::Better => format!("right is better{margin}: its {metric} is {change}"),
        Verdict::Worse => format!("right is worse{margin}: its {metric} is {change}"),
        Verdict::NotBetter => format!("right is not better{margin}: its {metric} is {change}"),
        Verdict::Equivalent if judged.is_equal => format!(
            "the sides are equivalent: all {} pairs are equal, bit for bit",
            judged.paired.pairs.len()
        ),
        Verdict::Equivalent => format!(
            "the sides are equivalent: their {metric} differs by less than the margin of {}",
            shown_margin(judged, judged.margin)
        ),
        Verdict::Undecided => undecided(judged),
    }
}

fn undecided(judged: &Judged) -> String {
    let Some(replicate) = judged.paired.replicate else {
        return "undecided: no hyperparameter repeats a setting; run several seeds, or name the \
                replicate with --replicate"
            .to_owned();
    };
    let n = judged.n();
    let with = format!("undecided with {}", wording::replicates(n, replicate));
    let repeated = wording::repeated(Some(replicate));
    if let Some(Lack { side, runs, statuses }) = &judged.lack {
        let all = judged.paired.matched();
        return format!(
            "{with}: {runs} of {all} runs of the {side} side have no result ({statuses})"
        );
    }
    if n < 2 && judged.used.incomplete > 0 {
        return format!(
            "{with}: run the same {repeated} for all {} settings on both sides",
            judged.used.settings
        );
    }
    let missing = judged.missing.as_ref();
    match missing.map(|missing| (missing.count, missing.is_powerful)) {
        Some((Some(count), true)) => format!(
            "{with}: add {count} to decide with a probability of 80 % if the true difference is {}",
            size(judged)
        ),
        Some((Some(count), false)) => {
            format!("{with}: add {count}, because a verdict needs at least {}", n + count)
        }
        _ if judged.judgement.interval.is_none() => format!(
            "{with}: the difference has no spread, so it cannot be tested; if the program ignores \
             its {replicate}, more {repeated} do not help"
        ),
        _ if judged.difference() == Some(0.0) => {
            format!("{with}: no difference is seen; --margin D tests whether it is below D")
        }
        _ => format!(
            "{with}: more than 1,000 {repeated} may be needed if the true difference is {}",
            size(judged)
        ),
    }
}

/// How the metric of the right side differs: `0.41 points higher`.
fn change(judged: &Judged) -> String {
    let is_higher = judged.evidence.as_ref().is_some_and(|found| found.difference.mean > 0.0);
    size(judged) + if is_higher { " higher" } else { " lower" }
}

/// The size of the difference: `0.41 points`.
fn size(judged: &Judged) -> String {
    let size = judged.evidence.as_ref().map(|found| Digits::of(found).size(found.difference.mean));
    size.map_or_else(|| "unknown".to_owned(), |size| with_unit(judged.metric.unit, size))
}

/// The margin with its unit.
pub fn shown_margin(judged: &Judged, margin: f64) -> String {
    let unit = judged.metric.unit;
    let number = significant(unit.scale() * margin);
    let number = match number.contains('.') && !number.contains('e') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    with_unit(unit, number.to_owned())
}

/// A number with the unit of a difference.
pub fn with_unit(unit: Unit, number: String) -> String {
    match unit {
        Unit::Fraction | Unit::Percent if number == "1" => number + " point",
        Unit::Fraction | Unit::Percent => number + " points",
        Unit::Seconds => number + " s",
        Unit::Number => number,
    }
}
