//! Records with generated rows, their stores and their exports.

use std::path::Path;

use tempfile::TempDir;
use tracking::{
    Cell, CsvFolder, Digest, JsonDocument, Kind, Reader, RecordError, Sink, Store, TABLES, Table,
};

/// Rows, table by table.
pub type Rows = Vec<(&'static Table, Vec<Vec<Cell<'static>>>)>;

/// Generates values that are hard to encode in some format. A linear congruential generator gives
/// the same values on every machine.
pub struct Values {
    pub state: u64,
    texts: Vec<String>,
    reals: Vec<f64>,
    integers: Vec<i64>,
}

impl Values {
    pub fn new(state: u64, texts: Vec<String>, reals: Vec<f64>, integers: Vec<i64>) -> Self {
        let hard = [
            "",
            " ",
            "a,b",
            "\"",
            "\"\"",
            "\r\n",
            "\n",
            "\r",
            "\0",
            "=1+1",
            "NULL",
            "null",
            "1",
            "1.0",
            "-0.0",
            "\\N",
            "é\u{202e}",
            "'",
            "\u{9b}",
        ];
        let texts = texts.into_iter().chain(hard.map(str::to_owned)).collect();
        let hard = [
            0.0,
            -0.0,
            1.0,
            0.1 + 0.2,
            1e-7,
            5e-324,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
            9_007_199_254_740_993.0,
        ];
        let reals = reals.into_iter().filter(|real| !real.is_nan()).chain(hard).collect();
        let integers =
            integers.into_iter().chain([0, 1, -1, i64::MIN, i64::MAX, (1 << 53) + 1]).collect();
        Self { state, texts, reals, integers }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % limit
    }

    fn cell(&mut self, kind: Kind) -> Cell<'static> {
        let (text, real, integer) = (
            self.below(self.texts.len()),
            self.below(self.reals.len()),
            self.below(self.integers.len()),
        );
        match kind {
            Kind::Integer => Cell::Integer(self.integers[integer]),
            Kind::Real => Cell::Real(self.reals[real]),
            Kind::Blob => Cell::Blob(self.texts[text].clone().into_bytes().repeat(3).into()),
            Kind::Any => {
                let kind = [Kind::Integer, Kind::Real, Kind::Text, Kind::Blob][self.below(4)];
                self.cell(kind)
            }
            _ => Cell::Text(self.texts[text].clone().into()),
        }
    }

    /// Generates row `index` of a table. It refers to one of `runs` runs and of two invocations.
    fn row(&mut self, table: &Table, index: usize, runs: usize) -> Vec<Cell<'static>> {
        let (run, invocation) = (self.below(runs), 1 + self.below(2));
        let id = |run: usize| Cell::Text(format!("{run:016x}").into());
        let mut cells: Vec<Cell<'static>> = Vec::new();
        for column in table.columns {
            let empty = column.optional && self.below(3) == 0;
            cells.push(match (table.name, column.name) {
                ("experiments", "name") => Cell::Text(format!("experiment-{index}").into()),
                (_, "experiment") => Cell::Text("experiment-0".into()),
                ("invocations", "id") => Cell::Integer(i64::try_from(index).unwrap() + 1),
                ("runs", "id") => id(index),
                ("runs", "trial_id") => id(100 + index / 2),
                ("runs", "status") => {
                    Cell::Text(["finished", "diverged", "failed", "killed"][self.below(4)].into())
                }
                ("runs", "started_at") => {
                    Cell::Text(["2026-01-02T03:04:05.678Z", "2026"][self.below(2)].into())
                }
                (_, "shared_from") => id(run),
                ("checkpoints" | "examples", "run_id") => id(index % runs),
                (_, "run_id") => id(run),
                (_, "invocation") => Cell::Integer(i64::try_from(invocation).unwrap()),
                (_, "epoch" | "rank") => Cell::Integer(i64::try_from(index).unwrap()),
                ("runs", "last_epoch") if !empty => Cell::Integer(i64::try_from(index).unwrap()),
                ("declarations", "role") => Cell::Text(["minimize", "maximize"][index % 2].into()),
                ("params" | "results" | "declarations", "name") => {
                    Cell::Text(format!("{index} {}", self.texts[index % self.texts.len()]).into())
                }
                _ if empty => Cell::Null,
                _ => self.cell(column.kind),
            });
        }
        if table.name == "params" {
            let name = match cells[3] {
                Cell::Integer(_) => "integer",
                Cell::Real(_) => "real",
                Cell::Blob(_) => "blob",
                Cell::Text(_) | Cell::Null => "text",
            };
            cells[2] = Cell::Text(name.into());
        }
        cells
    }

    /// Generates a record.
    pub fn rows(&mut self) -> Rows {
        let runs = 1 + self.below(4);
        let mut all = Vec::new();
        for table in &TABLES {
            let count = match table.name {
                "experiments" | "invocations" => 2,
                "runs" => runs,
                "checkpoints" | "examples" => self.below(runs + 1),
                _ => self.below(6),
            };
            all.push((table, (0..count).map(|index| self.row(table, index, runs)).collect()));
        }
        all
    }
}

fn write(rows: &Rows, sink: &mut dyn Sink) -> Result<(), RecordError> {
    for (table, rows) in rows {
        sink.begin(table)?;
        rows.iter().try_for_each(|row| sink.row(row))?;
    }
    Ok(())
}

/// Creates a store with these rows. Only a matching digest restores a record, so the first attempt
/// finds out the digest.
pub fn store_of(rows: &Rows) -> TempDir {
    let zero: Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let attempt = |digest: Digest| {
        let folder = tempfile::tempdir().unwrap();
        let restored = Store::restore(folder.path(), |sink| write(rows, sink).map(|()| digest));
        (folder, restored)
    };
    let (_, differs) = attempt(zero);
    let Err(RecordError::Differs { found, .. }) = differs else { unreachable!("{differs:?}") };
    let (folder, restored) = attempt(found);
    assert_eq!(restored.unwrap(), found);
    folder
}

pub fn digest(folder: &Path) -> Digest {
    Reader::open(folder).unwrap().export(None, &mut ()).unwrap()
}

/// Exports a store to a folder of CSV files.
pub fn csv_of(store: &Path) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    let mut csv = CsvFolder::new(target.path());
    let digest = Reader::open(store).unwrap().export(None, &mut csv).unwrap();
    csv.finish(digest).unwrap();
    target
}

/// Exports a store to a JSON document.
pub fn json_of(store: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut json = JsonDocument::new(&mut bytes).unwrap();
    let digest = Reader::open(store).unwrap().export(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    bytes
}

/// A record with rows in every table.
pub fn sample() -> Rows {
    let mut values = Values::new(3, Vec::new(), Vec::new(), Vec::new());
    loop {
        let rows = values.rows();
        if rows.iter().all(|(_, rows)| !rows.is_empty()) {
            return rows;
        }
    }
}
