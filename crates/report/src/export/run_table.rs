//! A table with one row per run, for dataframes.
//!
//! Its columns are facts about the run, hyperparameters (`params.batch_size` …) and final metrics
//! (`results.test_accuracy` …). The table collects them from the rows of the record, in the
//! order in which an export reads these.

use std::collections::{BTreeMap, HashMap};

use tracking::{Cell, Kind, Table};

/// Name of the table, and of the view in the store with the same rows.
pub const RUN_TABLE: &str = "run_table";

/// Columns of the table `runs` that this table has too.
const RUN_COLUMNS: [&str; 10] = [
    "id",
    "experiment",
    "trial_id",
    "status",
    "dataset",
    "validation",
    "engine",
    "device",
    "started_at",
    "ended_at",
];

/// Integers up to this size are exact as f64.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Collects the rows of the table.
#[derive(Default)]
pub struct RunTable {
    /// The table of the record whose rows are being read.
    current: Option<&'static Table>,
    /// Index of the row of each run.
    row_of_run: HashMap<String, usize>,
    run_cells: Vec<[Cell<'static>; RUN_COLUMNS.len()]>,
    params: CellsByName,
    results: CellsByName,
}

/// The cells of each hyperparameter or metric, by row. Missing cells at the end are left out.
type CellsByName = BTreeMap<String, Vec<Cell<'static>>>;

impl RunTable {
    /// Starts a table of the record: the next rows belong to it.
    pub fn begin(&mut self, table: &'static Table) {
        self.current = Some(table);
    }

    /// Collects a row of the record.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        let Some(table) = self.current else { return };
        let cell = |name: &str| {
            table.columns.iter().position(|column| column.name == name).map(|index| &cells[index])
        };
        let owned = |name: &str| cell(name).map_or(Cell::Null, |cell| cell.clone().into_owned());
        let by_name = match table.name {
            "runs" => {
                let row = self.run_cells.len();
                let id = cell("id").and_then(Cell::text);
                self.row_of_run.extend(id.map(|id| (id.into_owned(), row)));
                return self.run_cells.push(RUN_COLUMNS.map(owned));
            }
            "params" => &mut self.params,
            "results" => &mut self.results,
            _ => return,
        };
        if let (Some(Cell::Text(run)), Some(Cell::Text(name))) = (cell("run_id"), cell("name"))
            && let Some(row) = self.row_of_run.get(&**run)
        {
            // Only a new name is copied.
            let column = match by_name.get_mut(&**name) {
                Some(column) => column,
                None => by_name.entry(name.clone().into_owned()).or_default(),
            };
            if column.len() <= *row {
                column.resize(row + 1, Cell::Null);
            }
            column[*row] = owned("value");
        }
    }

    /// The columns of hyperparameters, then of metrics: table of the record, name and cells.
    fn named_columns(&self) -> impl Iterator<Item = (&'static str, &String, &Vec<Cell<'static>>)> {
        let params = self.params.iter().map(|(name, cells)| ("params", name, cells));
        params.chain(self.results.iter().map(|(name, cells)| ("results", name, cells)))
    }

    /// Names and types of the columns. A column has a numeric type if this type represents all its
    /// values exactly.
    pub fn columns(&self) -> Vec<(String, Kind)> {
        let run_columns = RUN_COLUMNS.iter().map(|name| ((*name).to_owned(), Kind::Text));
        let named = self
            .named_columns()
            .map(|(table, name, cells)| (format!("{table}.{name}"), kind_of(cells)));
        run_columns.chain(named).collect()
    }

    /// The rows, in the order of the record.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Cell<'static>>> {
        let kinds: Vec<Kind> = self.named_columns().map(|(.., cells)| kind_of(cells)).collect();
        self.run_cells.iter().enumerate().map(move |(row, run_cells)| {
            let named = self.named_columns().zip(&kinds).map(|((.., cells), kind)| {
                cells.get(row).map_or(Cell::Null, |cell| typed(cell, *kind))
            });
            run_cells.iter().cloned().chain(named).collect()
        })
    }
}

fn kind_of(cells: &[Cell<'_>]) -> Kind {
    let all_fit =
        |fits: fn(&Cell<'_>) -> bool| cells.iter().filter(|cell| **cell != Cell::Null).all(fits);
    if all_fit(|cell| matches!(cell, Cell::Integer(_))) {
        Kind::Integer
    } else if all_fit(|cell| exact_real(cell).is_some()) {
        Kind::Real
    } else {
        Kind::Text
    }
}

/// `cell` in the type of its column.
fn typed(cell: &Cell<'static>, kind: Kind) -> Cell<'static> {
    match kind {
        Kind::Real => exact_real(cell).map_or(Cell::Null, Cell::Real),
        Kind::Text => cell.text().map_or(Cell::Null, |text| Cell::Text(text.into_owned().into())),
        _ => cell.clone(),
    }
}

/// The number in `cell` as f64, if it is exact in this type.
#[allow(clippy::cast_precision_loss, reason = "the size is checked")]
fn exact_real(cell: &Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Integer(number) => {
            (number.unsigned_abs() <= MAX_EXACT_INTEGER).then_some(*number as f64)
        }
        Cell::Real(number) => Some(*number),
        _ => None,
    }
}
