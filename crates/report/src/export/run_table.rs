//! A row a run, as dataframes want it: what it is, its hyperparameters (`params.batch_size` …) and its final metrics
//! (`results.test_accuracy` …) as columns. Gathered from the rows of the record as they pass.

use std::collections::{BTreeMap, HashMap};

use tracking::{Cell, Kind, Table};

/// Its name, that of the store's view.
pub const RUN_TABLE: &str = "run_table";

/// Columns of a run that are here too.
const FACTS: [&str; 10] = [
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

/// Whole numbers up to this are reals, exactly.
const EXACT: u64 = 1 << 53;

/// The table on its way.
#[derive(Default)]
pub struct RunTable {
    table: Option<&'static Table>,
    /// Where the row of a run is.
    places: HashMap<String, usize>,
    facts: Vec<[Cell<'static>; FACTS.len()]>,
    params: Named,
    results: Named,
}

/// Values by their names: of each run, as far as there are any.
type Named = BTreeMap<String, Vec<Cell<'static>>>;

impl RunTable {
    /// The rows that follow are of this table.
    pub fn begin(&mut self, table: &'static Table) {
        self.table = Some(table);
    }

    /// Takes what it needs of a row.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        let Some(table) = self.table else { return };
        let cell = |name: &str| {
            table.columns.iter().position(|column| column.name == name).map(|index| &cells[index])
        };
        let owned = |name: &str| cell(name).map_or(Cell::Null, |cell| cell.clone().into_owned());
        let values = match table.name {
            "runs" => {
                self.places.extend(
                    cell("id").and_then(Cell::text).map(|id| (id.into_owned(), self.facts.len())),
                );
                return self.facts.push(FACTS.map(owned));
            }
            "params" => &mut self.params,
            "results" => &mut self.results,
            _ => return,
        };
        if let (Some(Cell::Text(run)), Some(Cell::Text(name))) = (cell("run_id"), cell("name"))
            && let Some(place) = self.places.get(&**run)
        {
            let of_name = match values.get_mut(&**name) {
                Some(known) => known,
                None => values.entry(name.clone().into_owned()).or_default(),
            };
            if of_name.len() <= *place {
                of_name.resize(place + 1, Cell::Null);
            }
            of_name[*place] = owned("value");
        }
    }

    fn values(&self) -> impl Iterator<Item = (&'static str, &String, &Vec<Cell<'static>>)> {
        let params = self.params.iter().map(|(name, values)| ("params", name, values));
        params.chain(self.results.iter().map(|(name, values)| ("results", name, values)))
    }

    /// Names and kinds: of numbers, if all of a column are, and none loses digits by it.
    pub fn columns(&self) -> Vec<(String, Kind)> {
        let kind = |values: &[Cell<'_>]| {
            let all = |fits: fn(&Cell<'_>) -> bool| {
                values.iter().filter(|cell| **cell != Cell::Null).all(fits)
            };
            if all(|it| matches!(it, Cell::Integer(_))) {
                Kind::Integer
            } else if all(|it| as_real(it).is_some()) {
                Kind::Real
            } else {
                Kind::Text
            }
        };
        let facts = FACTS.iter().map(|name| ((*name).to_owned(), Kind::Text));
        facts
            .chain(
                self.values()
                    .map(|(table, name, values)| (format!("{table}.{name}"), kind(values))),
            )
            .collect()
    }

    /// The rows, in the order of the record.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Cell<'static>>> {
        let kinds: Vec<Kind> =
            self.columns().into_iter().skip(FACTS.len()).map(|(_, kind)| kind).collect();
        self.facts.iter().enumerate().map(move |(place, facts)| {
            let values = self.values().zip(&kinds).map(|((.., values), kind)| {
                match (values.get(place), kind) {
                    (None, _) => Cell::Null,
                    (Some(cell), Kind::Real) => as_real(cell).map_or(Cell::Null, Cell::Real),
                    (Some(cell), Kind::Text) => {
                        cell.text().map_or(Cell::Null, |text| Cell::Text(text.into_owned().into()))
                    }
                    (Some(cell), _) => cell.clone(),
                }
            });
            facts.iter().cloned().chain(values).collect()
        })
    }
}

/// The number, if it is one, and exactly this one.
#[allow(clippy::cast_precision_loss, reason = "none is lost")]
fn as_real(cell: &Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Integer(number) => (number.unsigned_abs() <= EXACT).then_some(*number as f64),
        Cell::Real(number) => Some(*number),
        _ => None,
    }
}
