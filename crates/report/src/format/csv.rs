//! For a spreadsheet: one row a setting, every number in full, what was not measured empty, text that is no formula.

use std::io;

use tracking::neutralised;

use crate::behind::{Behind, Test};
use crate::statistics::Interval;
use crate::statistics::Statistic;
use crate::table::{Cell, Mark, Role, Row, Table};

/// All tables in one: their columns put together, in the order of each.
///
/// # Errors
/// When a row cannot be written, which memory does not refuse.
pub fn csv(tables: &[Table]) -> io::Result<String> {
    let names = |wanted: fn(Role) -> bool| {
        let columns = tables.iter().flat_map(|table| &table.columns).filter(|column| wanted(column.role));
        let mut names: Vec<&str> = Vec::new();
        for column in columns {
            if !names.contains(&column.name.as_str()) {
                names.push(&column.name);
            }
        }
        names
    };
    let (keys, counts, metrics) = (names(is_key), names(is_count), names(is_metric));
    let mut out = ::csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> =
        ["experiment", "dataset", "dataset_sha256", "fallback_for", "validation", "ranked_by"]
            .map(str::to_owned)
            .to_vec();
    header.extend(keys.iter().chain(&counts).map(|name| neutralised(name).into_owned()));
    let parts =
        |name: &&str| ["mean", "sd", "low", "high"].map(|part| neutralised(&format!("{name}_{part}")).into_owned());
    header.extend(metrics.iter().flat_map(parts));
    let compared = names(is_difference);
    for name in &compared {
        header.extend(DIFFERENCE.map(|part| format!("{name}_{part}")));
    }
    let marks = names(is_mark);
    header.extend(marks.iter().map(|name| (*name).to_owned()));
    out.write_record(&header)?;
    for table in tables {
        for row in &table.rows {
            let mut record = context(table);
            record.extend(keys.iter().map(|name| plain(cell(table, row, name, is_key))));
            record.extend(counts.iter().map(|name| plain(cell(table, row, name, is_count))));
            record.extend(metrics.iter().flat_map(|name| statistic(cell(table, row, name, is_metric))));
            record.extend(compared.iter().flat_map(|name| difference(cell(table, row, name, is_difference))));
            record.extend(marks.iter().map(|name| mark(cell(table, row, name, is_mark))));
            out.write_record(&record)?;
        }
    }
    let bytes = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn context(table: &Table) -> Vec<String> {
    let comparison = &table.comparison;
    let texts = [
        comparison.experiment.name.as_str(),
        &comparison.dataset,
        &comparison.dataset_sha256,
        comparison.fallback_for.as_deref().unwrap_or_default(),
        &comparison.validation,
        comparison.ranked_by.as_deref().unwrap_or_default(),
    ];
    texts.map(|text| neutralised(text).into_owned()).to_vec()
}

fn is_key(role: Role) -> bool {
    role == Role::Key
}

fn is_count(role: Role) -> bool {
    role == Role::Count
}

fn is_metric(role: Role) -> bool {
    matches!(role, Role::Metric(_))
}

fn is_difference(role: Role) -> bool {
    matches!(role, Role::Difference(_))
}

fn is_mark(role: Role) -> bool {
    matches!(role, Role::Mark | Role::Flag)
}

/// By name and role: another program may call a hyperparameter `n`.
fn cell<'a>(table: &Table, row: &'a Row, name: &str, wanted: fn(Role) -> bool) -> &'a Cell {
    let mut columns = table.columns.iter();
    let position = columns.position(|column| column.name == name && wanted(column.role));
    position.map_or(&Cell::Absent, |index| &row.cells[index])
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Value(tracking::Value::Text(text)) => neutralised(text).into_owned(),
        Cell::Value(value) => value.to_string(),
        Cell::Count(count) => count.to_string(),
        _ => String::new(),
    }
}

fn number(number: f64) -> String {
    tracking::Value::Real(number).to_string()
}

/// Mean, standard deviation, and the ends of the interval of the mean.
fn statistic(cell: &Cell) -> [String; 4] {
    match cell {
        Cell::Statistic(it) => numbers(it),
        _ => std::array::from_fn(|_| String::new()),
    }
}

fn numbers(statistic: &Statistic) -> [String; 4] {
    let end = |end: fn(Interval) -> f64| statistic.interval().map(end).map_or_else(String::new, number);
    let deviation = statistic.deviation.map_or_else(String::new, number);
    [number(statistic.mean), deviation, end(|it| it.low), end(|it| it.high)]
}

/// What [`difference`] gives.
const DIFFERENCE: [&str; 9] = ["n", "mean", "sd", "low", "high", "p", "p_corrected", "low_corrected", "high_corrected"];

fn difference(cell: &Cell) -> [String; 9] {
    let Cell::Difference(Behind { difference, test }) = cell else {
        return std::array::from_fn(|_| String::new());
    };
    let [mean, deviation, low, high] = numbers(difference);
    let of_test = |of: fn(&Test) -> f64| test.as_ref().map(of).map_or_else(String::new, number);
    let ends = [of_test(|it| it.interval.low), of_test(|it| it.interval.high)];
    let [low_corrected, high_corrected] = ends;
    let (p, corrected) = (of_test(|it| it.p), of_test(|it| it.corrected.p));
    [difference.n.to_string(), mean, deviation, low, high, p, corrected, low_corrected, high_corrected]
}

/// `best`, `indistinct`, `true` or nothing.
fn mark(cell: &Cell) -> String {
    match cell {
        Cell::Mark(Mark::Best) => "best",
        Cell::Mark(Mark::Indistinct) => "indistinct",
        Cell::Flag => "true",
        _ => "",
    }
    .to_owned()
}
