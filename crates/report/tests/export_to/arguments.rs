//! Targets, conditions and damaged runs.

use std::path::Path;

use crate::results::{export, files, record, results_with};
use crate::stores::{outcome, plausible};

#[test]
fn wrong_target_is_rejected_with_a_hint() {
    let results = results_with(2);
    let inside = results.path().join("batch_sweep/models/x");
    let file = results.path().join("tracking.db");
    for (arguments, hint) in [
        (
            &["--to", "mlflw", "out"][..],
            "unknown tool 'mlflw': expected one of mlflow, tensorboard; did you mean 'mlflow'?",
        ),
        (&["--to", "mlflow"], "2 values required"),
        (&[], "--to <TOOL> <DIR|URL>"),
        (&["--to", "tensorboard", "http://localhost:6006"], "expected a folder"),
        (
            &["--to", "mlflow", "sqlite:///mlflow.db"],
            "expected a folder, or the address of a server",
        ),
        (
            &["--to", "mlflow", "http://me:secret@localhost"],
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        ),
        (&["--to", "mlflow", results.path().to_str().unwrap()], "belongs to the results folder"),
        (&["--to", "tensorboard", inside.to_str().unwrap()], "belongs to the results folder"),
        (&["--to", "mlflow", file.to_str().unwrap()], "cannot make the folder"),
        (&["--to", "mlflow", "out", "-e", "batch"], "unknown experiment 'batch'"),
        (&["--to", "mlflow", "out", "--where", "sed=1"], "did you mean 'seed'?"),
    ] {
        let (code, out, err) = outcome(results.path(), &[&["export"], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(hint) && !err.contains("secret"), "{arguments:?}: {err}");
    }
    assert!(!inside.exists() && !Path::new("out").exists());
}

#[test]
fn conditions_choose_the_exported_runs() {
    let (results, out) = (results_with(4), tempfile::tempdir().unwrap());
    let chosen = ["-e", "batch_sweep", "--where", "batch_size=16"];
    let err = export(&results, "tensorboard", out.path(), &chosen);
    assert!(err.starts_with("2 runs added\nview them: tensorboard --logdir '"), "{err}");
    let err = export(&results, "tensorboard", out.path(), &[]);
    assert!(err.starts_with("2 runs added, 2 unchanged\n"), "{err}");
}

#[test]
fn run_folders_are_named_by_what_varies() {
    let (results, out) = (results_with(4), tempfile::tempdir().unwrap());
    let names = || -> Vec<String> {
        let paths = files(out.path()).into_keys();
        paths
            .map(|path| path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    export(&results, "tensorboard", out.path(), &[]);
    assert_eq!(names().len(), 4);
    let is_right = |name: &String| name.contains("batch_size=") && !name.contains("decay");
    assert!(names().iter().all(is_right), "{:?}", names());
    // If another hyperparameter varies, the same folders get new names.
    record(&results, &plausible("batch_sweep", 16, 1e-4, 0));
    let err = export(&results, "tensorboard", out.path(), &[]);
    assert!(err.starts_with("1 run added, 4 unchanged\n"), "{err}");
    assert_eq!(names().len(), 5);
    assert!(names().iter().all(|name| name.contains("decay=")), "{:?}", names());
}

#[test]
fn damaged_runs_are_not_exported() {
    let (results, out) = (results_with(3), tempfile::tempdir().unwrap());
    let database = rusqlite::Connection::open(results.path().join("tracking.db")).unwrap();
    let change = "UPDATE metrics SET value = 0.99 WHERE name = 'val_accuracy' AND epoch = 5
                  AND run_id = (SELECT min(id) FROM runs);
                  UPDATE runs SET engine = 'none' WHERE id = (SELECT max(id) FROM runs)";
    database.execute_batch(change).unwrap();
    for tool in ["mlflow", "tensorboard"] {
        let folder = out.path().join(tool);
        let arguments = ["export", "--to", tool, folder.to_str().unwrap()];
        let (code, _, err) = outcome(results.path(), &arguments);
        assert!(code == 1 && err.starts_with("1 run added\n"), "{err}");
        assert!(err.contains("warning: the epochs of run"), "{err}");
        assert!(err.contains("warning: run"), "{err}");
    }
}
