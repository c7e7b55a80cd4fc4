//! Invalid exports are rejected with the position of the error.

use std::fs;

use tracking::{Reader, Store, read_csv, read_json};

use crate::rows::{csv_of, json_of, sample, store_of};

/// Changes the text of a file.
type Change = fn(&str) -> String;

/// Applies each change to `file` of a CSV export. The import must fail with the given words and
/// leave the store empty.
fn assert_rejected(file: &str, changes: &[(Change, &str)]) {
    let store = store_of(&sample());
    for (change, words) in changes {
        let csv = csv_of(store.path());
        let path = csv.path().join(file);
        fs::write(&path, change(&fs::read_to_string(&path).unwrap())).unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = Store::restore(target.path(), |sink| read_csv(csv.path(), sink))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{file}: {error}, expected {words}");
        assert_eq!(Reader::open(target.path()).unwrap().experiments().unwrap(), [], "{words}");
    }
}

#[test]
fn invalid_digest_file_is_rejected() {
    assert_rejected(
        "digest.txt",
        &[
            (|_| String::new(), "digest.txt: '' is not a digest"),
            (
                |text| text.replace("sha256:", "md5:"),
                "is not a digest: expected sha256: and 64 digits",
            ),
            (
                |_| format!("sha256:{}\n", "a".repeat(64)),
                "the export is incomplete or was changed: the digest of its rows is sha256:",
            ),
        ],
    );
}

#[test]
fn invalid_csv_header_is_rejected_with_its_position() {
    assert_rejected(
        "runs.csv",
        &[
            (|_| String::new(), "runs.csv, line 1: the file is empty, expected column names"),
            (
                |text| text.replacen("status", "state", 1),
                "runs.csv, line 1: column 'status' is missing",
            ),
            (
                |text| text.replacen("ended_at", "ended", 1),
                "runs.csv, line 1: column 13 'ended' is unknown",
            ),
            (
                |text| text.replacen("ended_at", "error", 1),
                "runs.csv, line 1: column 14 'error' appears twice",
            ),
        ],
    );
}

#[test]
fn invalid_csv_ids_and_names_are_rejected() {
    assert_rejected(
        "runs.csv",
        &[
            (
                |text| text.replacen("\nid-0000000000000000", "\n../../etc", 1),
                "runs.csv, line 2: id is '../../etc', expected an id: 16 digits of 0-9 a-f",
            ),
            (|text| text.trim_end().rsplit_once(',').unwrap().0.to_owned(), "runs.csv, line "),
        ],
    );
    assert_rejected(
        "experiments.csv",
        &[(
            |text| text.replacen("experiment-0", "..", 1),
            "experiments.csv, line 2: name is '..', expected the name of an experiment",
        )],
    );
}

#[test]
fn invalid_csv_rows_are_rejected() {
    assert_rejected(
        "results.csv",
        &[
            (
                |text| text.to_owned() + "0000000000000000,x,fast\n",
                ": value is 'fast', expected a number",
            ),
            (
                |text| text.to_owned() + "0000000000000000,x,NaN\n",
                ": value is 'NaN', expected a number",
            ),
            (
                |text| text.to_owned() + "0000000000000000,x,\n",
                ": value is empty, expected a number",
            ),
            (
                |text| text.to_owned() + "0000000000000000,x,1\n0000000000000000,x,1\n",
                "UNIQUE constraint failed: results.run_id, results.name",
            ),
            (|text| text.to_owned() + "0000000000000000,\"x,1\n", ": a cell has no closing quote"),
            (
                |text| text.to_owned() + "ffffffffffffffff,x,1\n",
                "results: a row refers to a row of 'runs' that does not exist",
            ),
        ],
    );
}

#[test]
fn missing_csv_file_is_named() {
    let csv = csv_of(store_of(&sample()).path());
    fs::remove_file(csv.path().join("metrics.csv")).unwrap();
    let error =
        Store::restore(tempfile::tempdir().unwrap().path(), |sink| read_csv(csv.path(), sink))
            .unwrap_err();
    assert!(error.to_string().contains("metrics.csv: No such file"), "{error}");
}

#[test]
fn invalid_json_is_rejected_with_its_position() {
    let store = store_of(&sample());
    let json = String::from_utf8(json_of(store.path())).unwrap();
    let assert_rejected = |document: &str, words: &str| {
        let target = tempfile::tempdir().unwrap();
        let restored =
            Store::restore(target.path(), |sink| read_json(document.as_bytes(), "a.json", sink));
        let error = restored.unwrap_err().to_string();
        assert!(error.contains(words), "{error}, expected {words}");
    };
    assert_rejected("", "a.json: EOF while parsing a value at line 1");
    assert_rejected(
        "[]",
        "a.json: invalid type: sequence, expected a document that `export --format json` wrote at line 1",
    );
    assert_rejected("{}", "'experiments' is missing");
    assert_rejected(&json[..json.len() / 2], "a.json: EOF while parsing");
    assert_rejected(&(json.clone() + "x"), "trailing characters");
    for (old, new, words) in [
        (
            "record 1",
            "record 2",
            "the format is 'candle-sweep record 2', expected 'candle-sweep record 1' at line 2",
        ),
        ("\"runs\"", "\"rums\"", "'rums' is not a table of the record at line"),
        ("\"epoch\": ", "\"epoch\": 0.5", "epoch is '0.5"),
        ("\"rank\"", "\"place\"", "mistakes: 'rank' is missing at line"),
        ("\"rank\"", "\"x\": 1, \"rank\"", "mistakes: column 'x' is unknown at line"),
        ("\"status\": \"", "\"status\": \"un", "runs: CHECK constraint failed"),
        ("\"os\": \"", "\"os\": \"x", "the export is incomplete or was changed"),
    ] {
        assert_rejected(&json.replace(old, new), words);
    }
}
