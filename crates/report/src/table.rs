//! Rows and columns, once: what of a comparison is shown, and what each column is worth when there is no room for all.

use tracking::Value;

use crate::behind::Behind;
use crate::comparison::{Comparison, Setting, Tally};
use crate::observed::At;
use crate::sentences;
use crate::statistics::{Interval, Statistic};
use crate::wording::{self, Unit};

/// How much a column matters to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prominence {
    /// Only for programs, which have room for everything.
    Machine,
    /// Left out where there is no room; lower ones first.
    Spare(u8),
    /// Always shown.
    Needed,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A hyperparameter.
    Key,
    /// A number of runs.
    Count,
    /// A metric.
    Metric(Unit),
    /// Where the mean of a metric lies.
    Interval(Unit),
    /// How far the setting is behind the best.
    Difference(Unit),
    /// ★ for the best, ≈ for what cannot be told from it.
    Mark,
    /// Yes or no.
    Flag,
    /// Words on the row.
    Note,
}

impl Role {
    /// Of its numbers.
    pub fn unit(self) -> Unit {
        match self {
            Self::Metric(unit) | Self::Interval(unit) | Self::Difference(unit) => unit,
            Self::Key | Self::Count | Self::Mark | Self::Flag | Self::Note => Unit::Score,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name for programs.
    pub name: String,
    /// Its head for people.
    pub title: String,
    /// What it holds.
    pub role: Role,
    /// What it is worth.
    pub prominence: Prominence,
}

/// A cell, as measured: formats decide how many digits to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Not measured, not set, or nothing to say.
    Absent,
    /// A hyperparameter.
    Value(Value),
    /// A number of runs.
    Count(usize),
    /// A metric over the runs that finished.
    Statistic(Statistic),
    /// The 95 % interval of a mean.
    Interval(Interval),
    /// A difference from the best.
    Difference(Behind),
    /// ★ or ≈
    Mark(Mark),
    /// Yes.
    Flag,
    /// Words.
    Note(String),
}

/// How a setting stands beside the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is the best, or as good to the last digit.
    Best,
    /// It cannot be told from the best.
    Indistinct,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One cell a column.
    pub cells: Vec<Cell>,
    /// Best of several.
    pub best: bool,
    /// Without the metric that ranks.
    pub unranked: bool,
}

/// A comparison as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What is laid out.
    pub comparison: Comparison,
    /// Digits of the dataset's digest, where another dataset of this name has a table too.
    pub digest: Option<String>,
    /// Keys, counts, metrics with the mark of the best, note.
    pub columns: Vec<Column>,
    /// Best first.
    pub rows: Vec<Row>,
    /// Settings beyond the rows asked for.
    pub more: usize,
}

/// What of the comparisons is to be shown.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// At most so many rows.
    pub top: Option<u32>,
    /// These columns, in this order; else as many of the usual ones as find room.
    pub columns: Option<Vec<String>>,
}

/// Lays out `comparisons`.
pub fn tables(comparisons: Vec<Comparison>, layout: &Layout) -> Vec<Table> {
    let digests: Vec<Option<String>> = comparisons.iter().map(|it| ambiguous_digest(it, &comparisons)).collect();
    comparisons.into_iter().zip(digests).map(|(comparison, digest)| table(comparison, digest, layout)).collect()
}

fn ambiguous_digest(comparison: &Comparison, all: &[Comparison]) -> Option<String> {
    let clash = |other: &Comparison| {
        other.experiment == comparison.experiment
            && other.dataset == comparison.dataset
            && other.dataset_sha256 != comparison.dataset_sha256
    };
    all.iter().any(clash).then(|| comparison.dataset_sha256.chars().take(8).collect())
}

fn table(comparison: Comparison, digest: Option<String>, layout: &Layout) -> Table {
    let columns = match &layout.columns {
        Some(wanted) => chosen(&choosable(&comparison), wanted),
        None => columns(&comparison),
    };
    let several = comparison.settings.iter().filter(|it| ranking_mean(it, &comparison).is_some()).count() > 1;
    let first = comparison.settings.first().and_then(|it| ranking_mean(it, &comparison));
    let shown = layout.top.map_or(comparison.settings.len(), |top| comparison.settings.len().min(top as usize));
    let rows = comparison.settings[..shown].iter().map(|setting| {
        let mean = ranking_mean(setting, &comparison);
        // Settings that tie are best together.
        let best = several && mean.is_some() && mean == first;
        let cells = columns.iter().map(|column| cell(column, setting, &comparison, best)).collect();
        Row { cells, best, unranked: mean.is_none() }
    });
    Table { rows: rows.collect(), more: comparison.settings.len() - shown, digest, columns, comparison }
}

fn compared_metric<'a>(setting: &'a Setting, comparison: &Comparison) -> Option<&'a Statistic> {
    comparison.compared_by.as_ref().and_then(|metric| setting.metric(metric))
}

fn ranking_mean(setting: &Setting, comparison: &Comparison) -> Option<f64> {
    comparison.ranked_by.as_ref().and_then(|metric| setting.metric(metric)).map(|it| it.mean)
}

/// The columns of these names, as many as there are.
fn chosen(columns: &[Column], wanted: &[String]) -> Vec<Column> {
    let shown = |column: &Column| Column { prominence: Prominence::Needed, ..column.clone() };
    wanted.iter().flat_map(|name| columns.iter().filter(move |it| it.name == *name)).map(shown).collect()
}

/// All that a table of this comparison can have: what it has without being asked, and the hyperparameters that all settings share.
pub fn choosable(comparison: &Comparison) -> Vec<Column> {
    let shared = comparison.constants.iter().map(|(name, _)| key(name));
    columns(comparison).into_iter().chain(shared).collect()
}

fn key(name: &str) -> Column {
    Column { name: name.to_owned(), title: wording::title(name), role: Role::Key, prominence: Prominence::Needed }
}

fn columns(comparison: &Comparison) -> Vec<Column> {
    let mut columns: Vec<Column> = comparison.keys.iter().map(|name| key(name)).collect();
    let count = |name: &str, prominence| Column {
        name: name.to_owned(),
        title: name.to_owned(),
        role: Role::Count,
        prominence,
    };
    let settings = &comparison.settings;
    let uneven = settings.windows(2).any(|pair| pair[0].tally.finished != pair[1].tally.finished);
    let telling = uneven || !comparison.averaged.is_empty();
    columns.push(count("n", if telling { Prominence::Needed } else { Prominence::Machine }));
    columns.extend(["runs", "diverged", "failed", "killed", "running"].map(|name| count(name, Prominence::Machine)));
    for metric in &comparison.metrics {
        let ranks = comparison.ranked_by.as_ref() == Some(metric);
        columns.push(Column {
            name: metric.clone(),
            title: wording::title(metric),
            role: Role::Metric(Unit::of(metric)),
            prominence: if ranks { Prominence::Needed } else { prominence(metric, comparison) },
        });
        if ranks {
            let prominence = Prominence::Needed;
            columns.push(Column { name: "best".to_owned(), title: String::new(), role: Role::Mark, prominence });
        }
        if comparison.compared_by.as_ref() == Some(metric) {
            columns.extend(compared(Unit::of(metric), settings));
        }
    }
    columns.push(Column {
        name: "front".to_owned(),
        title: "front".to_owned(),
        role: Role::Flag,
        prominence: Prominence::Machine,
    });
    let lacking = settings.iter().any(|it| it.tally.total() > it.tally.finished);
    let prominence = if lacking { Prominence::Needed } else { Prominence::Machine };
    columns.push(Column { name: "note".to_owned(), title: String::new(), role: Role::Note, prominence });
    columns
}

/// What the settings' metric is worth: its interval, and the difference from the best.
fn compared(unit: Unit, settings: &[Setting]) -> [Column; 2] {
    let paired = settings.iter().any(|it| it.behind.is_some_and(|behind| behind.test.is_some()));
    let repeated = settings.iter().any(|it| it.tally.finished > 1);
    let spare = |there: bool, worth| if there { Prominence::Spare(worth) } else { Prominence::Machine };
    let from = if unit == Unit::Share { "points from best" } else { "from best" };
    let column = |name: &str, title: &str, role, prominence| Column {
        name: name.to_owned(),
        title: title.to_owned(),
        role,
        prominence,
    };
    [
        column("interval", "95 % interval", Role::Interval(unit), spare(repeated, 6)),
        column("difference", from, Role::Difference(unit), spare(paired, 7)),
    ]
}

/// What a metric is worth beside the one that ranks.
fn prominence(metric: &str, comparison: &Comparison) -> Prominence {
    match metric {
        "test_accuracy" => Prominence::Needed,
        "val_accuracy" if comparison.validation != "test" => Prominence::Spare(8),
        "seconds" => Prominence::Spare(5),
        "test_loss" => Prominence::Spare(4),
        "train_accuracy" => Prominence::Spare(1),
        "train_loss" | "val_loss" | "val_accuracy" => Prominence::Machine,
        _ => Prominence::Spare(3),
    }
}

fn cell(column: &Column, setting: &Setting, comparison: &Comparison, best: bool) -> Cell {
    match column.role {
        Role::Key => {
            let value = match comparison.keys.iter().position(|key| *key == column.name) {
                Some(position) => setting.values[position].clone(),
                None => comparison.constants.iter().find(|(name, _)| *name == column.name).map(|(_, it)| it.clone()),
            };
            value.map_or(Cell::Absent, Cell::Value)
        }
        Role::Count => Cell::Count(counted(&column.name, &setting.tally)),
        Role::Metric(_) => setting.metric(&column.name).map_or(Cell::Absent, |it| Cell::Statistic(*it)),
        Role::Interval(_) => {
            compared_metric(setting, comparison).and_then(Statistic::interval).map_or(Cell::Absent, Cell::Interval)
        }
        Role::Difference(_) => setting.behind.map_or(Cell::Absent, Cell::Difference),
        Role::Mark if best => Cell::Mark(Mark::Best),
        Role::Mark => {
            let test = setting.behind.and_then(|behind| behind.test);
            test.filter(|test| !test.tells_apart()).map_or(Cell::Absent, |_| Cell::Mark(Mark::Indistinct))
        }
        Role::Flag if setting.on_front => Cell::Flag,
        Role::Flag => Cell::Absent,
        Role::Note => note(&setting.tally).map_or(Cell::Absent, Cell::Note),
    }
}

fn counted(name: &str, tally: &Tally) -> usize {
    match name {
        "n" => tally.finished,
        "runs" => tally.total(),
        other => tally.unfinished().into_iter().find(|(_, word)| *word == other).map_or(0, |(count, _)| count),
    }
}

/// `1 of 3 diverged`, where not all finished.
fn note(tally: &Tally) -> Option<String> {
    let total = tally.total();
    let part = |(count, word): &(usize, &str)| match *count {
        0 => None,
        1 if total == 1 => Some((*word).to_owned()),
        count if count == total => Some(format!("all {total} {word}")),
        count => Some(format!("{count} of {total} {word}")),
    };
    let parts: Vec<String> = tally.unfinished().iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A column as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its head.
    pub title: String,
    /// What it is worth.
    pub prominence: Prominence,
    /// Whether it is numbers, which stand at the right.
    pub numeric: bool,
    /// One text a row; of what was not measured, `—` in a metric's column and nothing elsewhere.
    pub cells: Vec<String>,
}

impl Table {
    /// The columns meant for people, as text: digits are chosen for the column as a whole.
    pub fn shown(&self) -> Vec<Shown> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| column.prominence > Prominence::Machine);
        columns.map(|(index, column)| self.shown_column(index, column)).collect()
    }

    fn shown_column(&self, index: usize, column: &Column) -> Shown {
        let cells = || self.rows.iter().map(|row| &row.cells[index]);
        let decimals = match column.role {
            Role::Metric(unit) | Role::Interval(unit) | Role::Difference(unit) => decimals(unit, cells()),
            _ => 0,
        };
        let words = |cell: &Cell| matches!(cell, Cell::Value(Value::Text(_)));
        Shown {
            title: column.title.clone(),
            prominence: column.prominence,
            numeric: !matches!(column.role, Role::Mark | Role::Flag | Role::Note) && !cells().any(words),
            cells: cells().map(|cell| text(cell, column.role, decimals)).collect(),
        }
    }

    /// What is said above the table, phrase by phrase.
    pub fn facts(&self) -> Vec<String> {
        let comparison = &self.comparison;
        let digest = self.digest.as_ref().map_or_else(String::new, |digest| format!(" ({digest})"));
        let mut facts = vec![tracking::printable(&comparison.dataset).into_owned() + &digest];
        let constants = comparison.constants.iter().filter(|(name, _)| name != "seed");
        facts.extend(constants.map(|(name, value)| wording::constant(name, value)));
        facts.extend(seeds(comparison));
        if comparison.computed.len() > 1 {
            facts.push(tracking::printable(&comparison.computed.join(" and ")).into_owned());
        }
        facts.push(runs(&comparison.tally));
        if !comparison.averaged.is_empty() {
            let averaged: Vec<String> = comparison.averaged.iter().map(|name| wording::title(name)).collect();
            facts.push(format!("averaged over {}", averaged.join(", ")));
        }
        facts.extend(match comparison.at {
            At::Last => None,
            At::Best => Some("each run at the epoch that its validation likes best".to_owned()),
            At::Epoch(epoch) => Some(format!("after epoch {epoch}")),
        });
        facts.extend(ranking(comparison));
        facts.retain(|fact| !fact.is_empty());
        facts
    }

    /// What is said below the table: what the marks mean, how sure the best is, what moves the metric, what is quick.
    pub fn notes(&self) -> Vec<String> {
        let comparison = &self.comparison;
        let sentences = [
            sentences::verdict(comparison),
            sentences::basis(comparison),
            sentences::effects(comparison),
            sentences::front(comparison),
        ];
        sentences.into_iter().flatten().collect()
    }

    /// Said loudly: this is not the dataset that was asked for.
    pub fn warning(&self) -> Option<String> {
        let comparison = &self.comparison;
        comparison.fallback_for.as_ref().map(|wanted| {
            let words = format!("{}, in place of {wanted}, which could not be had", comparison.dataset);
            tracking::printable(&words).into_owned()
        })
    }
}

/// `3 seeds` where every setting has as many; the seed, where there is one.
fn seeds(comparison: &Comparison) -> Option<String> {
    let constant = comparison.constants.iter().find(|(name, _)| name == "seed");
    if let Some((_, seed)) = constant {
        return Some(format!("seed {}", wording::value(seed)));
    }
    let number = comparison.settings.first()?.seeds;
    let same = comparison.settings.iter().all(|setting| setting.seeds == number);
    let is_key = comparison.keys.iter().any(|key| key == "seed");
    (same && number > 0 && !is_key).then(|| wording::count(number, "seed"))
}

/// `63 runs, none failed` or `63 runs, 2 diverged`.
fn runs(tally: &Tally) -> String {
    let ended: Vec<String> = tally
        .unfinished()
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    let ended = if ended.is_empty() { ", none failed".to_owned() } else { ended.concat() };
    wording::count(tally.total(), "run") + &ended
}

fn ranking(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranked_by.as_deref()?;
    let held_out = match comparison.validation.as_str() {
        "test" => String::new(),
        fraction => format!(" ({} of the training set held out, stratified)", tracking::printable(fraction)),
    };
    Some(match metric {
        "test_accuracy" => "ranked on the test set (optimistic)".to_owned(),
        "val_accuracy" if comparison.validation != "test" => format!("ranked on validation{held_out}"),
        "val_loss" if comparison.validation != "test" => format!("ranked by validation loss{held_out}"),
        _ if comparison.is_optimistic() => {
            format!("ranked by {} on the test set (optimistic)", wording::title(metric))
        }
        _ => format!("ranked by {}", wording::title(metric)),
    })
}

/// So many decimals that the least spread of a column still shows a digit: two of a per cent, three of a loss, or at
/// most two more.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn decimals<'a>(unit: Unit, cells: impl Iterator<Item = &'a Cell>) -> usize {
    let (scale, base) = if unit == Unit::Share { (100.0, 2) } else { (1.0, 3) };
    let spread = |cell: &Cell| {
        let spread = match cell {
            Cell::Statistic(Statistic { deviation, .. }) => *deviation,
            Cell::Interval(Interval { low, high }) => Some(high - low),
            Cell::Difference(Behind { difference, test: Some(_) }) => difference.deviation,
            _ => None,
        };
        spread.filter(|spread| *spread > 0.0).map(|spread| scale * spread)
    };
    let least = cells.filter_map(spread).fold(f64::INFINITY, f64::min);
    if least.is_finite() {
        (-least.log10()).ceil().clamp(f64::from(base), f64::from(base + 2)) as usize
    } else {
        base as usize
    }
}

fn text(cell: &Cell, role: Role, decimals: usize) -> String {
    match (cell, role) {
        (Cell::Absent, Role::Metric(_)) => "—".to_owned(),
        (Cell::Absent, _) => String::new(),
        (Cell::Value(value), _) => wording::value(value),
        (Cell::Count(count), _) => count.to_string(),
        (Cell::Mark(Mark::Best), _) => "★".to_owned(),
        (Cell::Mark(Mark::Indistinct), _) => "≈".to_owned(),
        (Cell::Flag, _) => "✓".to_owned(),
        (Cell::Interval(it), _) => interval(role.unit(), it, decimals),
        (Cell::Difference(it), _) => difference(role.unit(), it, decimals),
        (Cell::Note(note), _) => note.clone(),
        (Cell::Statistic(it), Role::Metric(Unit::Seconds)) => tracking::seconds(it.mean),
        (Cell::Statistic(it), Role::Metric(Unit::Share)) => measured(it, 100.0, decimals) + " %",
        (Cell::Statistic(it), _) => measured(it, 1.0, decimals),
    }
}

/// `[91.31, 91.50]`
fn interval(unit: Unit, interval: &Interval, decimals: usize) -> String {
    let number = |number: f64| match unit {
        Unit::Share => wording::decimal(100.0 * number, decimals),
        _ => wording::decimal(number, decimals),
    };
    format!("[{}, {}]", number(interval.low), number(interval.high)).replace('-', "−")
}

/// `−0.12 [−0.21, −0.03]`, the interval as wide as the number of comparisons demands.
fn difference(unit: Unit, behind: &Behind, decimals: usize) -> String {
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    let signed = |number: f64| {
        let text = wording::decimal((scale * number).abs(), decimals);
        let is_zero = !text.contains(|c: char| matches!(c, '1'..='9'));
        format!(
            "{}{text}",
            if is_zero {
                ""
            } else if number < 0.0 {
                "−"
            } else {
                "+"
            }
        )
    };
    let mean = signed(behind.difference.mean);
    behind.test.map_or_else(
        || mean.clone(),
        |test| format!("{mean} [{}, {}]", signed(test.interval.low), signed(test.interval.high)),
    )
}

fn measured(statistic: &Statistic, scale: f64, decimals: usize) -> String {
    let mean = wording::decimal(scale * statistic.mean, decimals);
    match statistic.deviation {
        Some(deviation) => format!("{mean} ± {}", wording::decimal(scale * deviation, decimals)),
        None => mean,
    }
}
