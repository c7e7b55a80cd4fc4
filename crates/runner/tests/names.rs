//! Names on the command line: ids in their CSV form, ids that two experiments share, and paths that
//! are not UTF-8.
#![allow(clippy::unwrap_used)]

mod common;

use common::Folder;

/// An experiment with two trials. The id of one trial, [`ID`], reads as a number in spreadsheets.
const NUMBERS: &str = r#"
name = "numbers"
data = { dataset = "digits" }
train = { epochs = 3, batch_size = 22 }
[sweep]
seed = [0, 8]
"#;
const ID: &str = "96925006063373e7";

#[test]
fn every_command_accepts_ids_in_csv_form() {
    let folder = Folder::new();
    folder.write("numbers.toml", NUMBERS);
    folder.run(&["numbers.toml", "-q"]);
    let marked = format!("id-{ID}");
    for file in ["runs.csv", "epochs.csv"] {
        let text = folder.read(&format!("results/numbers/{file}"));
        assert!(
            text.contains(&format!(",{marked},")) && !text.contains(&format!(",{ID},")),
            "{file}: {text}"
        );
    }
    assert!(
        folder.exists(&format!("results/numbers/models/{ID}.safetensors")),
        "on disk, the id is plain"
    );
    for id in [ID, &marked, &marked[..10], &format!("numbers/{ID}"), &format!("numbers/{marked}")] {
        let said = folder.run(&["predict", "--trial", id, "--index", "0"]);
        assert!(said.starts_with(&format!("trial {ID} ")), "{said}");
        assert!(folder.run(&["verify", id]).contains("1 of 1 runs are identical"));
        let said = folder.run(&["delete", id]);
        assert!(said.starts_with("1 run is in"), "{said}");
        assert!(!folder.read("results/numbers/runs.csv").contains(ID));
        folder.run(&["restore", id]);
        assert!(folder.read("results/numbers/runs.csv").contains(&marked));
    }
}

#[test]
fn ambiguous_id_lists_experiments_and_changes_nothing() {
    let folder = Folder::new();
    folder.write("numbers.toml", NUMBERS);
    folder.write("again.toml", NUMBERS.replace("\"numbers\"", "\"again\""));
    folder.run(&["numbers.toml", "again.toml", "-q"]);
    let before = folder.read("results/numbers/runs.csv");
    for command in
        [&["predict", "--index", "0", "--trial", ID][..], &["verify", ID], &["delete", ID]]
    {
        let said = folder.run_fails(command, 2);
        assert!(
            said.contains(&format!("again/{ID}")) && said.contains(&format!("numbers/{ID}")),
            "{said}"
        );
    }
    assert_eq!(folder.read("results/numbers/runs.csv"), before);
    assert!(folder.run(&["delete", &format!("again/{ID}")]).starts_with("1 run is in"));
    assert_eq!(folder.read("results/numbers/runs.csv"), before);
    assert!(!folder.read("results/again/runs.csv").contains(ID));
}

/// Unix file names are arbitrary bytes.
#[cfg(unix)]
#[test]
fn commands_accept_paths_that_are_not_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    let folder = Folder::new();
    let odd = Path::new(OsStr::from_bytes(b"stra\xdfe"));
    let results = odd.join("results");
    // Some file systems reject names that are not UTF-8.
    if std::fs::create_dir(folder.path("").join(odd)).is_err() {
        return;
    }
    let command = |arguments: &[&OsStr]| {
        let output =
            folder.command().args(arguments).arg("--results").arg(&results).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let run = |arguments: &[&str]| command(&arguments.iter().map(OsStr::new).collect::<Vec<_>>());

    // The experiment file names a dataset folder whose absolute path is not UTF-8.
    folder.write_dataset(odd.join("tiny"));
    let experiment = odd.join(OsStr::from_bytes(b"\xfcbung.toml"));
    let text = NUMBERS.replace("\"digits\"", "\"tiny\"").replace("22", "2");
    std::fs::write(folder.path("").join(&experiment), text).unwrap();
    let said = command(&[experiment.as_os_str()]);
    assert!(said.contains("numbers"), "{said}");
    let said = command(&[experiment.as_os_str(), OsStr::new("--plan")]);
    assert!(said.contains("2 trials, none to run"), "{said}");

    assert!(run(&["verify", "--all"]).contains("2 of 2 runs are identical"));
    let trial =
        tracking::Reader::open(&folder.path("").join(&results)).unwrap().runs("numbers").unwrap()
            [0]
        .trial
        .clone();
    assert!(run(&["predict", "--trial", trial.as_str(), "--index", "0"]).contains("tiny test 0"));
    assert!(run(&["delete", trial.as_str()]).contains("1 run is in"));
    assert!(run(&["restore", trial.as_str()]).contains("1 run is back"));
    assert!(run(&["gc"]).contains("nothing to delete"));
    let output =
        folder.command().arg("merge").arg(&results).args(["--results", "merged"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("2 added"), "{output:?}");
}
