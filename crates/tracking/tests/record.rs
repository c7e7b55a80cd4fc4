//! The record out of a store and back: nothing is lost, nothing is another's, and whatever is not a record is refused.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use tracking::{
    Cell, CsvFolder, DATABASE, Digest, JsonDocument, Kind, Reader, RecordError, RunId, Sink, Store,
    TABLES, Table, read_csv, read_json,
};

/// Rows, table by table.
type Rows = Vec<(&'static Table, Vec<Vec<Cell<'static>>>)>;

/// A linear congruence over values that some format finds hard.
struct Values {
    state: u64,
    texts: Vec<String>,
    reals: Vec<f64>,
    integers: Vec<i64>,
}

impl Values {
    fn new(state: u64, texts: Vec<String>, reals: Vec<f64>, integers: Vec<i64>) -> Self {
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
        let reals = reals.into_iter().filter(|it| !it.is_nan()).chain(hard).collect();
        let integers =
            integers.into_iter().chain([0, 1, -1, i64::MIN, i64::MAX, (1 << 53) + 1]).collect();
        Self { state, texts, reals, integers }
    }

    fn below(&mut self, limit: usize) -> usize {
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

    /// Row `index` of a table whose rows belong to these runs and invocations.
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

    fn rows(&mut self) -> Rows {
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

fn put(rows: &Rows, sink: &mut dyn Sink) -> Result<(), RecordError> {
    for (table, rows) in rows {
        sink.begin(table)?;
        rows.iter().try_for_each(|row| sink.row(row))?;
    }
    Ok(())
}

/// A store of these rows.
fn store_of(rows: &Rows) -> TempDir {
    let nothing: Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let attempt = |digest: Digest| {
        let folder = tempfile::tempdir().unwrap();
        let restored = Store::restore(folder.path(), |sink| put(rows, sink).map(|()| digest));
        (folder, restored)
    };
    let (_, differs) = attempt(nothing);
    let Err(RecordError::Differs { found, .. }) = differs else { unreachable!("{differs:?}") };
    let (folder, restored) = attempt(found);
    assert_eq!(restored.unwrap(), found);
    folder
}

fn digest(folder: &Path) -> Digest {
    Reader::open(folder).unwrap().record(None, &mut ()).unwrap()
}

fn csv_of(store: &Path) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    let mut csv = CsvFolder::new(target.path());
    let digest = Reader::open(store).unwrap().record(None, &mut csv).unwrap();
    csv.finish(digest).unwrap();
    target
}

fn json_of(store: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut json = JsonDocument::new(&mut bytes).unwrap();
    let digest = Reader::open(store).unwrap().record(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    bytes
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap()))
        .collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn csv_and_json_lead_back_to_the_same_store(
        state in any::<u64>(),
        texts in prop::collection::vec(any::<String>(), 4),
        reals in prop::collection::vec(any::<f64>(), 4),
        integers in prop::collection::vec(any::<i64>(), 4),
    ) {
        let store = store_of(&Values::new(state, texts, reals, integers).rows());
        let before = digest(store.path());
        let (csv, json) = (csv_of(store.path()), json_of(store.path()));
        prop_assert!(!json.iter().any(|byte| *byte < b' ' && *byte != b'\n'), "a terminal obeys nothing");

        let (from_csv, from_json) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let read = Store::restore(from_csv.path(), |sink| read_csv(csv.path(), sink));
        prop_assert_eq!(read.unwrap(), before);
        let read = Store::restore(from_json.path(), |sink| read_json(json.as_slice(), "json", sink));
        prop_assert_eq!(read.unwrap(), before);
        for folder in [&from_csv, &from_json] {
            prop_assert_eq!(digest(folder.path()), before);
            prop_assert_eq!(files(csv_of(folder.path()).path()), files(csv.path()));
            prop_assert_eq!(&json_of(folder.path()), &json);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Any cell of any table, but for names that other rows refer to, and the numbers of invocations, which mean nothing.
    #[test]
    fn another_cell_is_another_digest(state in any::<u64>(), choice in any::<u64>()) {
        let mut values = Values::new(state, Vec::new(), Vec::new(), Vec::new());
        let rows = values.rows();
        let before = digest(store_of(&rows).path());
        values.state = choice;
        let runs = rows[2].1.len();
        for (at, (table, of_table)) in rows.iter().enumerate().filter(|(_, (_, rows))| !rows.is_empty()) {
            for (index, column) in table.columns.iter().enumerate() {
                let row = values.below(of_table.len());
                let mut changed = rows.clone();
                let cell = &mut changed[at].1[row][index];
                let Some(other) = another(cell, table, column.name, runs) else { continue };
                *cell = other;
                let after = digest(store_of(&changed).path());
                prop_assert_ne!(before, after, "{} {}", table.name, column.name);
            }
        }
    }
}

/// Something else that could stand in this place.
fn another(
    cell: &Cell<'static>,
    table: &Table,
    column: &str,
    runs: usize,
) -> Option<Cell<'static>> {
    let kind = table.columns.iter().find(|it| it.name == column).unwrap().kind;
    Some(match (cell, column, kind) {
        (_, "id" | "type", _) | (_, "name", Kind::Name) => return None,
        (_, "run_id", _) if runs == 1 || matches!(table.name, "checkpoints" | "examples") => {
            return None;
        }
        (Cell::Text(run), "run_id", _) => {
            let run = usize::from_str_radix(run, 16).unwrap();
            Cell::Text(format!("{:016x}", (run + 1) % runs).into())
        }
        (_, "experiment", _) => Cell::Text("experiment-1".into()),
        (Cell::Text(status), "status", _) => {
            Cell::Text(if status == "killed" { "failed" } else { "killed" }.into())
        }
        (Cell::Integer(number), _, Kind::Invocation) => Cell::Integer(3 - number),
        (Cell::Integer(number), "epoch" | "rank", _) => Cell::Integer(number + 100),
        (Cell::Integer(number), ..) => Cell::Integer(number.wrapping_add(1)),
        (Cell::Real(number), ..) => Cell::Real(if *number == 0.5 { 1.5 } else { 0.5 }),
        (Cell::Text(text), _, Kind::Id) => Cell::Text(text.replace('0', "1").into()),
        (Cell::Text(text), ..) => Cell::Text(format!("{text} ").into()),
        (Cell::Blob(bytes), ..) => Cell::Blob([&bytes[..], &[7]].concat().into()),
        (Cell::Null, _, Kind::Integer) => Cell::Integer(0),
        (Cell::Null, ..) => {
            Cell::Text(if kind == Kind::Id { "0123456789abcdef" } else { "" }.into())
        }
    })
}

/// A record with rows in every table.
fn some() -> Rows {
    let mut values = Values::new(3, Vec::new(), Vec::new(), Vec::new());
    loop {
        let rows = values.rows();
        if rows.iter().all(|(_, rows)| !rows.is_empty()) {
            return rows;
        }
    }
}

#[test]
fn types_signs_and_places_count() {
    let rows = some();
    let params = rows.iter().position(|(table, _)| table.name == "params").unwrap();
    let with = |kind: &'static str, value: Cell<'static>| {
        let mut rows = rows.clone();
        rows[params].1.truncate(1);
        rows[params].1[0][2] = Cell::Text(kind.into());
        rows[params].1[0][3] = value;
        digest(store_of(&rows).path()).to_string()
    };
    let digests = [
        with("integer", Cell::Integer(1)),
        with("real", Cell::Real(1.0)),
        with("text", Cell::Text("1".into())),
        with("text", Cell::Text("1.0".into())),
        with("blob", Cell::Blob(b"1".as_slice().into())),
        with("real", Cell::Real(0.0)),
        with("real", Cell::Real(-0.0)),
        with("text", Cell::Text("".into())),
    ];
    assert_eq!(digests.iter().collect::<HashSet<_>>().len(), digests.len());
}

#[test]
fn where_the_store_keeps_a_row_does_not_count() {
    let rows = some();
    let mut turned = rows.clone();
    for (table, rows) in &mut turned {
        // Of resumptions and of runs that began at once the order is what they say.
        if !matches!(table.name, "resumptions" | "runs") {
            rows.reverse();
        }
        for cells in rows.iter_mut() {
            for (cell, column) in cells.iter_mut().zip(table.columns) {
                if let (Kind::Invocation, Cell::Integer(number)) = (column.kind, cell) {
                    *number = 70 - *number;
                }
            }
        }
    }
    assert_eq!(digest(store_of(&turned).path()), digest(store_of(&rows).path()));
}

#[test]
fn the_order_of_merging_does_not_count() {
    let part = |seeds: std::ops::Range<i64>| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for seed in seeds {
            let run = store.start_run("wine", &[("seed", seed.into())]).unwrap();
            run.log(1, &[("loss", 0.5)]).unwrap();
            run.finish(&[("test_accuracy", 0.9)]).unwrap();
        }
        folder
    };
    let stores = [part(0..3), part(3..5)];
    let merged = |order: [usize; 2]| {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut added = 0;
        for index in order {
            let source = Reader::open(stores[index].path()).unwrap();
            added += store.merge(&source, &|_| true, true, &mut |_| Ok(())).unwrap().added.len();
        }
        drop(store);
        (added, digest(folder.path()))
    };
    assert_eq!(merged([0, 1]), merged([1, 0]));
    assert_eq!(merged([0, 1]).0, 5);
}

/// Begins a run at the first row that it is given.
struct Writing<'s>(&'s Path, bool);

impl Sink for Writing<'_> {
    fn begin(&mut self, _: &'static Table) -> Result<(), RecordError> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> Result<(), RecordError> {
        if !std::mem::replace(&mut self.1, true) {
            Store::open(self.0)?.start_run("wine", &[])?.finish(&[])?;
        }
        Ok(())
    }
}

/// A file that nobody wrote to when it was opened is read without a lock: what was read of it while it changed is no record.
#[test]
fn a_store_that_is_written_to_meanwhile_is_no_record() {
    let store = store_of(&some());
    let reader = Reader::open(store.path()).unwrap();
    let error = reader.record(None, &mut Writing(store.path(), false)).unwrap_err();
    assert!(
        error.to_string().ends_with("was written to while it was read; run the same command again"),
        "{error}"
    );
    // Beside a log, everything that is read is of one moment.
    let writer = Store::open(store.path()).unwrap();
    let _run = writer.start_run("wine", &[("seed", 1.into())]).unwrap();
    let before = digest(store.path());
    let reader = Reader::open(store.path()).unwrap();
    assert_eq!(reader.record(None, &mut Writing(store.path(), false)).unwrap(), before);
    assert_ne!(digest(store.path()), before);
}

/// SHA-256 of the bytes that the documentation says, computed by another program.
#[test]
fn the_digest_is_what_it_is_said_to_be() {
    assert_eq!(
        digest(store_of(&Vec::new()).path()).to_string(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let row = vec![Cell::Text("wine".into()), Cell::Text("".into()), Cell::Integer(7)];
    let expected = include_str!("record/digest.txt").trim_end();
    assert_eq!(digest(store_of(&vec![(&TABLES[0], vec![row])]).path()).to_string(), expected);
}

#[test]
fn some_runs_bring_what_they_refer_to() {
    let store = store_of(&some());
    let wanted: HashSet<RunId> = ["0000000000000000".parse().unwrap()].into();
    let reader = Reader::open(store.path()).unwrap();
    let mut json = Vec::new();
    let mut document = JsonDocument::new(&mut json).unwrap();
    let digest = reader.record(Some(&wanted), &mut document).unwrap();
    document.finish(digest).unwrap();
    let target = tempfile::tempdir().unwrap();
    assert_eq!(
        Store::restore(target.path(), |sink| read_json(json.as_slice(), "-", sink)).unwrap(),
        digest
    );
    let restored = Reader::open(target.path()).unwrap();
    assert_eq!(restored.experiments().unwrap().len(), 1);
    assert_eq!(restored.all_runs("experiment-0").unwrap().len(), 1);
}

/// Stores of earlier schemas are read as they are, and come to the same digest when they are migrated.
#[test]
fn earlier_schemas_have_the_same_record() {
    for schema in 1..=5 {
        let folder = tempfile::tempdir().unwrap();
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/schema-{schema}.db"));
        fs::copy(fixture, folder.path().join(DATABASE)).unwrap();
        let before = digest(folder.path());
        let csv = csv_of(folder.path());
        let target = tempfile::tempdir().unwrap();
        assert_eq!(
            Store::restore(target.path(), |sink| read_csv(csv.path(), sink)).unwrap(),
            before
        );
        drop(Store::open(folder.path()).unwrap());
        assert!(folder.path().join(format!("{DATABASE}.schema-{schema}")).exists());
        assert_eq!(digest(folder.path()), before, "schema {schema}");
    }
}

#[test]
fn what_is_no_record_is_refused_with_its_place() {
    type Change = fn(&str) -> String;
    let changes: [(&str, Change, &str); 16] = [
        ("digest.txt", |_| String::new(), "digest.txt: '' is no digest"),
        (
            "digest.txt",
            |it| it.replace("sha256:", "md5:"),
            "is no digest: expected sha256: and 64 digits",
        ),
        (
            "digest.txt",
            |_| format!("sha256:{}\n", "a".repeat(64)),
            "not all that was exported, or not as it was",
        ),
        (
            "runs.csv",
            |_| String::new(),
            "runs.csv, line 1: it is empty, expected the names of columns",
        ),
        (
            "runs.csv",
            |it| it.replacen("status", "state", 1),
            "runs.csv, line 1: there is no column 'status'",
        ),
        (
            "runs.csv",
            |it| it.replacen("ended_at", "ended", 1),
            "runs.csv, line 1: column 13 'ended' is not one of this table",
        ),
        (
            "runs.csv",
            |it| it.replacen("ended_at", "error", 1),
            "runs.csv, line 1: column 14 'error' is there twice",
        ),
        (
            "runs.csv",
            |it| it.replacen("\nid-0000000000000000", "\n../../etc", 1),
            "runs.csv, line 2: id is '../../etc', expected an id: 16 digits of 0-9 a-f",
        ),
        ("runs.csv", |it| it.trim_end().rsplit_once(',').unwrap().0.to_owned(), "runs.csv, line "),
        (
            "experiments.csv",
            |it| it.replacen("experiment-0", "..", 1),
            "experiments.csv, line 2: name is '..', expected the name of an experiment",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "0000000000000000,x,fast\n",
            ": value is 'fast', expected a number",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "0000000000000000,x,NaN\n",
            ": value is 'NaN', expected a number",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "0000000000000000,x,\n",
            ": value is empty, expected a number",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "0000000000000000,x,1\n0000000000000000,x,1\n",
            "UNIQUE constraint failed: results.run_id, results.name",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "0000000000000000,\"x,1\n",
            ": the file ends within quotes that begin here",
        ),
        (
            "results.csv",
            |it| it.to_owned() + "ffffffffffffffff,x,1\n",
            "results: a row refers to one of 'runs' that is not there",
        ),
    ];
    let store = store_of(&some());
    for (file, change, words) in changes {
        let csv = csv_of(store.path());
        let path = csv.path().join(file);
        fs::write(&path, change(&fs::read_to_string(&path).unwrap())).unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = Store::restore(target.path(), |sink| read_csv(csv.path(), sink))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{file}: {error} instead of {words}");
        assert_eq!(Reader::open(target.path()).unwrap().experiments().unwrap(), [], "{words}");
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let csv = csv_of(store_of(&some()).path());
    fs::remove_file(csv.path().join("metrics.csv")).unwrap();
    let error =
        Store::restore(tempfile::tempdir().unwrap().path(), |sink| read_csv(csv.path(), sink))
            .unwrap_err();
    assert!(error.to_string().contains("metrics.csv: No such file"), "{error}");
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let store = store_of(&some());
    let json = String::from_utf8(json_of(store.path())).unwrap();
    let refused = |document: &str, words: &str| {
        let target = tempfile::tempdir().unwrap();
        let error =
            Store::restore(target.path(), |sink| read_json(document.as_bytes(), "a.json", sink));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(words), "{error} instead of {words}");
    };
    refused("", "a.json: EOF while parsing a value at line 1");
    refused(
        "[]",
        "a.json: invalid type: sequence, expected a document that `report export --format json` wrote at line 1",
    );
    refused("{}", "there is no 'experiments'");
    refused(&json[..json.len() / 2], "a.json: EOF while parsing");
    refused(&(json.clone() + "x"), "trailing characters");
    refused(
        &json.replace("record 1", "record 2"),
        "this is 'candle-sweep record 2', expected 'candle-sweep record 1' at line 2",
    );
    refused(&json.replace("\"runs\"", "\"rums\""), "'rums' is no table of a record at line");
    refused(&json.replace("\"epoch\": ", "\"epoch\": 0.5"), "epoch is '0.5");
    refused(&json.replace("\"rank\"", "\"place\""), "mistakes: there is no 'rank' at line");
    refused(
        &json.replace("\"rank\"", "\"x\": 1, \"rank\""),
        "mistakes: 'x' is no column of it at line",
    );
    refused(&json.replace("\"status\": \"", "\"status\": \"un"), "runs: CHECK constraint failed");
    refused(&json.replace("\"os\": \"", "\"os\": \"x"), "not all that was exported");
}
