//! The digest depends on every value, but not on the order of recording.

use std::collections::HashSet;

use proptest::prelude::*;
use tracking::{Cell, Kind, Reader, Store, TABLES, Table};

use crate::rows::{Values, digest, sample, store_of};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Exempt are ids and names that other rows refer to, and types, which must match their value.
    #[test]
    fn every_changed_cell_changes_the_digest(state in any::<u64>(), choice in any::<u64>()) {
        let mut values = Values::new(state, Vec::new(), Vec::new(), Vec::new());
        let rows = values.rows();
        let before = digest(store_of(&rows).path());
        values.state = choice;
        let runs = rows[2].1.len();
        for (position, (table, table_rows)) in rows.iter().enumerate() {
            if table_rows.is_empty() {
                continue;
            }
            for (index, column) in table.columns.iter().enumerate() {
                let row = values.below(table_rows.len());
                let mut changed = rows.clone();
                let cell = &mut changed[position].1[row][index];
                let Some(other) = another(cell, table, column.name, runs) else { continue };
                *cell = other;
                let after = digest(store_of(&changed).path());
                prop_assert_ne!(before, after, "{} {}", table.name, column.name);
            }
        }
    }
}

/// Returns another valid value for a cell; `None` if the cell is exempt.
fn another(
    cell: &Cell<'static>,
    table: &Table,
    column: &str,
    runs: usize,
) -> Option<Cell<'static>> {
    let kind = table.columns.iter().find(|other| other.name == column).unwrap().kind;
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

#[test]
fn digest_distinguishes_types_and_signs() {
    let rows = sample();
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
fn digest_ignores_row_positions() {
    let rows = sample();
    let mut reordered = rows.clone();
    for (table, rows) in &mut reordered {
        // The order of resumptions, and of runs with the same start time, is part of the record.
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
    assert_eq!(digest(store_of(&reordered).path()), digest(store_of(&rows).path()));
}

#[test]
fn digest_ignores_merge_order() {
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

/// Another program computed the expected values from the bytes that the documentation specifies.
#[test]
fn digest_equals_an_independent_sha256() {
    assert_eq!(
        digest(store_of(&Vec::new()).path()).to_string(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let row = vec![Cell::Text("wine".into()), Cell::Text("".into()), Cell::Integer(7)];
    let expected = include_str!("digest.txt").trim_end();
    assert_eq!(digest(store_of(&vec![(&TABLES[0], vec![row])]).path()).to_string(), expected);
}
