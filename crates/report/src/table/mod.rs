//! Rows and columns, once: what of a comparison is shown, and what each column is worth when there is no room for all.

pub mod legend;

use tracking::{ColumnNames, Value};

use crate::analysis::best::Standing;
use crate::analysis::comparison::{
    Comparison, DifferenceFromReference, Promise, Setting, StatusCounts,
};
use crate::analysis::statistics::{Interval, Statistic};
use crate::metric::{Metric, Unit};
use crate::narrative;
use crate::number_format;
use crate::runs::EpochChoice;
use crate::wording;

/// How much a column matters to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prominence {
    /// Only for programs, which have room for everything.
    Machine,
    /// Left out where there is no room; lower ones first.
    Optional(u8),
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
    /// What ranks a setting, where that is not the mean of its runs.
    Level(Unit),
    /// Where the mean of a metric lies.
    Interval(Unit),
    /// How far the setting is behind the best, at least and at most.
    Distance(Unit),
    /// How far the setting is from the baseline, or from the marked one.
    Difference(Unit),
    /// How the setting stands: ★, ≈ or a word.
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
            Self::Metric(unit)
            | Self::Level(unit)
            | Self::Interval(unit)
            | Self::Distance(unit)
            | Self::Difference(unit) => unit,
            Self::Key | Self::Count | Self::Mark | Self::Flag | Self::Note => Unit::Number,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name for programs, which no other column of the table has.
    pub name: String,
    /// The hyperparameter, metric or count that it shows.
    pub of: String,
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
    /// A metric over the replicates that have it.
    Statistic(Statistic),
    /// What ranks a setting.
    Level(f64),
    /// The 95 % interval of a mean.
    Interval(Interval),
    /// How the setting stands beside the best.
    Distance(Standing),
    /// A difference from the reference.
    Difference(DifferenceFromReference),
    /// How the setting stands.
    Mark(Mark),
    /// Yes.
    Flag,
    /// Words.
    Note(String),
}

/// How a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is the best-ranked of those that may be the best.
    Best,
    /// It may be the best.
    MayBeBest,
    /// The others are held against it.
    Baseline,
    /// It is better than the baseline.
    Better,
    /// It is worse than the baseline.
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

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One cell a column.
    pub cells: Vec<Cell>,
    /// Marked as the best.
    pub best: bool,
    /// Without the metric that ranks.
    pub unranked: bool,
    /// How it stands beside the best.
    pub standing: Standing,
}

/// A comparison as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What is laid out.
    pub comparison: Comparison,
    /// Digits of the dataset's digest, where another dataset of this name has a table too.
    pub digest: Option<String>,
    /// What was found in the course of training, beside the comparison.
    pub warnings: Vec<String>,
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
    let digests: Vec<Option<String>> =
        comparisons.iter().map(|it| ambiguous_digest(it, &comparisons)).collect();
    comparisons
        .into_iter()
        .zip(digests)
        .map(|(comparison, digest)| table(comparison, digest, layout))
        .collect()
}

fn ambiguous_digest(comparison: &Comparison, all: &[Comparison]) -> Option<String> {
    let clash = |other: &Comparison| {
        other.experiment == comparison.experiment
            && other.datasets == comparison.datasets
            && other.dataset_sha256 != comparison.dataset_sha256
    };
    all.iter().any(clash).then(|| comparison.dataset_sha256.chars().take(8).collect())
}

fn table(comparison: Comparison, digest: Option<String>, layout: &Layout) -> Table {
    let columns = match &layout.columns {
        Some(wanted) => chosen(&available_columns(&comparison), wanted),
        None => columns(&comparison),
    };
    let shown = layout
        .top
        .map_or(comparison.settings.len(), |top| comparison.settings.len().min(top as usize));
    let rows = comparison.settings[..shown].iter().enumerate().map(|(place, setting)| Row {
        cells: columns.iter().map(|column| cell(column, place, setting, &comparison)).collect(),
        best: setting.is_best,
        unranked: setting.level.is_none(),
        standing: setting.standing,
    });
    let rows = rows.collect();
    Table {
        rows,
        more: comparison.settings.len() - shown,
        digest,
        columns,
        comparison,
        warnings: Vec::new(),
    }
}

/// The columns of these names, as many as there are.
fn chosen(columns: &[Column], wanted: &[String]) -> Vec<Column> {
    let shown = |column: &Column| Column { prominence: Prominence::Needed, ..column.clone() };
    wanted
        .iter()
        .flat_map(|name| columns.iter().filter(move |it| it.name == *name))
        .map(shown)
        .collect()
}

/// All that a table of this comparison can have: what it has without being asked, and the hyperparameters that all settings share.
pub fn available_columns(comparison: &Comparison) -> Vec<Column> {
    let mut columns = columns(comparison);
    let mut names = ColumnNames::new(columns.iter().map(|column| column.name.as_str()).chain(OWN));
    columns.extend(comparison.constants.iter().map(|(name, _)| key(name, &mut names)));
    columns
}

/// Columns that every table has a name for, so that no hyperparameter or metric takes it.
pub const OWN: [&str; 21] = [
    "experiment",
    "dataset",
    "dataset_sha256",
    "fallback_for",
    "validation",
    "ranked_by",
    "n",
    "runs",
    "diverged",
    "failed",
    "killed",
    "running",
    "adjusted",
    "interval",
    "compared",
    "may_be_best",
    "p_best",
    "distance_to_best",
    "difference",
    "best",
    "front",
];

fn key(name: &str, names: &mut ColumnNames) -> Column {
    Column {
        name: names.claim(name, "param_"),
        of: name.to_owned(),
        title: wording::title(name),
        role: Role::Key,
        prominence: Prominence::Needed,
    }
}

fn own(name: &str, title: &str, role: Role, prominence: Prominence) -> Column {
    Column { name: name.to_owned(), of: name.to_owned(), title: title.to_owned(), role, prominence }
}

fn columns(comparison: &Comparison) -> Vec<Column> {
    let mut names = ColumnNames::new(OWN.into_iter().chain(["note"]));
    let mut columns: Vec<Column> =
        comparison.keys.iter().map(|name| key(name, &mut names)).collect();
    let settings = &comparison.settings;
    let uneven = settings.windows(2).any(|pair| pair[0].n != pair[1].n);
    let telling = uneven || !comparison.averaged.is_empty();
    let prominence = if telling { Prominence::Needed } else { Prominence::Machine };
    columns.push(own("n", "n", Role::Count, prominence));
    let counts = ["runs", "diverged", "failed", "killed", "running"];
    columns.extend(counts.map(|name| own(name, name, Role::Count, Prominence::Machine)));
    for metric in &comparison.metrics {
        let ranks = comparison.ranked_by.as_ref() == Some(&metric.name);
        columns.push(Column {
            name: names.claim(&metric.name, "metric_"),
            of: metric.name.clone(),
            title: wording::title(&metric.name),
            role: Role::Metric(metric.unit),
            prominence: if ranks {
                Prominence::Needed
            } else {
                prominence_of(&metric.name, comparison)
            },
        });
        if ranks {
            columns.extend(ranking(metric, comparison));
        }
    }
    columns.push(own("front", "front", Role::Flag, Prominence::Machine));
    let lacking = settings.iter().any(|it| note(it, comparison).is_some());
    let prominence = if lacking { Prominence::Needed } else { Prominence::Machine };
    columns.push(own("note", "", Role::Note, prominence));
    columns
}

/// What stands beside the metric that ranks: how each setting stands, its interval, and its distance.
fn ranking(metric: &Metric, comparison: &Comparison) -> Vec<Column> {
    let (unit, settings) = (metric.unit, &comparison.settings);
    let repeated = settings.iter().any(|it| it.n > 1);
    let spare =
        |there: bool, worth| if there { Prominence::Optional(worth) } else { Prominence::Machine };
    let points = if unit.is_points() { "points " } else { "" };
    let behind = if metric.is_minimized() {
        "worse than the best by".to_owned()
    } else {
        format!("{points}behind the best")
    };
    let against = matches!(comparison.promise, Some(Promise::Against(_)));
    let from = if against { format!("{points}from baseline") } else { format!("{points}from ★") };
    let among = comparison.promise == Some(Promise::BestIsAmong);
    let mut columns = vec![
        own("best", "", Role::Mark, Prominence::Needed),
        own(
            "adjusted",
            "adjusted",
            Role::Level(unit),
            spare(!comparison.complete || comparison.cells.is_some(), 8),
        ),
        own("interval", "95 % of this mean alone", Role::Interval(unit), spare(repeated, 6)),
        own("distance_to_best", &behind, Role::Distance(unit), spare(among, 11)),
        own("difference", &from, Role::Difference(unit), spare(against, 11)),
    ];
    if against {
        columns.retain(|column| column.name != "distance_to_best");
    }
    columns
}

/// What a metric is worth beside the one that ranks.
fn prominence_of(metric: &str, comparison: &Comparison) -> Prominence {
    match metric {
        _ if comparison.reported_by.as_deref() == Some(metric) => Prominence::Optional(10),
        "test_accuracy" => Prominence::Optional(9),
        "val_accuracy" if comparison.validation != "test" => Prominence::Optional(8),
        "seconds" => Prominence::Optional(5),
        "test_loss" => Prominence::Optional(4),
        "train_accuracy" => Prominence::Optional(1),
        "train_loss" | "val_loss" | "val_accuracy" => Prominence::Machine,
        _ => Prominence::Optional(3),
    }
}

fn cell(column: &Column, place: usize, setting: &Setting, comparison: &Comparison) -> Cell {
    match column.role {
        Role::Key => {
            let value = match comparison.keys.iter().position(|key| *key == column.of) {
                Some(position) => setting.values[position].clone(),
                None => comparison
                    .constants
                    .iter()
                    .find(|(name, _)| *name == column.of)
                    .map(|(_, it)| it.clone()),
            };
            value.map_or(Cell::Absent, Cell::Value)
        }
        Role::Count => Cell::Count(counted(&column.of, setting)),
        Role::Metric(_) => {
            setting.metric(&column.of).map_or(Cell::Absent, |it| Cell::Statistic(*it))
        }
        Role::Level(_) => setting.level.map_or(Cell::Absent, Cell::Level),
        Role::Interval(_) => {
            let statistic = comparison.ranked_by.as_ref().and_then(|name| setting.metric(name));
            statistic.and_then(Statistic::interval).map_or(Cell::Absent, Cell::Interval)
        }
        Role::Distance(_) => match setting.standing.distance {
            Some(_) => Cell::Distance(setting.standing),
            None => Cell::Absent,
        },
        Role::Difference(_) => setting.difference.map_or(Cell::Absent, Cell::Difference),
        Role::Mark => mark(place, setting, comparison).map_or(Cell::Absent, Cell::Mark),
        Role::Flag if setting.on_front => Cell::Flag,
        Role::Flag => Cell::Absent,
        Role::Note => note(setting, comparison).map_or(Cell::Absent, Cell::Note),
    }
}

fn mark(place: usize, setting: &Setting, comparison: &Comparison) -> Option<Mark> {
    match comparison.promise {
        Some(Promise::Against(baseline)) if baseline == place => Some(Mark::Baseline),
        Some(Promise::Against(_)) => {
            let difference = setting
                .difference
                .filter(|it| it.test.is_some_and(|test| test.is_significant()))?;
            let better = comparison.ranking()?.worth(difference.mean) > 0.0;
            Some(if better { Mark::Better } else { Mark::Worse })
        }
        _ if setting.is_best => Some(Mark::Best),
        _ => (setting.standing.may_be_best && !comparison.is_open()).then_some(Mark::MayBeBest),
    }
}

fn counted(name: &str, setting: &Setting) -> usize {
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

/// `mean of 2 of 3 runs: 1 diverged`, where not all have the metric that ranks.
fn note(setting: &Setting, comparison: &Comparison) -> Option<String> {
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
        parts.push(format!("{of} without {}", wording::title(metric)));
    }
    let parts = Some(parts.join(", ")).filter(|parts| !parts.is_empty())?;
    Some(if measured > 0 { format!("mean of {measured} of {total} runs: {parts}") } else { parts })
}

/// A column as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedColumn {
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
    pub fn shown(&self) -> Vec<RenderedColumn> {
        let columns = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.prominence > Prominence::Machine);
        columns.map(|(index, column)| self.shown_column(index, column)).collect()
    }

    fn shown_column(&self, index: usize, column: &Column) -> RenderedColumn {
        let cells = || self.rows.iter().map(|row| &row.cells[index]);
        let decimals = match column.role {
            Role::Key | Role::Count | Role::Mark | Role::Flag | Role::Note => 0,
            role => decimals(role.unit(), cells()),
        };
        let words = |cell: &Cell| matches!(cell, Cell::Value(Value::Text(_)));
        RenderedColumn {
            title: column.title.clone(),
            prominence: column.prominence,
            numeric: !matches!(column.role, Role::Mark | Role::Flag | Role::Note)
                && !cells().any(words),
            cells: cells().map(|cell| text(cell, column.role, decimals)).collect(),
        }
    }

    /// What is said above the table, phrase by phrase.
    pub fn facts(&self) -> Vec<String> {
        let comparison = &self.comparison;
        let digest = self.digest.as_ref().map_or_else(String::new, |digest| format!(" ({digest})"));
        let mut facts =
            vec![tracking::printable(&comparison.datasets.join(" = ")).into_owned() + &digest];
        let replicate = |name: &str| comparison.replicate.as_deref() == Some(name);
        let constants = comparison.constants.iter().filter(|(name, _)| !replicate(name));
        facts.extend(constants.map(|(name, value)| wording::constant(name, value)));
        facts.extend(replicates(comparison));
        if comparison.computed.len() > 1 {
            facts.push(tracking::printable(&comparison.computed.join(" and ")).into_owned());
        }
        facts.push(runs(&comparison.counts));
        if !comparison.averaged.is_empty() {
            let averaged: Vec<String> =
                comparison.averaged.iter().map(|name| wording::title(name)).collect();
            facts.push(format!("averaged over {}", averaged.join(", ")));
        }
        facts.extend(match comparison.epoch {
            EpochChoice::Last => None,
            EpochChoice::Best => Some("each run at its best epoch".to_owned()),
            EpochChoice::Epoch(epoch) => Some(format!("after epoch {epoch}")),
        });
        facts.extend(ranking_fact(comparison));
        facts.retain(|fact| !fact.is_empty());
        facts
    }

    /// What is said below the table: how sure the best is, what to do about it, what moves the metric, what is quick.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = narrative::answer(&self.comparison);
        notes.extend(self.warnings.iter().cloned());
        notes.extend(narrative::background(&self.comparison));
        notes
    }

    /// Said loudly: this is not the dataset that was asked for.
    pub fn warning(&self) -> Option<String> {
        let comparison = &self.comparison;
        comparison.fallback_for.as_ref().map(|wanted| {
            let words = format!(
                "{}, in place of {wanted}, which was unavailable",
                comparison.datasets.join(" = ")
            );
            tracking::printable(&words).into_owned()
        })
    }
}

/// `3 seeds`; the seed, where there is one.
fn replicates(comparison: &Comparison) -> Option<String> {
    let name = comparison.replicate.as_deref()?;
    if let Some((_, value)) = comparison.constants.iter().find(|(constant, _)| constant == name) {
        return Some(format!("{} {}", wording::title(name), wording::value(value)));
    }
    (comparison.replicates > 0).then(|| {
        let replicates = wording::replicates(comparison.replicates, name);
        if comparison.complete {
            replicates
        } else {
            format!("{replicates}, not all of them in every setting")
        }
    })
}

/// `63 runs, none failed` or `63 runs, 2 diverged`.
fn runs(counts: &StatusCounts) -> String {
    let ended: Vec<String> = counts
        .unfinished()
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    let ended = if ended.is_empty() { ", none failed".to_owned() } else { ended.concat() };
    wording::count(counts.total(), "run") + &ended
}

fn ranking_fact(comparison: &Comparison) -> Option<String> {
    let metric = comparison.ranking()?;
    let held_out = match comparison.validation.as_str() {
        "test" => String::new(),
        fraction => {
            format!(" ({} of the training set held out, stratified)", tracking::printable(fraction))
        }
    };
    let ranked = match metric.name.as_str() {
        "test_accuracy" => "ranked on the test set (optimistic)".to_owned(),
        "val_accuracy" if comparison.validation != "test" => {
            format!("ranked on validation{held_out}")
        }
        "val_loss" if comparison.validation != "test" => {
            format!("ranked by validation loss{held_out}")
        }
        name if comparison.is_optimistic() => {
            format!("ranked by {} on the test set (optimistic)", wording::title(name))
        }
        name => format!("ranked by {}", wording::title(name)),
    };
    Some(if metric.is_minimized() { format!("{ranked}, lower is better") } else { ranked })
}

/// So many decimals that the least spread of a column still shows a digit: two of a per cent, three of a loss, or at
/// most two more.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn decimals<'a>(unit: Unit, cells: impl Iterator<Item = &'a Cell>) -> usize {
    let base = if unit.is_points() { 2 } else { 3 };
    let spread = |cell: &Cell| {
        let spread = match cell {
            Cell::Statistic(Statistic { deviation, .. }) => *deviation,
            Cell::Interval(Interval { low, high }) => Some(high - low),
            Cell::Distance(Standing { distance: Some(limits), .. }) => {
                limits.low.map(|low| limits.high - low)
            }
            Cell::Difference(DifferenceFromReference { test: Some(test), .. }) => {
                Some(test.interval.high - test.interval.low)
            }
            _ => None,
        };
        spread.filter(|spread| *spread > 0.0).map(|spread| unit.scale() * spread)
    };
    let least = cells.filter_map(spread).fold(f64::INFINITY, f64::min);
    if least.is_finite() {
        (-least.log10()).ceil().clamp(f64::from(base), f64::from(base + 2)) as usize
    } else {
        base as usize
    }
}

fn text(cell: &Cell, role: Role, decimals: usize) -> String {
    let unit = role.unit();
    match (cell, role) {
        (Cell::Absent, Role::Metric(_)) => "—".to_owned(),
        (Cell::Absent, _) => String::new(),
        (Cell::Value(value), _) => wording::value(value),
        (Cell::Count(count), _) => count.to_string(),
        (Cell::Mark(mark), _) => mark.sign().to_owned(),
        (Cell::Flag, _) => "✓".to_owned(),
        (Cell::Interval(it), _) => interval(unit, it, decimals),
        (Cell::Distance(it), _) => distance(unit, it, decimals),
        (Cell::Difference(it), _) => difference(unit, it, decimals),
        (Cell::Note(note), _) => note.clone(),
        (Cell::Level(level), _) if unit == Unit::Seconds => tracking::seconds(*level),
        (Cell::Level(level), _) => {
            number_format::decimal(unit.scale() * level, decimals) + suffix(unit)
        }
        (Cell::Statistic(it), _) if unit == Unit::Seconds => tracking::seconds(it.mean),
        (Cell::Statistic(it), _) => measured(it, unit.scale(), decimals) + suffix(unit),
    }
}

fn suffix(unit: Unit) -> &'static str {
    if unit.is_points() { " %" } else { "" }
}

/// `[91.31, 91.50]`
fn interval(unit: Unit, interval: &Interval, decimals: usize) -> String {
    let number = |number: f64| number_format::decimal(unit.scale() * number, decimals);
    format!("[{}, {}]", number(interval.low), number(interval.high)).replace('-', "−")
}

/// `0.39 to 4.86`, or `at most 0.46` of what is not shown to be strictly worse.
fn distance(unit: Unit, standing: &Standing, decimals: usize) -> String {
    let Some(limits) = standing.distance else { return String::new() };
    let number = |number: f64| magnitude(unit, number, decimals);
    match (limits.low, limits.high) {
        (Some(0.0), _) => "0".to_owned(),
        (Some(low), 0.0) => format!("at most {}", number(low)),
        (Some(low), high) => format!("{} to {}", number(high), number(low)),
        (None, 0.0) => "unknown".to_owned(),
        (None, high) => format!("at least {}", number(high)),
    }
}

/// `−0.12 [−0.21, −0.03]`
fn difference(unit: Unit, difference: &DifferenceFromReference, decimals: usize) -> String {
    let signed = |number: f64| {
        let sign = match number {
            0.0 => "",
            ..0.0 => "−",
            _ => "+",
        };
        sign.to_owned() + &magnitude(unit, number, decimals)
    };
    let mean = signed(difference.mean);
    difference.test.map_or_else(
        || mean.clone(),
        |test| format!("{mean} [{}, {}]", signed(test.interval.low), signed(test.interval.high)),
    )
}

/// Formats the absolute value of a difference, in points for accuracies. A nonzero difference never appears as 0.
fn magnitude(unit: Unit, difference: f64, decimals: usize) -> String {
    let number = (unit.scale() * difference).abs();
    if unit == Unit::Seconds {
        return tracking::seconds(number);
    }
    let text = number_format::decimal(number, decimals);
    if number_format::is_zero(&text) && number > 0.0 { format!("{number:.1e}") } else { text }
}

fn measured(statistic: &Statistic, scale: f64, decimals: usize) -> String {
    let mean = number_format::decimal(scale * statistic.mean, decimals);
    match statistic.deviation {
        Some(deviation) => {
            format!("{mean} ± {}", number_format::decimal(scale * deviation, decimals))
        }
        None => mean,
    }
}
