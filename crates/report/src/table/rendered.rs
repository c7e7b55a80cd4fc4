//! Columns as text for people.

use analysis::best::Standing;
use analysis::metric::Unit;
use analysis::statistics::{Interval, Statistic};
use tracking::{Value, printable};
use unicode_width::UnicodeWidthStr;

use super::cells::Cell;
use super::column::{Column, Prominence, Role};
use super::comparison_table::Table;
use crate::comparison::DifferenceFromReference;
use crate::number_format;
use crate::wording;

/// The maximum width of a text that must differ from another.
const LONGEST_DISTINCT_TEXT: usize = 200;

/// A column as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedColumn {
    /// Its name on the command line.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its importance.
    pub prominence: Prominence,
    /// Whether it holds numbers, which are aligned to the right.
    pub numeric: bool,
    /// One text per row. A missing metric is `—`, any other missing value is empty.
    pub cells: Vec<String>,
}

impl RenderedColumn {
    /// The width with the title in one line.
    pub fn width(&self) -> usize {
        self.cell_width().max(self.title.width())
    }

    /// The width with a split title.
    pub fn narrowest_width(&self) -> usize {
        self.cell_width()
            .max(title_parts(&self.title).map(UnicodeWidthStr::width).max().unwrap_or(0))
    }

    fn cell_width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).max().unwrap_or(0)
    }

    /// The lines of the title if the column is as narrow as possible.
    pub fn split_title(&self) -> Vec<String> {
        let width = self.narrowest_width();
        let mut lines: Vec<String> = Vec::new();
        for part in title_parts(&self.title) {
            match lines.last_mut() {
                Some(line) if line.width() + part.width() <= width => line.push_str(part),
                _ => lines.push(part.to_owned()),
            }
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// The parts between which a title can be split: after an underscore or a blank.
fn title_parts(title: &str) -> impl Iterator<Item = &str> {
    title.split_inclusive(['_', ' '])
}

impl Table {
    /// The columns for people, as text. All numbers of a column have the same number of decimals.
    pub fn rendered_columns(&self) -> Vec<RenderedColumn> {
        let columns = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.prominence > Prominence::Machine);
        columns.map(|(index, column)| self.rendered_column(index, column)).collect()
    }

    fn rendered_column(&self, index: usize, column: &Column) -> RenderedColumn {
        let cells = || self.rows.iter().map(|row| &row.cells[index]);
        let decimals = match column.role {
            Role::Key | Role::Count => 0,
            role if role.is_text() => 0,
            role => decimals(role.unit(), cells()),
        };
        let is_text = |cell: &Cell| matches!(cell, Cell::Value(Value::Text(_)));
        RenderedColumn {
            name: column.name.clone(),
            title: column.title.clone(),
            prominence: column.prominence,
            numeric: !column.role.is_text() && !cells().any(is_text),
            cells: distinct_texts(cells().collect(), column.role, decimals),
        }
    }
}

/// One text per cell. Long texts are cut, unless two different ones would look equal.
fn distinct_texts(cells: Vec<&Cell>, role: Role, decimals: usize) -> Vec<String> {
    let texts: Vec<String> = cells.iter().map(|cell| text(cell, role, decimals)).collect();
    let is_ambiguous = |(index, shown): (usize, &String)| {
        let first = texts.iter().position(|other| other == shown).unwrap_or(index);
        cells[first] != cells[index]
    };
    if role != Role::Key || !texts.iter().enumerate().any(is_ambiguous) {
        return texts;
    }
    let whole = |(cell, shown): (&Cell, String)| match cell {
        Cell::Value(Value::Text(text)) => {
            wording::truncated(&printable(text), LONGEST_DISTINCT_TEXT).into_owned()
        }
        _ => shown,
    };
    cells.into_iter().zip(texts).map(whole).collect()
}

/// The number of decimals that shows at least one digit of the smallest spread in a column: two for
/// percentages and three for other numbers, or up to two more.
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
        (Cell::Interval(limits), _) => interval(unit, limits, decimals),
        (Cell::Distance(standing), _) => distance(unit, standing, decimals),
        (Cell::Difference(found), _) => difference(unit, found, decimals),
        (Cell::Left(left), _) => left.text.clone(),
        (Cell::Note(note), _) => note.clone(),
        (Cell::Level(level), _) if unit == Unit::Seconds => tracking::seconds(*level),
        (Cell::Level(level), _) => {
            number_format::decimal(unit.scale() * level, decimals) + suffix(unit)
        }
        (Cell::Statistic(time), _) if unit == Unit::Seconds => tracking::seconds(time.mean),
        (Cell::Statistic(statistic), _) => {
            mean_and_deviation(statistic, unit.scale(), decimals) + suffix(unit)
        }
    }
}

fn suffix(unit: Unit) -> &'static str {
    if unit.is_points() { " %" } else { "" }
}

/// `[91.31, 91.50]`
fn interval(unit: Unit, interval: &Interval, decimals: usize) -> String {
    let interval = unit.clip_value(*interval);
    let number = |number: f64| number_format::decimal(unit.scale() * number, decimals);
    format!("[{}, {}]", number(interval.low), number(interval.high)).replace('-', "−")
}

/// `0.39 to 4.86`, or `at most 0.46` if the setting is not shown to be strictly worse. A limit that
/// every value of the metric satisfies is left out.
fn distance(unit: Unit, standing: &Standing, decimals: usize) -> String {
    let Some(limits) = standing.distance else { return String::new() };
    let number = |number: f64| magnitude(unit, number, decimals);
    let is_informative = |low: &f64| unit.largest().is_none_or(|largest| low.abs() < largest);
    match (limits.low.filter(is_informative), limits.high) {
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
        |test| {
            let limits = unit.clip_difference(test.interval);
            format!("{mean} [{}, {}]", signed(limits.low), signed(limits.high))
        },
    )
}

/// Formats the absolute value of a difference, in points for accuracies. A nonzero difference never
/// appears as 0.
fn magnitude(unit: Unit, difference: f64, decimals: usize) -> String {
    let number = (unit.scale() * difference).abs();
    if unit == Unit::Seconds {
        return tracking::seconds(number);
    }
    let text = number_format::decimal(number, decimals);
    if number_format::is_zero(&text) && number > 0.0 { format!("{number:.1e}") } else { text }
}

/// `91.41 ± 0.05`
fn mean_and_deviation(statistic: &Statistic, scale: f64, decimals: usize) -> String {
    let mean = number_format::decimal(scale * statistic.mean, decimals);
    match statistic.deviation {
        Some(deviation) => {
            format!("{mean} ± {}", number_format::decimal(scale * deviation, decimals))
        }
        None => mean,
    }
}
