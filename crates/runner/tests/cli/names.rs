//! Names on the command line: ids in their CSV form, ids that two experiments share, and paths that
//! are not UTF-8.

use crate::common::Sweep;

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
    let sweep = Sweep::new("numbers.toml", NUMBERS);
    sweep.runner("numbers.toml -q").success();
    let marked = format!("id-{ID}");
    let results = sweep.results();
    for file in ["numbers/runs.csv", "numbers/epochs.csv"] {
        let text = results.csv(file);
        assert!(text.contains(&format!(",{marked},")), "{file}: {text}");
        assert!(!text.contains(&format!(",{ID},")), "{file}: {text}");
    }
    assert!(results.weights("numbers", ID).exists(), "file names have the plain id");
    for id in [ID, &marked, &marked[..10], &format!("numbers/{ID}"), &format!("numbers/{marked}")] {
        let predict = sweep.runner(&format!("predict --trial {id} --index 0")).success();
        assert!(predict.stdout.starts_with(&format!("trial {ID} ")), "{}", predict.stdout);
        let verify = sweep.runner(&format!("verify {id}")).success();
        verify.stdout_contains("1 of 1 runs are identical");
        let delete = sweep.runner(&format!("delete {id}")).success();
        assert!(delete.stdout.starts_with("moved 1 run to"), "{}", delete.stdout);
        assert!(!results.csv("numbers/runs.csv").contains(ID));
        sweep.runner(&format!("restore {id}")).success();
        assert!(results.csv("numbers/runs.csv").contains(&marked));
    }
}

#[test]
fn ambiguous_id_lists_experiments_and_changes_nothing() {
    let sweep = Sweep::new("numbers.toml", NUMBERS);
    sweep.write("again.toml", NUMBERS.replace("\"numbers\"", "\"again\""));
    sweep.runner("numbers.toml again.toml -q").success();
    let before = sweep.read("results/numbers/runs.csv");
    for command in ["predict --index 0 --trial", "verify", "delete"] {
        sweep
            .runner(&format!("{command} {ID}"))
            .exits(2)
            .stderr_contains(format!("again/{ID}"))
            .stderr_contains(format!("numbers/{ID}"));
    }
    assert_eq!(sweep.read("results/numbers/runs.csv"), before);
    let delete = sweep.runner(&format!("delete again/{ID}")).success();
    assert!(delete.stdout.starts_with("moved 1 run to"), "{}", delete.stdout);
    assert_eq!(sweep.read("results/numbers/runs.csv"), before);
    assert!(!sweep.read("results/again/runs.csv").contains(ID));
}

/// Unix file names are arbitrary bytes.
#[cfg(unix)]
#[test]
fn commands_accept_paths_that_are_not_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    let sweep = Sweep::empty();
    let odd = Path::new(OsStr::from_bytes(b"stra\xdfe"));
    let results = odd.join("results");
    // Some file systems reject names that are not UTF-8.
    if std::fs::create_dir(sweep.path(odd)).is_err() {
        return;
    }
    let run = |arguments: &str| sweep.runner(arguments).arg("--results").arg(&results);

    // The experiment file names a dataset folder whose absolute path is not UTF-8.
    crate::common::write_dataset(&sweep.path(odd).join("tiny"));
    let experiment = odd.join(OsStr::from_bytes(b"\xfcbung.toml"));
    let text = NUMBERS.replace("\"digits\"", "\"tiny\"").replace("22", "2");
    std::fs::write(sweep.path(&experiment), text).unwrap();
    run("").arg(&experiment).success().stdout_contains("numbers");
    run("--plan").arg(&experiment).success().stdout_contains("2 trials, none to run");

    run("verify --all").success().stdout_contains("2 of 2 runs are identical");
    let reader = tracking::Reader::open(&sweep.path(&results)).unwrap();
    let trial = reader.runs("numbers").unwrap()[0].trial.clone();
    drop(reader);
    let predict = run(&format!("predict --trial {trial} --index 0")).success();
    predict.stdout_contains("tiny test 0");
    run(&format!("delete {trial}")).success().stdout_contains("moved 1 run to");
    run(&format!("restore {trial}")).success().stdout_contains("restored 1 run to");
    run("gc").success().stdout_contains("nothing to delete");
    let merge = sweep.runner("merge --results merged").arg(&results).success();
    merge.stdout_contains("2 added");
}
