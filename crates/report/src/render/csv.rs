//! For a spreadsheet: one row per setting, every number in full, what was not measured empty, text that is no formula.

use std::io;

use tracking::{ColumnNames, escape_formula};

use crate::analysis::best::Standing;
use crate::analysis::comparison::DifferenceFromReference;
use crate::analysis::statistics::{Interval, Statistic};
use crate::table::{Cell, RESERVED_NAMES, Role, Row, Table};

/// What every table has before its own columns.
const CONTEXT: [&str; 6] =
    ["experiment", "dataset", "dataset_sha256", "fallback_for", "validation", "ranked_by"];

/// A column of tables, and what it becomes here: one column, or several of whose names these are the ends.
struct Columns {
    name: String,
    role: Role,
    ends: &'static [&'static str],
}

/// All tables in one: their columns put together, in the order of each.
///
/// # Errors
/// When a row cannot be written, which memory does not refuse.
pub fn csv(tables: &[Table]) -> io::Result<String> {
    let mut columns: Vec<Columns> = Vec::new();
    for order in 0..6 {
        for column in tables
            .iter()
            .flat_map(|table| &table.columns)
            .filter(|column| place(column.role) == Some(order))
        {
            if !columns
                .iter()
                .any(|known| known.name == column.name && place(known.role) == Some(order))
            {
                columns.push(Columns {
                    name: column.name.clone(),
                    role: column.role,
                    ends: ends(column.role),
                });
            }
        }
    }
    let mut names = ColumnNames::new(RESERVED_NAMES);
    let mut header: Vec<String> = CONTEXT.map(str::to_owned).to_vec();
    for column in &columns {
        header.extend(column.ends.iter().map(|end| match column.role {
            Role::Key => names.claim(&column.name, "param_"),
            Role::Metric(_) => names.claim(&format!("{}_{end}", column.name), "metric_"),
            Role::Distance(_) => (*end).to_owned(),
            _ if end.is_empty() => column.name.clone(),
            _ => format!("{}_{end}", column.name),
        }));
    }
    let mut out = ::csv::Writer::from_writer(Vec::new());
    out.write_record(&header)?;
    for table in tables {
        for row in &table.rows {
            let mut record = context(table);
            record
                .extend(columns.iter().flat_map(|column| cells(column, cell(table, row, column))));
            out.write_record(&record)?;
        }
    }
    let bytes = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Hyperparameters before counts, metrics, what is said of the best, differences and marks. Intervals are those of metrics, notes are
/// for people.
fn place(role: Role) -> Option<usize> {
    match role {
        Role::Key => Some(0),
        Role::Count => Some(1),
        Role::Metric(_) => Some(2),
        Role::Level(_) | Role::Distance(_) => Some(3),
        Role::Difference(_) => Some(4),
        Role::Mark | Role::Flag => Some(5),
        Role::Interval(_) | Role::Note => None,
    }
}

fn ends(role: Role) -> &'static [&'static str] {
    match role {
        Role::Metric(_) => &["n", "mean", "sd", "low", "high"],
        Role::Distance(_) => {
            &["compared", "may_be_best", "p_best", "distance_to_best_low", "distance_to_best_high"]
        }
        Role::Difference(_) => &["n", "mean", "low", "high", "p", "p_corrected"],
        _ => &[""],
    }
}

fn context(table: &Table) -> Vec<String> {
    let comparison = &table.comparison;
    let texts = [
        comparison.experiment.name.as_str(),
        comparison.datasets.first().map_or("", String::as_str),
        &comparison.dataset_sha256,
        comparison.fallback_for.as_deref().unwrap_or_default(),
        &comparison.validation,
        comparison.ranked_by.as_deref().unwrap_or_default(),
    ];
    texts.map(|text| escape_formula(text).into_owned()).to_vec()
}

/// By name and role: one program's hyperparameter may be another's metric.
fn cell<'a>(table: &Table, row: &'a Row, wanted: &Columns) -> &'a Cell {
    let is_it = |column: &crate::table::Column| {
        column.name == wanted.name && place(column.role) == place(wanted.role)
    };
    table.columns.iter().position(is_it).map_or(&Cell::Absent, |index| &row.cells[index])
}

/// As many cells as the column has ends.
fn cells(column: &Columns, cell: &Cell) -> Vec<String> {
    let cells = match cell {
        Cell::Value(tracking::Value::Text(text)) => vec![escape_formula(text).into_owned()],
        Cell::Value(value) => vec![value.to_string()],
        Cell::Count(count) => vec![count.to_string()],
        Cell::Level(level) => vec![number(*level)],
        Cell::Statistic(cell) => statistic(cell).to_vec(),
        Cell::Distance(cell) => standing(cell).to_vec(),
        Cell::Difference(cell) => difference(cell).to_vec(),
        Cell::Mark(mark) => vec![mark.word().to_owned()],
        Cell::Flag => vec!["true".to_owned()],
        Cell::Absent | Cell::Interval(_) | Cell::Note(_) => Vec::new(),
    };
    if cells.is_empty() { vec![String::new(); column.ends.len()] } else { cells }
}

fn number(number: f64) -> String {
    tracking::Value::Real(number).to_string()
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// Replicates, mean, standard deviation, and the ends of the interval of this mean alone.
fn statistic(statistic: &Statistic) -> [String; 5] {
    let end = |end: fn(Interval) -> f64| optional(statistic.interval().map(end));
    let (n, mean) = (statistic.n.to_string(), number(statistic.mean));
    [n, mean, optional(statistic.deviation), end(|limits| limits.low), end(|limits| limits.high)]
}

fn standing(standing: &Standing) -> [String; 5] {
    let limits = standing.distance;
    [
        standing.compared.to_string(),
        standing.may_be_best.to_string(),
        optional(standing.p_best),
        optional(limits.and_then(|limits| limits.low)),
        optional(limits.map(|limits| limits.high)),
    ]
}

fn difference(DifferenceFromReference { n, mean, test }: &DifferenceFromReference) -> [String; 6] {
    let [low, high] =
        [test.map(|test| test.interval.low), test.map(|test| test.interval.high)].map(optional);
    let [p, corrected] = [test.map(|test| test.p), test.map(|test| test.p_corrected)].map(optional);
    [n.to_string(), number(*mean), low, high, p, corrected]
}
