//! `report export`: the files that it writes, and the files that it must not replace.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::fs;
use std::path::Path;
use std::process::Command;

use stores::{everything, outcome, sixty_three};
use tempfile::TempDir;
use tracking::{DATABASE, Digest, Reader, Store, read_csv, read_json};

/// All files of a folder by name, with their content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn digest(results: &TempDir) -> Digest {
    Reader::open(results.path()).unwrap().export(None, &mut ()).unwrap()
}

/// Exports with more arguments: exit code, standard output, standard error.
fn export(results: &TempDir, format: &str, more: &[&str]) -> (i32, String, String) {
    outcome(results.path(), &[&["export", "--format", format], more].concat())
}

/// Exports to a file or folder: exit code and standard error.
fn export_to(results: &TempDir, format: &str, path: &Path) -> (i32, String) {
    let (code, out, err) = export(results, format, &["-o", path.to_str().unwrap()]);
    assert_eq!(out, "");
    (code, err)
}

#[test]
fn restored_record_has_the_same_digest() {
    let results = everything();
    let expected = digest(&results);
    let digest_line = format!("digest {expected}\n");
    let printed = outcome(results.path(), &["digest"]);
    assert_eq!(printed, (0, format!("{expected}\n"), String::new()));

    let (code, json, err) = export(&results, "json", &[]);
    assert_eq!((code, &err), (0, &digest_line));
    let restored = tempfile::tempdir().unwrap();
    Store::restore(restored.path(), |sink| read_json(json.as_bytes(), "-", sink)).unwrap();
    assert_eq!(digest(&restored), expected);

    let csv = results.path().join("export/csv");
    let exported = export(&results, "csv", &[]);
    assert_eq!(exported, (0, String::new(), format!("{}\n{digest_line}", csv.display())));
    let restored = tempfile::tempdir().unwrap();
    Store::restore(restored.path(), |sink| read_csv(&csv, sink)).unwrap();
    assert_eq!(digest(&restored), expected);
}

#[test]
fn every_table_has_a_csv_file_with_a_header() {
    let results = everything();
    assert_eq!(export(&results, "csv", &[]).0, 0);
    let files = files(&results.path().join("export/csv"));
    assert_eq!(files.len(), 12, "{files:?}");
    assert!(files.iter().all(|(_, bytes)| bytes.contains(&b'\n')));
}

#[test]
fn second_export_replaces_the_first_with_the_same_bytes() {
    let results = everything();
    for format in ["csv", "parquet"] {
        let folder = results.path().join("export").join(format);
        let exported = || {
            assert_eq!(export(&results, format, &[]).0, 0);
            files(&folder)
        };
        let first = exported();
        assert!(first.len() >= 11 && first == exported(), "{format}");
        let folders: Vec<_> = fs::read_dir(results.path().join("export"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        let is_format = |name: &str| ["csv", "parquet"].contains(&name);
        assert!(folders.iter().all(|name| is_format(name.to_str().unwrap())), "{folders:?}");
    }
    let file = results.path().join("record.json");
    let exported = || {
        export_to(&results, "json", &file);
        fs::read_to_string(&file).unwrap()
    };
    assert_eq!(exported(), exported());
    assert_eq!(export(&results, "json", &["-o", "-"]).1, exported());
}

#[test]
fn folder_with_other_files_is_not_replaced() {
    let results = everything();
    let folder = results.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let (code, err) = export_to(&results, "csv", &folder);
    assert_eq!(code, 2);
    let message =
        "contains 'notes.txt', which is not part of an export; choose another folder with -o";
    assert!(err.contains(message), "{err}");
    assert_eq!(files(&folder).len(), 1);
    // A file of the user can have the name of an exported file.
    fs::rename(folder.join("notes.txt"), folder.join("runs.csv")).unwrap();
    let (_, err) = export_to(&results, "csv", &folder);
    assert!(err.contains("contains 'runs.csv'"), "{err}");
    fs::remove_file(folder.join("runs.csv")).unwrap();
    for _ in 0..2 {
        assert_eq!(export_to(&results, "csv", &folder).0, 0);
    }
    // An export in another format is not replaced either.
    let (code, err) = export_to(&results, "parquet", &folder);
    assert!(code == 2 && err.contains("which is not part of an export"), "{err}");
}

#[test]
fn current_folder_is_not_replaced() {
    let results = everything();
    let folder = results.path().join("mine");
    assert_eq!(export_to(&results, "csv", &folder).0, 0);
    let output = Command::new(env!("CARGO_BIN_EXE_report"))
        .current_dir(&folder)
        .arg("-r")
        .arg(results.path())
        .args(["export", "--format", "csv", "-o", "."])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("is the current folder"), "{err}");
}

#[test]
fn unusable_output_is_named_in_the_error() {
    let results = everything();
    let file = results.path().join("mine");
    fs::write(&file, "a file").unwrap();
    for format in ["csv", "parquet"] {
        let (code, err) = export_to(&results, format, &file);
        assert!(code == 2 && err.contains("mine: ") && err.contains("ot a directory"), "{err}");
    }
    let (code, err) = export_to(&results, "json", &results.path().join("nowhere/record.json"));
    assert_eq!(code, 2);
    assert!(err.contains("cannot write") && err.contains("nowhere/record.json"), "{err}");
}

#[test]
fn database_is_not_overwritten() {
    let results = everything();
    let database = results.path().join(DATABASE);
    let before = fs::read(&database).unwrap();
    for format in ["json", "markdown"] {
        let (code, err) = export_to(&results, format, &database);
        assert!(code == 2 && err.contains("it is a database: name another file"), "{err}");
    }
    let (code, _, err) = outcome(results.path(), &["html", "-o", database.to_str().unwrap()]);
    assert!(code == 2 && err.contains("it is a database"), "{err}");
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn link_and_device_are_written_through() {
    let results = everything();
    let (link, file) = (results.path().join("link.json"), results.path().join("file.json"));
    let beside = results.path().join("file.json.new");
    fs::write(&file, "old").unwrap();
    fs::write(&beside, "mine").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(export_to(&results, "json", &link).0, 0);
    assert!(link.is_symlink() && fs::read_to_string(&file).unwrap().starts_with('{'));
    assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
    assert_eq!(export_to(&results, "json", Path::new("/dev/null")).0, 0);
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn experiments_and_conditions_choose_runs() {
    let results = everything();
    let record = |arguments: &[&str]| -> serde_json::Value {
        let (code, out, err) = export(&results, "json", arguments);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let counts = |record: &serde_json::Value, tables: [&str; 3]| {
        tables.map(|table| record[table].as_array().unwrap().len())
    };
    let all = record(&[]);
    assert_eq!(counts(&all, ["runs", "invocations", "resumptions"]), [4, 3, 1]);
    let wine = record(&["-e", "wine"]);
    assert_eq!(counts(&wine, ["runs", "experiments", "checkpoints"]), [3, 1, 1]);
    let (_, digest_of_wine, _) = outcome(results.path(), &["digest", "-e", "wine"]);
    assert_eq!(wine["digest"], digest_of_wine.trim_end());
    let some = record(&["-e", "wine", "--where", "status=diverged and batch_size>=32"]);
    assert_eq!(counts(&some, ["runs", "invocations", "mistakes"]), [1, 1, 0]);
}

#[test]
fn wrong_choice_is_rejected_with_a_hint() {
    let results = everything();
    for (format, arguments, hint) in [
        ("json", &["--where", "batchsize=1"][..], "did you mean 'batch_size'?"),
        ("json", &["-e", "wines"], "did you mean 'wine'?"),
        ("json", &["--top", "3"], "use them with --format markdown or --format latex"),
        ("csv", &["-o", "-"], "--format csv writes a folder of files: name a folder with -o"),
    ] {
        let (code, out, err) = export(&results, format, arguments);
        assert!(code == 2 && out.is_empty() && err.contains(hint), "{err}");
    }
}

#[test]
fn folder_format_rejects_the_name_of_a_file() {
    let results = sixty_three();
    for (format, name, hints) in [
        ("csv", "runs.csv", &["as in -o ", "/runs;", "--format csv > FILE"][..]),
        ("parquet", "runs.PARQUET", &["one file per table", "/runs\n"]),
    ] {
        let path = results.path().join(name);
        let (code, err) = export_to(&results, format, &path);
        assert!(code == 2 && hints.iter().all(|hint| err.contains(hint)), "{err}");
        assert!(!path.exists());
    }
}

#[test]
fn empty_selection_gives_an_empty_export() {
    let results = everything();
    let none = ["--where", "batch_size>64"];
    let (code, out, err) = export(&results, "json", &none);
    let record: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, record["runs"].as_array().unwrap().len()), (0, 0), "{out}");
    assert!(err.starts_with("no run matches every --where (4 runs checked)\n"), "{err}");
    for format in ["markdown", "latex"] {
        let (code, _, err) = export(&results, format, &none);
        assert_eq!((code, err.as_str()), (0, "no run matches every --where (4 runs checked)\n"));
    }
    let (code, out, err) = outcome(results.path(), &[&["list"], &none[..]].concat());
    let expected = (0, "", "no run matches every --where (4 runs checked)\n");
    assert_eq!((code, out.as_str(), err.as_str()), expected);
}

#[test]
fn comparison_is_that_of_the_report() {
    let results = sixty_three();
    let options = ["--top", "3", "--where", "decay=0"];
    let (code, markdown, err) = export(&results, "markdown", &options);
    assert_eq!((code, err.as_str()), (0, ""));
    let (_, printed, _) =
        outcome(results.path(), &[&["--format", "markdown"], &options[..]].concat());
    assert_eq!(markdown, printed);
    let file = results.path().join("table.tex");
    let arguments = [&["-o", file.to_str().unwrap()], &options[..]].concat();
    assert_eq!(export(&results, "latex", &arguments), (0, String::new(), String::new()));
    assert!(fs::read_to_string(&file).unwrap().contains("\\textbf{16}"));
}

/// The checksums are exported too, so that a restored store also reports the damage.
#[test]
fn damaged_rows_are_exported_and_reported() {
    let results = sixty_three();
    let (_, json, _) = export(&results, "json", &[]);
    let metric = serde_json::from_str::<serde_json::Value>(&json).unwrap()["metrics"][0].clone();
    let value = metric["value"].as_f64().unwrap().to_be_bytes();
    let database = results.path().join(DATABASE);
    let bytes = fs::read(&database).unwrap();
    let mut changed = bytes.clone();
    for index in 0..bytes.len() - 8 {
        if bytes[index..index + 8] == value {
            changed[index + 7] ^= 1;
        }
    }
    fs::write(&database, &changed).unwrap();
    let (code, json, err) = export(&results, "json", &[]);
    assert_eq!(code, 1);
    assert!(err.contains("warning: the epochs of run ") && err.contains("digest sha256:"), "{err}");
    let restored = tempfile::tempdir().unwrap();
    Store::restore(restored.path(), |sink| read_json(json.as_bytes(), "-", sink)).unwrap();
    assert_eq!(export(&restored, "json", &[]).0, 1);
}

/// Needs pyarrow and DuckDB in the Python of `target/python`.
#[test]
fn other_programs_read_the_same_record() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let imports = Command::new(&python).args(["-c", "import pyarrow, duckdb"]).output();
    if !imports.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: target/python has no pyarrow or no duckdb");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/check.py");
    for results in [everything(), sixty_three()] {
        for format in ["csv", "parquet"] {
            assert_eq!(export(&results, format, &[]).0, 0);
        }
        let folder = results.path().join("export");
        let mut command = Command::new(&python);
        command.arg(&script).args([folder.join("csv"), folder.join("parquet")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
