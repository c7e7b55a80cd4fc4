//! The cells of a setting.

use analysis::best::Standing;
use analysis::race::{Exit, Reason};
use analysis::statistics::{Interval, Statistic};
use tracking::Value;

use super::column::{Column, Role};
use crate::comparison::{Comparison, DifferenceFromReference, Promise, Setting};
use crate::narrative;
use crate::wording;

/// A cell with its value in full; each format chooses the number of digits.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Not measured, not set or not applicable.
    Absent,
    /// A hyperparameter.
    Value(Value),
    /// A number of runs.
    Count(usize),
    /// A metric over the replicates that have it.
    Statistic(Statistic),
    /// The level that ranks a setting.
    Level(f64),
    /// The 95 % interval of a mean.
    Interval(Interval),
    /// The comparison with the best setting.
    Distance(Standing),
    /// A difference from the reference.
    Difference(DifferenceFromReference),
    /// A mark.
    Mark(Mark),
    /// When and why a setting left its race.
    Left(Left),
    /// Yes.
    Flag,
    /// A text.
    Note(String),
}

/// When and why a setting left its race.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// In words, for people.
    pub text: String,
    /// The index of the look.
    pub look: usize,
    /// Number of replicates of the look.
    pub replicates: usize,
    /// The rival that beat it.
    pub to: Option<Rival>,
    /// The value of the replicate on which it has no value.
    pub without: Option<Value>,
}

/// The rival that beat a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Rival {
    /// Its name.
    pub name: String,
    /// One value per key.
    pub values: Vec<Option<Value>>,
    /// The mean lead over the replicates of the look.
    pub lead: f64,
    /// The one-sided p-value of the lead.
    pub p: f64,
}

/// The mark of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The best-ranked setting of those that may be the best.
    Best,
    /// May be the best.
    MayBeBest,
    /// The baseline that the others are compared with.
    Baseline,
    /// Significantly better than the baseline.
    Better,
    /// Significantly worse than the baseline.
    Worse,
}

impl Mark {
    /// Its word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::MayBeBest => "may_be_best",
            Self::Baseline => "baseline",
            Self::Better => "better",
            Self::Worse => "worse",
        }
    }

    /// Its sign or word for people.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Best => "★",
            Self::MayBeBest => "≈",
            other => other.word(),
        }
    }
}

/// The cell of `setting`, which is at `index` in the comparison.
pub fn cell(column: &Column, index: usize, setting: &Setting, comparison: &Comparison) -> Cell {
    match column.role {
        Role::Key => {
            let value = match comparison.keys.iter().position(|key| *key == column.source) {
                Some(position) => setting.values[position].clone(),
                None => comparison
                    .constants
                    .iter()
                    .find(|(name, _)| *name == column.source)
                    .map(|(_, value)| value.clone()),
            };
            value.map_or(Cell::Absent, Cell::Value)
        }
        Role::Count => Cell::Count(count(&column.source, setting)),
        Role::Metric(_) => setting
            .metric(&column.source)
            .map_or(Cell::Absent, |statistic| Cell::Statistic(*statistic)),
        Role::Level(_) => setting.level.map_or(Cell::Absent, Cell::Level),
        Role::Interval(_) => {
            let statistic = comparison.ranked_by.as_ref().and_then(|name| setting.metric(name));
            statistic.and_then(Statistic::interval).map_or(Cell::Absent, Cell::Interval)
        }
        Role::Distance(_) if setting.standing.distance.is_some() || comparison.race.is_some() => {
            Cell::Distance(setting.standing)
        }
        Role::Distance(_) => Cell::Absent,
        Role::Difference(_) => setting.difference.map_or(Cell::Absent, Cell::Difference),
        Role::Mark => mark(index, setting, comparison).map_or(Cell::Absent, Cell::Mark),
        Role::Left => left(setting, comparison).unwrap_or(Cell::Absent),
        Role::Rival => match left(setting, comparison) {
            Some(Cell::Left(Left { to: Some(rival), .. })) => Cell::Note(rival.name),
            _ => Cell::Absent,
        },
        Role::Flag if setting.on_front => Cell::Flag,
        Role::Flag => Cell::Absent,
        Role::Note => note(setting, comparison).map_or(Cell::Absent, Cell::Note),
    }
}

fn mark(index: usize, setting: &Setting, comparison: &Comparison) -> Option<Mark> {
    match comparison.promise {
        Some(Promise::Against(baseline)) if baseline == index => Some(Mark::Baseline),
        Some(Promise::Against(_)) => {
            let difference = setting
                .difference
                .filter(|found| found.test.is_some_and(|test| test.is_significant()))?;
            let better = comparison.ranking()?.oriented(difference.mean) > 0.0;
            Some(if better { Mark::Better } else { Mark::Worse })
        }
        _ if setting.is_best => Some(Mark::Best),
        _ => (setting.standing.may_be_best && !comparison.is_open()).then_some(Mark::MayBeBest),
    }
}

fn left(setting: &Setting, comparison: &Comparison) -> Option<Cell> {
    let text = narrative::left(comparison, setting)?;
    let (race, Some(Exit { look, reason })) = (comparison.race.as_ref()?, setting.left) else {
        return Some(Cell::Note(text));
    };
    let (to, without) = match reason {
        Reason::NoValue(index) => (None, race.seeds.get(index).cloned()),
        Reason::Beaten { by, lead, p } => {
            let rival = comparison.settings.get(by)?;
            let name = narrative::name_in_race(comparison, rival);
            (Some(Rival { name, values: rival.values.clone(), lead, p }), None)
        }
    };
    let replicates = race.rules.looks()[look];
    Some(Cell::Left(Left { text, look, replicates, to, without }))
}

/// The number of runs in the column `name`.
fn count(name: &str, setting: &Setting) -> usize {
    let counts = &setting.counts;
    match name {
        "n" => setting.n,
        "runs" => counts.total(),
        other => counts
            .unfinished()
            .into_iter()
            .find(|(_, word)| *word == other)
            .map_or(0, |(count, _)| count),
    }
}

/// The note on a setting whose runs do not all have the ranking metric, such as `mean of 2 of 3
/// runs: 1 diverged`.
pub fn note(setting: &Setting, comparison: &Comparison) -> Option<String> {
    let (counts, total) = (&setting.counts, setting.counts.total());
    let measured = counts.finished - setting.unmeasured;
    let ended = counts.unfinished().into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = ended
        .map(|(count, word)| match count {
            1 if total == 1 => word.to_owned(),
            count if count == total => format!("all {total} {word}"),
            count => format!("{count} {word}"),
        })
        .collect();
    if let (Some(metric), 1..) = (&comparison.ranked_by, setting.unmeasured) {
        let of = if setting.unmeasured == total {
            format!("all {total}")
        } else {
            setting.unmeasured.to_string()
        };
        parts.push(format!("{of} without {}", wording::metric(metric)));
    }
    let parts = Some(parts.join(", ")).filter(|parts| !parts.is_empty())?;
    Some(if measured > 0 { format!("mean of {measured} of {total} runs: {parts}") } else { parts })
}
