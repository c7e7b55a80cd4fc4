//! `runner import`: an export becomes a store again, or is merged into one; what is no export changes nothing.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;

use common::Folder;
use tracking::{CsvFolder, JsonDocument, Reader};

/// The exports that `report` makes of a results folder: `export.json` and `export-csv`.
fn export(folder: &Folder, results: &str) -> String {
    let reader = Reader::open(&folder.path(results)).unwrap();
    let mut json =
        JsonDocument::new(fs::File::create(folder.path("export.json")).unwrap()).unwrap();
    let digest = reader.record(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    fs::create_dir_all(folder.path("export-csv")).unwrap();
    let mut csv = CsvFolder::new(&folder.path("export-csv"));
    reader.record(None, &mut csv).unwrap();
    csv.finish(digest).unwrap();
    digest.to_string()
}

fn digest(folder: &Folder, results: &str) -> String {
    Reader::open(&folder.path(results)).unwrap().record(None, &mut ()).unwrap().to_string()
}

const EXPERIMENT: &str = "name = \"tiny\"\n[data]\ndataset = \"digits\"\n[train]\nepochs = 2\n[sweep]\nbatch_size = [32, 64]\n";

/// Two trials, in `results`, exported.
fn exported() -> (Folder, String) {
    let folder = Folder::new();
    folder.write("tiny.toml", EXPERIMENT);
    folder.run(&["tiny.toml", "-q"]);
    let digest = export(&folder, "results");
    (folder, digest)
}

#[test]
fn an_export_is_a_store_again() {
    let (folder, exported) = exported();
    for (path, results) in [("export.json", "from-json"), ("export-csv", "from-csv")] {
        let output = folder.output(&["import", path, "-r", results]);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{err}");
        assert_eq!(out, format!("{path}: 2 added\n"));
        assert!(err.contains(&format!("{path}: digest {exported}, as it was exported")), "{err}");
        assert!(
            err.contains("the weights of 2 runs are not in an export: copy EXPERIMENT/models"),
            "{err}"
        );
        assert_eq!(digest(&folder, results), exported);
        for file in ["tiny/runs.csv", "tiny/epochs.csv"] {
            assert_eq!(
                folder.read(&format!("{results}/{file}")),
                folder.read(&format!("results/{file}"))
            );
        }
        let names: Vec<_> =
            fs::read_dir(folder.path(results)).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
    let output = folder
        .command()
        .args(["import", "-", "-r", "piped"])
        .write_stdin(folder.read("export.json"))
        .output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "standard input: 2 added\n");
    assert_eq!(digest(&folder, "piped"), exported);
    fs::create_dir(folder.path("piped/tiny/models")).unwrap();
    for model in fs::read_dir(folder.path("results/tiny/models")).unwrap().map(|it| it.unwrap()) {
        fs::copy(model.path(), folder.path("piped/tiny/models").join(model.file_name())).unwrap();
    }
    let verified = folder.run(&["verify", "--all", "-r", "piped"]);
    assert!(verified.contains("2 of 2 runs are identical"), "{verified}");
    assert!(folder.run(&["--plan", "tiny.toml", "-r", "piped"]).contains("2 trials, none to run"));
}

#[test]
fn an_export_is_merged_into_a_store_that_is_there() {
    let (folder, exported) = exported();
    let again = folder.run(&["import", "export-csv"]);
    assert_eq!(
        again,
        "export-csv: 0 added, 2 already there, 0 without a result left out, 0 contradicting\n"
    );
    assert_eq!(digest(&folder, "results"), exported);

    folder.run(&["tiny.toml", "-q", "-r", "wider", "--set", "sweep.batch_size=[64, 128]"]);
    let merged = folder.run(&["import", "export.json", "-r", "wider"]);
    assert_eq!(
        merged,
        "export.json: 1 added, 1 already there, 0 without a result left out, 0 contradicting\n"
    );
    let before = digest(&folder, "wider");
    folder.run(&["import", "export.json", "-r", "wider"]);
    assert_eq!(digest(&folder, "wider"), before, "twice adds nothing");

    let contradicting = folder.read("export.json");
    let (begin, end) = contradicting.split_once("\"name\": \"val_loss\", \"value\": ").unwrap();
    folder.write("false.json", format!("{begin}\"name\": \"val_loss\", \"value\": 1{end}"));
    let error = folder.run_fails(&["import", "false.json", "-r", "wider"], 2);
    assert!(
        error.contains("not all that was exported, or not as it was: its digest is sha256:"),
        "{error}"
    );
    assert_eq!(digest(&folder, "wider"), before);
}

#[test]
fn what_is_no_export_leaves_nothing() {
    let (folder, _) = exported();
    fs::create_dir(folder.path("parquet")).unwrap();
    folder.write("parquet/runs.parquet", "PAR1");
    folder.write("half.json", &folder.read("export.json")[..1000]);
    fs::write(folder.path("packed.json.gz"), b"\x1f\x8b\x08\x00rest").unwrap();
    fs::remove_file(folder.path("export-csv/metrics.csv")).unwrap();
    for (path, words) in [
        ("nowhere.json", "nowhere.json: No such file"),
        ("tiny.toml", "tiny.toml: it begins with 'name = \"tiny\"' and is no JSON document"),
        (
            "results/tiny/runs.csv",
            "runs.csv: it begins with 'run,trial,status,dataset,learn' and is no JSON document",
        ),
        (
            "packed.json.gz",
            "packed.json.gz: it is compressed with gzip: decompress it first; expected a document",
        ),
        ("half.json", "half.json: EOF while parsing"),
        ("results", "results is a results folder: runner merge takes its runs"),
        (
            "results/tiny",
            "digest.txt: No such file or directory (os error 2); expected a folder that `report export",
        ),
        ("export-csv", "export-csv/metrics.csv: No such file"),
        ("parquet", "parquet is Parquet, which is not read back: export csv or json"),
    ] {
        let error = folder.run_fails(&["import", path, "-r", "target"], 2);
        assert!(error.contains(words), "{error}");
        assert!(!folder.exists("target"), "{path}");
    }
}

/// PowerShell and some editors begin a file with this mark.
#[test]
fn a_byte_order_mark_is_read_over() {
    let (folder, digest) = exported();
    folder.write("marked.json", format!("\u{feff}{}", folder.read("export.json")));
    let said = String::from_utf8(folder.output(&["import", "marked.json", "-r", "target"]).stderr)
        .unwrap();
    assert!(said.contains(&format!("marked.json: digest {digest}, as it was exported")), "{said}");
}

/// A run that another one stands for is part of the record too.
#[test]
fn what_was_changed_is_said_also_of_runs_that_do_not_count_any_more() {
    let (folder, _) = exported();
    folder.run(&["tiny.toml", "-q", "--rerun"]);
    let database = rusqlite::Connection::open(folder.path("results/tracking.db")).unwrap();
    let sql = "UPDATE metrics SET value = value + 1 WHERE name = 'loss' AND run_id = (SELECT id FROM runs ORDER BY sequence LIMIT 1)";
    assert_eq!(database.execute(sql, []), Ok(2));
    drop(database);
    export(&folder, "results");
    let error = folder.run_fails(&["import", "export.json", "-r", "again"], 1);
    assert!(error.contains("were changed after they were recorded"), "{error}");
}
