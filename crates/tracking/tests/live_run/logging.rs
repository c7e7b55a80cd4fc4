//! What a live run logs, how it ends, and which values are rejected.

use rusqlite::Connection;
use tracking::{DATABASE, Reader, Status, Store, StoreError, Value};

use crate::{all, opened, wait_for_epoch};

#[test]
fn dropped_runs_are_killed_and_others_keep_their_status() {
    let (folder, store) = opened();
    let start = |seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap();
    start(0).log(1, &[("loss", 0.5)]).unwrap();
    let panicked = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let run = start(1);
            run.log(1, &[("loss", 0.5)]).unwrap();
            panic!("on purpose");
        });
        thread.join()
    });
    assert!(panicked.is_err());
    start(2).fail("out of memory").unwrap();
    start(3).diverge().unwrap();
    let outlives_store = start(4);
    drop(store);
    outlives_store.log(1, &[("loss", 0.5)]).unwrap();
    outlives_store.finish(&[]).unwrap();
    let ends: Vec<_> = all(folder.path())
        .iter()
        .map(|run| (run.status, run.error.clone().unwrap_or_default()))
        .collect();
    let expected = [
        (Status::Killed, "the program dropped it before its end"),
        (Status::Killed, "its thread panicked"),
        (Status::Failed, "out of memory"),
        (Status::Diverged, ""),
        (Status::Finished, ""),
    ];
    assert!(ends.iter().map(|(status, error)| (*status, error.as_str())).eq(expected), "{ends:?}");
    assert_eq!(
        all(folder.path()).iter().map(|run| run.last_epoch).collect::<Vec<_>>(),
        [1, 1, 0, 0, 1]
    );
}

#[test]
fn epochs_are_committed_before_the_run_ends() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    run.log_at(3, 300, &[("loss", 0.25)]).unwrap();
    run.log_at(3, 300, &[("val_loss", 0.125)]).unwrap();
    wait_for_epoch(folder.path(), 3);
    let reader = Reader::open(folder.path()).unwrap();
    let runs = reader.runs("wine").unwrap();
    assert_eq!((runs[0].status, runs[0].ended_at.as_str()), (Status::Running, ""));
    let epochs = reader.epochs(&runs[0]).unwrap();
    assert_eq!(
        epochs
            .iter()
            .map(|epoch| (epoch.epoch, epoch.step, epoch.metrics.len()))
            .collect::<Vec<_>>(),
        [(1, 1, 1), (3, 300, 2)]
    );
}

#[test]
fn non_finite_values_are_dropped_and_zeros_unsigned() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[("rate", Value::Real(-0.0))]).unwrap();
    run.log(1, &[("loss", f64::NAN), ("accuracy", -0.0)]).unwrap();
    run.log(2, &[("loss", f64::NEG_INFINITY)]).unwrap();
    run.finish(&[("test_loss", f64::INFINITY), ("test_accuracy", -0.0), ("seconds", 7.0)]).unwrap();
    let run = &all(folder.path())[0];
    assert_eq!(
        (run.result("test_loss"), run.result("test_accuracy"), run.result("seconds")),
        (None, Some(0.0), Some(7.0))
    );
    let epochs = Reader::open(folder.path()).unwrap().epochs(run).unwrap();
    assert_eq!((epochs.len(), &epochs[0].metrics[..]), (1, &[("accuracy".to_owned(), 0.0)][..]));
    for infinite in [f64::NAN, f64::INFINITY] {
        let error = store.start_run("wine", &[("rate", infinite.into())]).unwrap_err().to_string();
        assert_eq!(error, "cannot record the hyperparameter 'rate': its value is not finite");
    }
}

#[test]
fn invalid_experiment_names_are_rejected() {
    let (_folder, store) = opened();
    for name in ["", "../up", "a/b", "Wine", "ü", &"a".repeat(65)] {
        assert!(
            matches!(store.start_run(name, &[]), Err(StoreError::InvalidExperimentName(_))),
            "{name}"
        );
    }
}

#[test]
fn invalid_names_are_rejected_with_a_reason() {
    let (folder, store) = opened();
    let long = "x".repeat(129);
    let names = [
        ("", "its name is empty"),
        (" ", "its name is empty"),
        ("\u{1b}[2J", "its name has characters that cannot be printed"),
        ("a\nb", "its name has characters that cannot be printed"),
        ("\u{202e}x", "its name has characters that cannot be printed"),
        (&long, "its name is longer than 128 bytes"),
        ("loss", "its name is already in use"),
    ];
    let run = store.start_run("wine", &[("loss", 1.into())]).unwrap();
    for (name, reason) in names {
        let error = store
            .start_run("wine", &[("loss", 1.into()), (name, 2.into())])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot record the hyperparameter '") && error.ends_with(reason),
            "{error}"
        );
        let error =
            run.log(1, &[("loss", 1.0), ("accuracy", 0.5), (name, 2.0)]).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot record the metric '") && error.ends_with(reason),
            "{error}"
        );
        assert!(!error.contains(['\u{1b}', '\n', '\u{202e}']), "{error}");
    }

    // Nothing of a rejected call is recorded.
    run.log(1, &[("loss", 1.0)]).unwrap();
    let again = run.log(1, &[("accuracy", 0.5), ("loss", 1.0)]).unwrap_err().to_string();
    assert_eq!(again, "cannot record the metric 'loss': its name is already in use");
    run.log(1, &[("accuracy", 0.5)]).unwrap();

    let error = run.finish(&[("test_loss", 1.0), ("test_loss", 2.0)]).unwrap_err().to_string();
    let runs = all(folder.path());
    assert_eq!(
        (runs.len(), runs[0].status, runs[0].error.as_ref()),
        (1, Status::Failed, Some(&error))
    );
    let epochs = Reader::open(folder.path()).unwrap().epochs(&runs[0]).unwrap();
    assert_eq!(epochs.iter().map(|epoch| epoch.metrics.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn invalid_epochs_are_rejected_with_a_reason() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[]).unwrap();
    run.log(1, &[("loss", 1.0), ("accuracy", 0.5)]).unwrap();
    run.log_at(2, 10, &[("loss", 1.0)]).unwrap();
    let invalid = [
        (0, 11, "epochs count from 1"),
        (1, 11, "a later epoch was already logged"),
        (2, 11, "the epoch was already logged at another step"),
        (3, 9, "an earlier epoch had a higher step"),
        (3, u64::MAX, "the step exceeds 2^63 - 1"),
    ];
    for (epoch, step, reason) in invalid {
        let error = run.log_at(epoch, step, &[("loss", 1.0)]).unwrap_err().to_string();
        assert_eq!(error, format!("cannot log epoch {epoch} (step {step}): {reason}"));
    }
    run.finish(&[]).unwrap();
    let epochs = Reader::open(folder.path()).unwrap().epochs(&all(folder.path())[0]).unwrap();
    assert_eq!(epochs.iter().map(|epoch| epoch.metrics.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn database_error_of_one_run_spares_other_runs() {
    let (folder, store) = opened();
    let [good, bad] =
        [0, 1].map(|seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap());
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER no AFTER INSERT ON metrics WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ABORT, 'never'); END",
        )
        .unwrap();
    bad.log(1, &[("bad", 1.0)]).unwrap();
    good.log(1, &[("good", 1.0)]).unwrap();
    good.finish(&[]).unwrap();
    let error = bad.log(2, &[("good", 1.0)]).unwrap_err().to_string();
    assert!(error.ends_with("never"), "{error}");
    bad.finish(&[]).unwrap();
    let runs = all(folder.path());
    assert!(runs.iter().all(|run| run.status == Status::Finished));
    assert_eq!(runs.iter().map(|run| run.last_epoch).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn deleted_experiment_is_created_again() {
    let (folder, store) = opened();
    let start = |seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap();
    let (old, lost) = (start(0), start(1));
    let ids = [old.id().clone(), lost.id().clone()];
    old.finish(&[]).unwrap();
    Store::open(folder.path()).unwrap().delete_runs(&ids).unwrap();
    assert!(lost.finish(&[]).is_err(), "the deleted run cannot end");
    start(2).finish(&[]).unwrap();
    assert_eq!(all(folder.path()).len(), 1);
}

/// The system lets a process write to an open file that was deleted, so the store has to check.
#[test]
fn logging_into_a_deleted_store_fails() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
    let error = run.finish(&[("test_accuracy", 0.9)]).unwrap_err();
    assert!(
        matches!(&error, StoreError::Deleted { path } if *path == folder.path().join(DATABASE)),
        "{error}"
    );
    assert!(matches!(
        store.start_run("wine", &[("depth", 4.into())]),
        Err(StoreError::Deleted { .. })
    ));
    drop(store);
    assert!(!folder.path().exists(), "the folder is not created again");
}
