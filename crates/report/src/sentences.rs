//! What a comparison says, in plain sentences.

use crate::comparison::{Comparison, Setting};
use crate::observed::At;
use crate::statistics::CONFIDENCE;
use crate::wording::{self, Unit};

/// Settings that a sentence names before it only counts them.
const NAMED: usize = 6;

/// `batch 16, decay 1e-4`.
pub fn setting(comparison: &Comparison, setting: &Setting) -> String {
    let named = |(key, value): (&String, &Option<tracking::Value>)| {
        let value = value.as_ref().map_or_else(|| "not set".to_owned(), wording::value);
        format!("{} {value}", wording::title(key))
    };
    let parts: Vec<String> = comparison.keys.iter().zip(&setting.values).map(named).collect();
    if parts.is_empty() { "the only setting".to_owned() } else { parts.join(", ") }
}

/// Whether the best is really best; none where there is nothing to compare.
pub fn verdict(comparison: &Comparison) -> Option<String> {
    let verdict = comparison.verdict();
    if let (None, At::Epoch(epoch), 1..) = (verdict.best, comparison.at, comparison.tally.finished) {
        return Some(format!("no run that finished has an epoch {epoch}"));
    }
    let best = verdict.best?;
    let metric = comparison.compared_by.as_deref().unwrap_or_default();
    let others = comparison.settings.iter().skip(1).filter(|it| it.metric(metric).is_some()).count();
    if others == 0 {
        let runs = best.metric(metric).map_or(0, |it| it.n);
        return (runs == 1).then(|| "one run: nothing can be said about chance".to_owned());
    }
    let pairing = pairing(comparison);
    if verdict.tested == 0 {
        let nothing = "nothing can be said about chance";
        // Differences without spread, which a test would be certain of.
        let untold = comparison.settings.iter().filter_map(|it| it.behind).any(|behind| behind.difference.n > 1);
        return Some(match untold {
            true => format!(
                "{nothing}: the others differ from the best by the same on all {pairing}; more of them may tell"
            ),
            false => format!(
                "{nothing}: no setting has two {pairing} in common with the best; give all the same seeds, several of them"
            ),
        });
    }
    let untested = match others - verdict.tested {
        0 => String::new(),
        n => format!("; {} could not be tested", wording::count(n, "other")),
    };
    let tied: Vec<String> = verdict.tied.iter().map(|it| self::setting(comparison, it)).collect();
    let untested = match tied.len() {
        0 => untested,
        _ => format!("{untested}; as good to the last digit: {}", listed(&tied)),
    };
    let names: Vec<String> = verdict.indistinct.iter().map(|it| self::setting(comparison, it)).collect();
    Some(match names.len() {
        0 if verdict.tested <= tied.len() => format!("nothing else could be tested against the best{untested}"),
        0 if verdict.tested == 1 => format!("the other setting can be told from the best{untested}"),
        0 if tied.is_empty() => {
            format!("each of the {} other settings can be told from the best{untested}", verdict.tested)
        }
        0 => format!("all others can be told from the best{untested}"),
        1 => format!("1 setting cannot be told from the best: {}{untested}", names[0]),
        n => format!("these {n} settings cannot be told from the best: {}{untested}", listed(&names)),
    })
}

/// What `verdict` rests on.
pub fn basis(comparison: &Comparison) -> Option<String> {
    let verdict = comparison.verdict();
    let metric = comparison.compared_by.as_deref()?;
    (verdict.tested > 0).then(|| {
        let correction = match verdict.tested {
            1 => String::new(),
            n => format!(", Holm's correction for {n} comparisons"),
        };
        let percent = 100.0 * CONFIDENCE;
        format!(
            "differences of {} from the best, paired by {}; t-test at {percent} %{correction}",
            wording::title(metric),
            pairing(comparison).trim_end_matches('s')
        )
    })
}

/// What pairs the runs of two settings.
fn pairing(comparison: &Comparison) -> String {
    match comparison.paired_by.as_slice() {
        [] => "seeds".to_owned(),
        names if names.iter().all(|name| name == "seed") => "seeds".to_owned(),
        names => {
            let titles: Vec<String> = names.iter().map(|name| wording::title(name)).collect();
            format!("values of {}", titles.join(" and "))
        }
    }
}

/// What moves the metric, and how much of its variance that is.
pub fn effects(comparison: &Comparison) -> Option<String> {
    let metric = comparison.compared_by.as_deref()?;
    let unit = Unit::of(metric);
    let effects = &comparison.effects;
    if effects.of.len() < 2 || effects.of.iter().all(|it| it.share.is_none()) {
        return None;
    }
    let part = |(index, effect): (usize, &crate::effects::Effect)| {
        let moves = if index == 0 { format!(" moves {}", wording::title(metric)) } else { String::new() };
        let by = amount(unit, effect.range);
        let share = effect.share.map_or_else(String::new, |share| {
            let of = if index == 0 { " of the variance" } else { "" };
            format!(" ({}{of})", wording::percent(share))
        });
        format!("{}{moves} by {by}{share}", wording::title(&effect.name))
    };
    let shown = effects.of.iter().enumerate().take(NAMED).map(part);
    let rest = effects.rest.map(|rest| format!("{} is their interplay", wording::percent(rest)));
    Some(shown.chain(rest).collect::<Vec<_>>().join(", "))
}

/// Settings that no other beats in both the metric and time.
pub fn front(comparison: &Comparison) -> Option<String> {
    let front = comparison.front();
    if front.len() < 2 {
        return None;
    }
    let metric = comparison.compared_by.as_deref()?;
    let name = |it: &&Setting| {
        let seconds = it.metric("seconds").map_or_else(String::new, |it| format!(" ({})", tracking::seconds(it.mean)));
        setting(comparison, it) + &seconds
    };
    let names: Vec<String> = front.iter().map(name).collect();
    (!names.is_empty()).then(|| format!("not beaten in both time and {}: {}", wording::title(metric), listed(&names)))
}

/// An amount of a metric, as a difference.
pub fn amount(unit: Unit, amount: f64) -> String {
    match unit {
        Unit::Share => format!("{} points", wording::decimal(100.0 * amount, 2)),
        Unit::Seconds => tracking::seconds(amount),
        _ => wording::significant(amount),
    }
}

/// `a; b; c`, the first few of them.
fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(NAMED)].join("; ");
    if names.len() > NAMED {
        text += &format!("; and {} more", names.len() - NAMED);
    }
    text
}
