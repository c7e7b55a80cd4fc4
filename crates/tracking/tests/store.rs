//! What is recorded is what is read; what is no store of ours is left alone.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod wine;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use tracking::{
    ConfusionCell, DATABASE, EpochMetrics, ErrorAnalysis, Experiment, FindError, Invocation, Order,
    Reader, RecordedRun, Run, RunId, SplitSizes, Status, Store, StoreError, TrialId, Value,
};

use wine::{examples, invocation, opened, run};

fn names_and_values<N: AsRef<str>, T>(pairs: &[(N, T)]) -> impl Iterator<Item = (&str, &T)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), value))
}

#[test]
fn what_is_recorded_is_read_back() {
    let (folder, mut store, id) = opened();
    let written = run(3);
    let run_id = store.record(id, &written).unwrap();
    let reader = Reader::open(folder.path()).unwrap();

    let runs = reader.runs("wine").unwrap();
    assert_eq!(runs, store.runs("wine").unwrap());
    let [read] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!((&read.id, &read.trial, read.status), (&run_id, &written.trial, Status::Finished));
    assert!(
        names_and_values(&read.params).eq(names_and_values(&written.params)),
        "in order, bit for bit"
    );
    assert!(names_and_values(&read.results).eq(names_and_values(&written.results)));
    assert_eq!(read.fallback_for.as_deref(), Some("kmnist"));
    assert_eq!(read.dataset_path.as_deref(), Some("/data"));
    assert_eq!(read.validation, "0.1");
    assert_eq!(read.started_at, "2023-11-14T22:13:20.000Z");
    assert_eq!(read.ended_at, "2023-11-14T22:13:21.500Z");
    assert_eq!(reader.epochs(&reader.runs("wine").unwrap()[0]).unwrap(), written.epochs);
    assert_eq!(last_value(&reader, &runs[0], "val_loss").map(f64::to_bits), Some(0.2f64.to_bits()));
    assert_eq!(
        (reader.error_analysis(read).unwrap(), store.error_analysis(read).unwrap()),
        (Some(examples()), Some(examples()))
    );
    assert_eq!(reader.invocation(read).unwrap(), invocation());
    assert_eq!(reader.experiments().unwrap()[0].description, "Does depth help?");
}

#[test]
fn the_newest_run_of_a_trial_counts() {
    let (folder, mut store, id) = opened();
    store
        .record(
            id,
            &run(0).with(|run| {
                run.status = Status::Failed;
                run.error = Some("no".into());
            }),
        )
        .unwrap();
    let newest = store.record(id, &run(0)).unwrap();
    store.record(id, &run(1)).unwrap();
    let runs = Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs[0].trial < runs[1].trial, "by trial, whoever was recorded first");
    let of_trial = runs.iter().find(|it| it.trial == run(0).trial).unwrap();
    assert_eq!(
        (&of_trial.id, of_trial.status, &of_trial.error),
        (&newest, Status::Finished, &None)
    );
}

/// Clocks of machines differ and can be set back. Stores can be merged in any order.
#[test]
fn order_of_runs_survives_a_clock_that_is_set_back() {
    let (folder, mut store, id) = opened();
    let at = |seconds: u64, run: Run| Run {
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        ..run
    };
    store.record(id, &at(7_200, run(0))).unwrap();
    let second = store.record(id, &at(3_600, run(0))).unwrap();
    let third = store.record(id, &at(0, run(0))).unwrap();
    let runs = store.all_runs("wine").unwrap();
    let order: Vec<&RunId> = runs.iter().map(|run| &run.id).collect();
    assert_eq!(order[1..], [&second, &third]);
    assert_eq!(store.runs("wine").unwrap()[0].id, third);
    assert_eq!(runs[2].started_at, "1970-01-01T00:00:00.000Z", "the start time stays as measured");

    // A merge keeps the order, regardless of which run is merged first.
    for earlier in [&second, &third] {
        let copy = tempfile::tempdir().unwrap();
        let mut into = Store::open(copy.path()).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        for wanted in [true, false] {
            into.merge(&reader, &|run| (run.id == *earlier) == wanted, true, &mut |_| Ok(()))
                .unwrap();
        }
        assert_eq!(into.runs("wine").unwrap()[0].id, third);
        let ids = |runs: Vec<RecordedRun>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(ids(into.all_runs("wine").unwrap()), ids(store.all_runs("wine").unwrap()));
    }
}

#[test]
fn runs_with_a_result_take_precedence() {
    for (status, counts) in [
        (Status::Failed, false),
        (Status::Killed, false),
        (Status::Diverged, true),
        (Status::Finished, true),
    ] {
        let (_folder, mut store, id) = opened();
        let first = store.record(id, &run(0)).unwrap();
        let second = store.record(id, &run(0).with(|run| run.status = status)).unwrap();
        assert_eq!(
            store.runs("wine").unwrap()[0].id,
            if counts { second } else { first },
            "{status}"
        );
    }
    let (_folder, mut store, id) = opened();
    store.record(id, &run(0).with(|run| run.status = Status::Killed)).unwrap();
    let failed = store.record(id, &run(0).with(|run| run.status = Status::Failed)).unwrap();
    assert_eq!(store.runs("wine").unwrap()[0].id, failed);
}

#[test]
fn split_sizes_are_stored_and_checksummed() {
    let (folder, mut store, id) = opened();
    let sizes = SplitSizes { train: Some(60_000), validation: None, test: Some(10_000) };
    let recorded = store
        .record(
            id,
            &run(0).with(|run| {
                run.split_sizes = sizes;
                run.order = Order::Next;
            }),
        )
        .unwrap();
    assert_eq!(store.find(recorded.as_str()).unwrap().split_sizes, sizes);
    drop(store);
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute("UPDATE runs SET test_examples = 9999", []).unwrap();
    assert!(!Reader::open(folder.path()).unwrap().find(recorded.as_str()).unwrap().is_intact());
}

#[test]
fn shared_trial_id_needs_an_experiment_prefix() {
    let (folder, mut store, id) = opened();
    let beer = Experiment { name: "beer".into(), description: String::new() };
    let other = store.begin(&beer, &invocation()).unwrap();
    store.record(id, &run(0)).unwrap();
    let of_beer = store.record(other, &run(0).with(|run| run.experiment = "beer".into())).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let trial = run(0).header.trial;
    for text in [trial.as_str(), &trial.as_str()[..6]] {
        let error = reader.find(text).unwrap_err();
        assert!(matches!(error, FindError::SeveralExperiments { .. }));
        let message = error.to_string();
        assert!(message.contains(&format!("beer/{trial}, wine/{trial}")), "{message}");
    }
    assert_eq!(reader.find(&format!("beer/{}", &trial.as_str()[..6])).unwrap().id, of_beer);
    assert_eq!(reader.find(of_beer.as_str()).unwrap().experiment, "beer");
    assert!(matches!(reader.find(&format!("cider/{trial}")), Err(FindError::NotFound(_))));
}

#[test]
fn the_runs_of_a_commit_count_as_if_there_were_no_others() {
    let (folder, mut store, first) = opened();
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let at = |store: &mut Store, commit: Option<&str>| {
        store
            .begin(
                &experiment,
                &Invocation { git_commit: commit.map(str::to_owned), ..invocation() },
            )
            .unwrap()
    };
    let second = at(&mut store, Some("facade"));
    let unknown = at(&mut store, None);
    let old = store.record(first, &run(0)).unwrap();
    store.record(first, &run(1)).unwrap();
    store
        .record(
            second,
            &run(0).with(|run| {
                run.status = Status::Failed;
                run.error = Some("no".into());
            }),
        )
        .unwrap();
    let new = store.record(second, &run(0)).unwrap();
    store.record(second, &run(0).with(|run| run.status = Status::Killed)).unwrap();
    store.record(unknown, &run(0)).unwrap();

    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(
        reader.commits("wine").unwrap(),
        [("c0ffee".to_owned(), 2), ("facade".to_owned(), 3)]
    );
    assert!(reader.commits("beer").unwrap().is_empty());
    let there = |commit| reader.runs_at("wine", commit).unwrap();
    assert_eq!((there("c0ffee").len(), there("facade").len(), there("feed").len()), (2, 1, 0));
    assert!(there("c0ffee").iter().any(|it| it.id == old));
    assert_eq!(
        there("facade")[0].id,
        new,
        "neither the failed one before nor the killed one after"
    );
    let starts = reader.invocations(&there("facade")).unwrap();
    assert_eq!(
        starts.iter().map(|it| it.git_commit.as_deref()).collect::<Vec<_>>(),
        [Some("facade")]
    );
    assert_eq!(reader.invocations(&reader.all_runs("wine").unwrap()).unwrap().len(), 3);
    assert!(reader.integrity_issues().is_empty());

    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute("UPDATE runs SET trial_id = 'no id' WHERE id = ?1", [old.as_str()]).unwrap();
    for (commit, whole) in [("c0ffee", 1), ("facade", 1)] {
        let reader = Reader::open(folder.path()).unwrap();
        // A row that is none any more is missing there; that one is missing elsewhere is `Reader::runs`' to say.
        let found =
            (reader.runs_at("wine", commit).unwrap().len(), reader.integrity_issues().len());
        assert_eq!(found, (whole, usize::from(commit == "c0ffee")));
    }
    database.execute("UPDATE experiments SET runs = runs + 1", []).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(
        (reader.runs_at("wine", "facade").unwrap().len(), reader.integrity_issues().len()),
        (1, 1),
        "a row is missing"
    );
}

#[test]
fn finished_and_diverged_trials_are_done() {
    let (_folder, mut store, id) = opened();
    for (seed, status) in (0..).zip(Status::ALL) {
        store.record(id, &run(seed).with(|run| run.status = status)).unwrap();
    }
    let done = store.completed_trials("wine").unwrap();
    let expected = [1, 2].map(|seed| run(seed).header.trial);
    assert_eq!(done, expected.into());
    assert!(store.completed_trials("beer").unwrap().is_empty());
}

#[test]
fn what_is_not_finite_is_absent() {
    let (folder, mut store, id) = opened();
    let metrics = vec![("loss".into(), f64::NAN), ("accuracy".into(), 0.5)];
    let epochs = vec![EpochMetrics { epoch: 1, step: 1, metrics }];
    let results = vec![("test_loss".into(), f64::INFINITY)];
    store.record(id, &Run { epochs, results, ..run(0) }).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(
        reader.epochs(&reader.runs("wine").unwrap()[0]).unwrap()[0].metrics,
        [("accuracy".to_owned(), 0.5)]
    );
    assert!(reader.runs("wine").unwrap()[0].results.is_empty());
}

#[test]
fn a_prefix_finds_its_run_as_in_git() {
    let (_folder, mut store, id) = opened();
    let ids: Vec<_> = (0..40).map(|seed| store.record(id, &run(seed)).unwrap()).collect();
    assert_eq!(store.find(ids[7].as_str()).unwrap().id, ids[7]);
    assert_eq!(store.find(&ids[7].as_str().to_uppercase()).unwrap().id, ids[7]);
    assert_eq!(store.find(run(9).trial.as_str()).unwrap().id, ids[9]);
    assert_eq!(store.find(&run(9).trial.as_str()[..12]).unwrap().params[0].1, Value::from(9));
    // 80 ids begin with one of 16 digits.
    let digits = "0123456789abcdef".chars().map(String::from);
    let ambiguous =
        digits.filter(|it| matches!(store.find(it), Err(FindError::Ambiguous { .. }))).count();
    assert!(ambiguous > 0);
    for nothing in ["", "xyz", "0000000000000000", "%", "*", "' OR 1=1"] {
        assert!(matches!(store.find(nothing), Err(FindError::NotFound(_))), "{nothing}");
    }
}

#[test]
fn a_run_is_recorded_whole_or_not_at_all() {
    let (folder, mut store, id) = opened();
    let twice = vec![("loss".to_owned(), 1.0), ("loss".to_owned(), 2.0)];
    assert!(store.record(id, &Run { results: twice, ..run(0) }).is_err());
    assert!(
        store.record(id, &run(0).with(|run| run.experiment = "nobody began it".into())).is_err()
    );
    assert!(Reader::open(folder.path()).unwrap().runs("wine").unwrap().is_empty());
    let confusion = vec![ConfusionCell { label: 2, predicted: 0, count: 1 }];
    let wrong = ErrorAnalysis { confusion, ..examples() };
    let error =
        store.record(id, &Run { error_analysis: Some(wrong), ..run(0) }).unwrap_err().to_string();
    assert!(
        error.contains("the error analysis is invalid: a confusion cell has an unknown class"),
        "{error}"
    );
    let orphans = "SELECT (SELECT count(*) FROM params) + (SELECT count(*) FROM metrics) + (SELECT count(*) FROM mistakes)";
    assert_eq!(
        Connection::open(folder.path().join(DATABASE))
            .unwrap()
            .query_row(orphans, [], |row| row.get(0)),
        Ok(0)
    );
    store.record(id, &run(0)).unwrap();
}

#[test]
fn the_database_keeps_its_own_rules() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(0)).unwrap();
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "foreign_keys", "ON").unwrap();
    for wrong in [
        "INSERT INTO results VALUES ('nobody', 'loss', 1.0)",
        "UPDATE results SET value = 'much'",
        "UPDATE metrics SET epoch = 'first'",
        "UPDATE runs SET status = 'fine'",
    ] {
        assert!(connection.execute(wrong, []).is_err(), "{wrong}");
    }
    let table = "SELECT trial, status, seed, init, test_accuracy, program_version FROM run_table";
    let row = connection.query_row(table, [], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, i64>(2)?,
            row.get::<_, String>(3)?,
            row.get::<_, f64>(4)?,
        ))
    });
    assert_eq!(row, Ok((run(0).trial.to_string(), 0, "zeros".to_owned(), 0.9)));
}

#[test]
fn opening_again_keeps_what_is_there() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(0)).unwrap();
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "wine".into(), description: "Another description".into() };
    store.begin(&experiment, &invocation()).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.experiments().unwrap(), [experiment]);
    assert_eq!(reader.runs("wine").unwrap().len(), 1);
}

#[test]
fn two_programs_record_at_once() {
    let (folder, store, _) = opened();
    drop(store);
    let record = |seeds: std::ops::Range<i64>| {
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: "wine".into(), description: String::new() };
        let id = store.begin(&experiment, &invocation()).unwrap();
        for seed in seeds {
            store.record(id, &run(seed)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for first in [0, 50, 100, 150] {
            scope.spawn(move || record(first..first + 50));
        }
    });
    assert_eq!(Reader::open(folder.path()).unwrap().runs("wine").unwrap().len(), 200);
}

#[test]
fn names_that_are_no_folder_are_refused() {
    let (_folder, mut store, _) = opened();
    for name in ["", "../up", "a/b", "Wine", "wine ", "ü", &"a".repeat(65)] {
        let experiment = Experiment { name: name.into(), description: String::new() };
        assert!(
            matches!(
                store.begin(&experiment, &invocation()),
                Err(StoreError::InvalidExperimentName(_))
            ),
            "{name}"
        );
        assert!(
            matches!(store.export_csv(name), Err(StoreError::InvalidExperimentName(_))),
            "{name}"
        );
    }
}

fn refused(folder: &Path) -> StoreError {
    let path = folder.join(DATABASE);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder).unwrap_err();
    assert!(Reader::open(folder).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before, "a file that is not ours is left as it is");
    error
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE);
    std::fs::write(&path, "a shopping list ".repeat(100)).unwrap();
    let error = refused(folder.path());
    assert!(matches!(&error, StoreError::NotAStore { .. }), "{error}");
    assert!(error.to_string().contains("move it away, or name another folder"), "{error}");

    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE shopping (item TEXT)").unwrap();
    let error = refused(folder.path());
    assert!(error.to_string().contains("an SQLite database of another program"), "{error}");

    std::fs::remove_file(&path).unwrap();
    drop(Store::open(folder.path()).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::NewerSchema { found: 1000, .. }), "{error}");
}

#[test]
fn a_results_path_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results");
    std::fs::write(&file, "text").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(error.to_string().contains("cannot be used: it is a file"), "{error}");
    assert!(matches!(Store::open(file.join("below")), Err(StoreError::Folder { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "text");
}

#[test]
fn a_reader_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(StoreError::NoStore { .. })));
    std::fs::write(folder.path().join(DATABASE), "").unwrap();
    assert!(
        matches!(Reader::open(folder.path()), Err(StoreError::NoStore { .. })),
        "an empty file is no store yet"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::metadata(folder.path().join(DATABASE)).unwrap().len(), 0);
}

/// Printed, not asserted: machines differ. Five epochs of six metrics are meant to take less than a millisecond.
#[test]
fn recording_is_fast() {
    let (_folder, mut store, id) = opened();
    let runs: Vec<Run> = (0..200).map(run).collect();
    let begun = Instant::now();
    for run in &runs {
        store.record(id, run).unwrap();
    }
    println!("{:?} a run of 5 epochs and 6 metrics", begun.elapsed() / 200);
}

/// A store as version 0.1.0 made it, with one run.
fn first_schema(folder: &Path) {
    let store = Connection::open(folder.join(DATABASE)).unwrap();
    store.execute_batch(include_str!("../src/store/schema_1.sql")).unwrap();
    store.execute_batch("PRAGMA application_id = 0x63737770; PRAGMA user_version = 1;").unwrap();
    store
        .execute_batch(
            "INSERT INTO experiments VALUES ('wine', '');
             INSERT INTO invocations (id, experiment, started_at, program_version, cpu, instruction_set, host, os, jobs,
               command_line, pid) VALUES (1, 'wine', '', '0.1.0', '', '', '', '', 1, '', 1);
             INSERT INTO runs (id, experiment, trial_id, status, dataset, dataset_sha256, validation, engine, device,
               started_at, invocation) VALUES ('00000000000000aa', 'wine', '00000000000000bb', 'finished', 'mnist', '', 'test', 'autograd', 'cpu', '', 1);
             INSERT INTO results VALUES ('00000000000000aa', 'test_loss', 0.5);",
        )
        .unwrap();
}

#[test]
fn a_store_of_the_first_schema_is_read_as_it_is_and_migrated_by_the_next_recording() {
    let folder = tempfile::tempdir().unwrap();
    first_schema(folder.path());
    let old = Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    assert_eq!((old.len(), old[0].result("test_loss"), &old[0].shared_from), (1, Some(0.5), &None));
    assert_eq!(Reader::open(folder.path()).unwrap().error_analysis(&old[0]).unwrap(), None);

    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.runs("wine").unwrap(), old);
    let experiment = Experiment { name: "wine".into(), description: String::new() };
    let id = store.begin(&experiment, &invocation()).unwrap();
    let whole = RunId::random().unwrap();
    let part = store.record(id, &run(1).with(|run| run.shared_from = Some(whole.clone()))).unwrap();
    assert_eq!(store.record(id, &Run { id: Some(whole.clone()), ..run(2) }).unwrap(), whole);
    let found = Reader::open(folder.path()).unwrap().find(part.as_str()).unwrap();
    assert_eq!(found.shared_from, Some(whole.clone()));
    let sql = "SELECT shared_from FROM run_table WHERE run = ?1";
    let store = Connection::open(folder.path().join(DATABASE)).unwrap();
    assert_eq!(
        store.query_row(sql, [part.as_str()], |row| row.get::<_, String>(0)).unwrap(),
        whole.as_str()
    );
}

#[test]
fn last_values_returns_the_last_value_of_each_metric() {
    let (folder, mut store, id) = opened();
    // `val_loss` in every epoch, in every second epoch, in the first epoch only, and in no epoch.
    let measured = |which: fn(u32) -> bool| {
        let mut run = run(1);
        for epoch in run.epochs.iter_mut().filter(|epoch| !which(epoch.epoch)) {
            epoch.metrics.retain(|(name, _)| name != "val_loss");
        }
        run.trial = TrialId::of(&[("epochs", &format!("{:?}", run.epochs))]);
        run
    };
    type Case = (fn(u32) -> bool, Option<f64>);
    let expected: [Case; 4] = [
        (|_| true, Some(1.0 / 5.0)),
        (|epoch| epoch % 2 == 0, Some(1.0 / 4.0)),
        (|epoch| epoch == 1, Some(1.0)),
        (|_| false, None),
    ];
    for (which, last) in expected {
        let run = store.record(id, &measured(which)).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        let run = reader.find(run.as_str()).unwrap();
        assert_eq!(last_value(&reader, &run, "val_loss"), last);
        assert_eq!(last_value(&reader, &run, "val_accuracy"), Some(1.0 / 5.0));
    }
}

/// Every epoch has as many metrics as the first and the last, which have the same ones.
#[test]
fn metric_of_a_middle_epoch_keeps_its_value() {
    let (folder, mut store, id) = opened();
    let mut run = run(1);
    for epoch in run.epochs.iter_mut().filter(|epoch| epoch.epoch == 2) {
        epoch
            .metrics
            .iter_mut()
            .filter(|(name, _)| name == "val_loss")
            .for_each(|(name, _)| *name = "f1".into());
    }
    let id = store.record(id, &run).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let run = reader.find(id.as_str()).unwrap();
    assert_eq!(last_value(&reader, &run, "f1"), Some(1.0 / 2.0));
    assert_eq!(last_value(&reader, &run, "val_loss"), Some(1.0 / 5.0));
}

fn last_value(reader: &Reader, run: &RecordedRun, name: &str) -> Option<f64> {
    let values = reader.last_values(std::slice::from_ref(run)).unwrap();
    values[&run.id].iter().find(|(key, _)| &**key == name).map(|(_, value)| *value)
}

#[test]
fn a_reader_sees_one_moment_while_others_record() {
    let (folder, store, _) = opened();
    drop(store);
    let record = || {
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: "wine".into(), description: String::new() };
        let id = store.begin(&experiment, &invocation()).unwrap();
        for seed in 0..300 {
            store.record(id, &run(seed)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let writers = [scope.spawn(record), scope.spawn(record)];
        while writers.iter().any(|writer| !writer.is_finished()) {
            let reader = Reader::open(folder.path()).unwrap();
            let runs = reader.runs("wine").unwrap();
            let last = reader.last_values(&runs).unwrap();
            assert_eq!((last.len(), reader.integrity_issues()), (runs.len(), Vec::new()));
            runs.iter().take(3).for_each(|run| assert_eq!(reader.epochs(run).unwrap().len(), 5));
            assert!(reader.integrity_issues().is_empty(), "{:?}", reader.integrity_issues());
        }
    });
}

#[test]
fn who_copies_the_database_alone_has_all_of_it() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(1)).unwrap();
    // A reader that is still there keeps SQLite from tidying up by itself.
    let reader = Reader::open(folder.path()).unwrap();
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join(DATABASE), copy.path().join(DATABASE)).unwrap();
    assert_eq!(Reader::open(copy.path()).unwrap().runs("wine").unwrap().len(), 1);
    drop(reader);
}
