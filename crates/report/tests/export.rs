//! `report export` as a user types it: what is written where, whole or not at all, and that what was there stays.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::fs;
use std::path::Path;

use stores::{everything, outcome, sixty_three};
use tracking::{DATABASE, Digest, Reader, Store, read_csv, read_json};

/// Every file of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn digest(store: &Path) -> Digest {
    Reader::open(store).unwrap().record(None, &mut ()).unwrap()
}

#[test]
fn the_record_leads_back_to_a_store_with_the_same_digest() {
    let store = everything();
    let path = store.path();
    let (code, printed, err) = outcome(path, &["digest"]);
    assert_eq!(
        (code, err.as_str(), printed.trim_end()),
        (0, "", digest(path).to_string().as_str())
    );
    let said = format!("digest {printed}");

    let (code, json, err) = outcome(path, &["export", "--format", "json"]);
    assert_eq!((code, &err), (0, &said));
    let back = tempfile::tempdir().unwrap();
    Store::restore(back.path(), |sink| read_json(json.as_bytes(), "-", sink)).unwrap();
    assert_eq!(digest(back.path()), digest(path));

    let csv = path.join("export/csv");
    let (code, out, err) = outcome(path, &["export", "--format", "csv"]);
    assert_eq!((code, out.as_str(), err), (0, "", format!("{}\n{said}", csv.display())));
    let back = tempfile::tempdir().unwrap();
    Store::restore(back.path(), |sink| read_csv(&csv, sink)).unwrap();
    assert_eq!(digest(back.path()), digest(path));

    let names: Vec<String> = files(&csv).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 12, "{names:?}");
    assert!(
        files(&csv)
            .iter()
            .all(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count() > 0)
    );
}

#[test]
fn the_same_store_gives_the_same_bytes_in_place_of_the_earlier_ones() {
    let store = everything();
    for format in ["csv", "parquet"] {
        let folder = store.path().join("export").join(format);
        let written = || {
            assert_eq!(outcome(store.path(), &["export", "--format", format]).0, 0);
            files(&folder)
        };
        let first = written();
        assert!(first.len() >= 11 && first == written(), "{format}");
        let beside: Vec<_> = fs::read_dir(store.path().join("export"))
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert!(
            beside.iter().all(|name| ["csv", "parquet"].contains(&name.to_str().unwrap())),
            "{beside:?}"
        );
    }
    let json = store.path().join("record.json");
    let written = || {
        assert_eq!(
            outcome(store.path(), &["export", "--format", "json", "-o", json.to_str().unwrap()]).1,
            ""
        );
        fs::read(&json).unwrap()
    };
    assert_eq!(written(), written());
    assert_eq!(
        outcome(store.path(), &["export", "--format", "json", "-o", "-"]).1.into_bytes(),
        written()
    );
}

#[test]
fn what_is_not_of_an_export_stays() {
    let store = everything();
    let target = store.path().join("mine");
    fs::create_dir(&target).unwrap();
    let export = |format: &str| {
        outcome(store.path(), &["export", "--format", format, "-o", target.to_str().unwrap()])
    };
    fs::write(target.join("notes.txt"), "mine").unwrap();
    let (code, out, err) = export("csv");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("has 'notes.txt' in it, which is of no export: name another folder with -o"),
        "{err}"
    );
    assert_eq!(files(&target).len(), 1);
    fs::rename(target.join("notes.txt"), target.join("runs.csv")).unwrap();
    assert!(
        export("csv").2.contains("has 'runs.csv' in it"),
        "a file may have the name of one of ours"
    );
    fs::remove_file(target.join("runs.csv")).unwrap();
    assert_eq!((export("csv").0, export("csv").0), (0, 0));
    assert!(
        export("parquet").2.contains("which is of no export"),
        "an export of another format is not replaced"
    );
    // Nobody's folder goes away under him.
    let mut here = std::process::Command::new(env!("CARGO_BIN_EXE_report"));
    here.current_dir(&target)
        .arg("-r")
        .arg(store.path())
        .args(["export", "--format", "csv", "-o", "."]);
    let said = here.output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("is where you are"));
    fs::remove_dir_all(&target).unwrap();
    fs::write(&target, "a file").unwrap();
    for format in ["csv", "parquet"] {
        let (code, _, err) = export(format);
        assert!(code == 2 && err.contains("mine: ") && err.contains("ot a directory"), "{err}");
    }
    let nowhere = store.path().join("nowhere/record.json");
    let (code, _, err) =
        outcome(store.path(), &["export", "--format", "json", "-o", nowhere.to_str().unwrap()]);
    assert!(
        code == 2 && err.contains("cannot write") && err.contains("nowhere/record.json"),
        "{err}"
    );
}

#[test]
fn no_database_is_written_over_and_links_lead_to_what_is_written() {
    let store = everything();
    let database = store.path().join(DATABASE);
    let before = fs::read(&database).unwrap();
    let to = |path: &Path, format: &str| {
        let (code, _, err) =
            outcome(store.path(), &["export", "--format", format, "-o", path.to_str().unwrap()]);
        (code, err)
    };
    for format in ["json", "markdown"] {
        let (code, err) = to(&database, format);
        assert!(code == 2 && err.contains("it is a database: name another file"), "{err}");
    }
    let (code, _, err) = outcome(store.path(), &["html", "-o", database.to_str().unwrap()]);
    assert!(code == 2 && err.contains("it is a database"), "{err}");
    assert_eq!(fs::read(&database).unwrap(), before);

    let (link, behind) = (store.path().join("link.json"), store.path().join("behind.json"));
    fs::write(&behind, "old").unwrap();
    fs::write(store.path().join("behind.json.new"), "mine").unwrap();
    std::os::unix::fs::symlink(&behind, &link).unwrap();
    assert_eq!(to(&link, "json").0, 0);
    assert!(link.is_symlink() && fs::read_to_string(&behind).unwrap().starts_with('{'));
    assert_eq!(fs::read_to_string(store.path().join("behind.json.new")).unwrap(), "mine");
    assert_eq!(to(Path::new("/dev/null"), "json").0, 0);
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn experiments_and_conditions_choose_runs() {
    let store = everything();
    let rows = |arguments: &[&str]| -> serde_json::Value {
        let (code, out, err) =
            outcome(store.path(), &[&["export", "--format", "json"], arguments].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let count = |rows: &serde_json::Value, table: &str| rows[table].as_array().unwrap().len();
    let all = rows(&[]);
    assert_eq!(
        (count(&all, "runs"), count(&all, "invocations"), count(&all, "resumptions")),
        (4, 3, 1)
    );
    let wine = rows(&["-e", "wine"]);
    assert_eq!(
        (count(&wine, "runs"), count(&wine, "experiments"), count(&wine, "checkpoints")),
        (3, 1, 1)
    );
    let (_, said, _) = outcome(store.path(), &["digest", "-e", "wine"]);
    assert_eq!(wine["digest"], said.trim_end());
    let some = rows(&["-e", "wine", "--where", "status=diverged and batch_size>=32"]);
    assert_eq!(
        (count(&some, "runs"), count(&some, "invocations"), count(&some, "mistakes")),
        (1, 1, 0)
    );
    for (arguments, words) in [
        (&["--where", "batchsize=1"][..], "did you mean 'batch_size'?"),
        (&["--where", "batch_size>64"], "there is nothing to export"),
        (&["-e", "wines"], "did you mean 'wine'?"),
        (&["--top", "3"], "and go with --format markdown or latex"),
    ] {
        let (code, out, err) =
            outcome(store.path(), &[&["export", "--format", "json"], arguments].concat());
        assert!(code == 2 && out.is_empty() && err.contains(words), "{err}");
    }
    let (code, _, err) = outcome(store.path(), &["export", "--format", "csv", "-o", "-"]);
    assert!(
        code == 2 && err.contains("--format csv is a folder of files: name one with -o"),
        "{err}"
    );
}

#[test]
fn comparisons_are_those_of_the_report() {
    let store = sixty_three();
    let question = ["--top", "3", "--where", "decay=0"];
    let (code, markdown, err) =
        outcome(store.path(), &[&["export", "--format", "markdown"], &question[..]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        markdown,
        outcome(store.path(), &[&["--format", "markdown"], &question[..]].concat()).1
    );
    let file = store.path().join("table.tex");
    let arguments = ["export", "--format", "latex", "-o", file.to_str().unwrap()];
    assert_eq!(
        outcome(store.path(), &[&arguments[..], &question].concat()),
        (0, String::new(), String::new())
    );
    assert!(fs::read_to_string(&file).unwrap().contains("\\textbf{16}"));
}

/// What was changed is exported as it is, and said: whoever reads it back is told as well.
#[test]
fn damage_is_handed_on_and_said() {
    let store = sixty_three();
    let (_, json, _) = outcome(store.path(), &["export", "--format", "json"]);
    let run = serde_json::from_str::<serde_json::Value>(&json).unwrap()["metrics"][0].clone();
    let database = store.path().join(DATABASE);
    let bytes = fs::read(&database).unwrap();
    let value = run["value"].as_f64().unwrap().to_be_bytes();
    let mut changed = bytes.clone();
    for index in 0..bytes.len() - 8 {
        if bytes[index..index + 8] == value {
            changed[index + 7] ^= 1;
        }
    }
    fs::write(&database, &changed).unwrap();
    let (code, json, err) = outcome(store.path(), &["export", "--format", "json"]);
    assert_eq!(code, 1);
    assert!(err.contains("warning: the epochs of run ") && err.contains("digest sha256:"), "{err}");
    let back = tempfile::tempdir().unwrap();
    Store::restore(back.path(), |sink| read_json(json.as_bytes(), "-", sink)).unwrap();
    assert_eq!(outcome(back.path(), &["export", "--format", "json"]).0, 1);
}

/// Where the Python in `target/python` has pyarrow and DuckDB: they read Parquet and CSV, and find the same in both.
#[test]
fn other_programs_read_the_same() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let has_both =
        assert_cmd::Command::new(&python).args(["-c", "import pyarrow, duckdb"]).output();
    if !has_both.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: exports were not read by pyarrow and DuckDB, for want of target/python with both"
        );
        return;
    }
    for store in [everything(), sixty_three()] {
        let export = store.path().join("export");
        for format in ["csv", "parquet"] {
            assert_eq!(outcome(store.path(), &["export", "--format", format]).0, 0);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/check.py");
        let mut command = assert_cmd::Command::new(&python);
        let output = command
            .arg(script)
            .args([export.join("csv"), export.join("parquet")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
