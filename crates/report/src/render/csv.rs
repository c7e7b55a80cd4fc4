//! CSV for spreadsheets: one row per setting, numbers in full, missing values empty. No text
//! becomes a formula.

use std::io;

use analysis::best::Standing;
use analysis::statistics::{Interval, Statistic};
use tracking::{ColumnNames, escape_formula};

use crate::comparison::DifferenceFromReference;
use crate::table::{Cell, Left, RACE_NAMES, RESERVED_NAMES, Role, Row, Table};

/// The first columns of every row.
const CONTEXT: [&str; 6] =
    ["experiment", "dataset", "dataset_sha256", "fallback_for", "validation", "ranked_by"];

/// A table column and the suffixes of its CSV columns: several, or one without a suffix.
struct CsvColumn {
    name: String,
    role: Role,
    suffixes: &'static [&'static str],
}

/// All tables as one, with the columns of all tables.
///
/// # Errors
/// Never in practice: rows are written to memory.
pub fn csv(tables: &[Table]) -> io::Result<String> {
    let mut columns: Vec<CsvColumn> = Vec::new();
    for order in 0..6 {
        for column in tables
            .iter()
            .flat_map(|table| &table.columns)
            .filter(|column| column_group(column.role) == Some(order))
        {
            if !columns
                .iter()
                .any(|known| known.name == column.name && column_group(known.role) == Some(order))
            {
                columns.push(CsvColumn {
                    name: column.name.clone(),
                    role: column.role,
                    suffixes: suffixes(column.role),
                });
            }
        }
    }
    let has_race = tables.iter().any(|table| table.comparison.race.is_some());
    let of_race = if has_race { &RACE_NAMES[..] } else { &[] };
    let mut names = ColumnNames::new(RESERVED_NAMES.iter().chain(of_race).copied());
    let mut header: Vec<String> = CONTEXT.map(str::to_owned).to_vec();
    for column in &columns {
        header.extend(column.suffixes.iter().map(|end| match column.role {
            Role::Key => names.claim(&column.name, "param_"),
            Role::Metric(_) => names.claim(&format!("{}_{end}", column.name), "metric_"),
            Role::Distance(_) | Role::Left => (*end).to_owned(),
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

/// The order of columns: hyperparameters, counts, metrics, comparison with the best, differences,
/// marks. Intervals are part of metrics, and notes are for people only.
fn column_group(role: Role) -> Option<usize> {
    match role {
        Role::Key => Some(0),
        Role::Count => Some(1),
        Role::Metric(_) => Some(2),
        Role::Level(_) | Role::Distance(_) | Role::Left => Some(3),
        Role::Difference(_) => Some(4),
        Role::Mark | Role::Flag => Some(5),
        Role::Interval(_) | Role::Rival | Role::Note => None,
    }
}

fn suffixes(role: Role) -> &'static [&'static str] {
    match role {
        Role::Metric(_) => &["n", "mean", "sd", "low", "high"],
        Role::Distance(_) => {
            &["compared", "may_be_best", "p_best", "distance_to_best_low", "distance_to_best_high"]
        }
        Role::Left => &["left_after_seeds", "left_to", "left_p", "left_without_seed"],
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
        comparison.validation.as_str(),
        comparison.ranked_by.as_deref().unwrap_or_default(),
    ];
    texts.map(|text| escape_formula(text).into_owned()).to_vec()
}

/// The cell in the column with the same name and role: a hyperparameter of one program may be a
/// metric of another.
fn cell<'a>(table: &Table, row: &'a Row, wanted: &CsvColumn) -> &'a Cell {
    let is_same = |column: &crate::table::Column| {
        column.name == wanted.name && column_group(column.role) == column_group(wanted.role)
    };
    table.columns.iter().position(is_same).map_or(&Cell::Absent, |index| &row.cells[index])
}

/// The CSV cells of a table cell.
fn cells(column: &CsvColumn, cell: &Cell) -> Vec<String> {
    let cells = match cell {
        Cell::Value(tracking::Value::Text(text)) => vec![escape_formula(text).into_owned()],
        Cell::Value(value) => vec![value.to_string()],
        Cell::Count(count) => vec![count.to_string()],
        Cell::Level(level) => vec![number(*level)],
        Cell::Statistic(value) => statistic(value).to_vec(),
        Cell::Distance(value) => standing(value).to_vec(),
        Cell::Difference(value) => difference(value).to_vec(),
        Cell::Left(value) => left(value).to_vec(),
        Cell::Mark(mark) => vec![mark.word().to_owned()],
        Cell::Flag => vec!["true".to_owned()],
        Cell::Absent | Cell::Interval(_) | Cell::Note(_) => Vec::new(),
    };
    if cells.is_empty() { vec![String::new(); column.suffixes.len()] } else { cells }
}

fn number(number: f64) -> String {
    tracking::Value::Real(number).to_string()
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// The number of replicates, the mean, the standard deviation, and the interval of this mean alone.
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

fn left(Left { replicates, to, without, .. }: &Left) -> [String; 4] {
    let text = |text: &str| escape_formula(text).into_owned();
    [
        replicates.to_string(),
        to.as_ref().map_or_else(String::new, |rival| text(&rival.name)),
        optional(to.as_ref().map(|rival| rival.p)),
        without.as_ref().map_or_else(String::new, |seed| text(&seed.to_string())),
    ]
}

fn difference(DifferenceFromReference { n, mean, test }: &DifferenceFromReference) -> [String; 6] {
    let [low, high] =
        [test.map(|test| test.interval.low), test.map(|test| test.interval.high)].map(optional);
    let [p, corrected] = [test.map(|test| test.p), test.map(|test| test.p_corrected)].map(optional);
    [n.to_string(), number(*mean), low, high, p, corrected]
}
