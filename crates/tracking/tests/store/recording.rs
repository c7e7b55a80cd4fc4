//! Recorded runs read back unchanged; invalid runs leave no rows.

use rusqlite::Connection;
use tracking::{
    ConfusionCell, DATABASE, EpochMetrics, ErrorAnalysis, Experiment, Order, Reader, RecordedRun,
    Run, SplitSizes, Status, StoreError, TrialId,
};

use crate::wine::{error_analysis, invocation, opened, run};

fn names_and_values<N: AsRef<str>, T>(pairs: &[(N, T)]) -> impl Iterator<Item = (&str, &T)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), value))
}

#[test]
fn recorded_run_reads_back_unchanged() {
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
        "hyperparameters keep their order and bits"
    );
    assert!(names_and_values(&read.results).eq(names_and_values(&written.results)));
    assert_eq!(read.fallback_for.as_deref(), Some("kmnist"));
    assert_eq!(read.dataset_path.as_deref(), Some("/data"));
    assert_eq!(read.validation.as_str(), "0.1");
    assert_eq!(read.started_at, "2023-11-14T22:13:20.000Z");
    assert_eq!(read.ended_at, "2023-11-14T22:13:21.500Z");
    assert_eq!(reader.epochs(&reader.runs("wine").unwrap()[0]).unwrap(), written.epochs);
    assert_eq!(last_value(&reader, &runs[0], "val_loss").map(f64::to_bits), Some(0.2f64.to_bits()));
    assert_eq!(
        (reader.error_analysis(read).unwrap(), store.error_analysis(read).unwrap()),
        (Some(error_analysis()), Some(error_analysis()))
    );
    assert_eq!(reader.invocation(read).unwrap(), invocation());
    assert_eq!(reader.experiments().unwrap()[0].description, "Does depth help?");
}

#[test]
fn split_sizes_are_stored_and_checksummed() {
    let (folder, mut store, id) = opened();
    let sizes = SplitSizes { train: Some(60_000), validation: None, test: Some(10_000) };
    let run = run(0).with(|run| {
        run.split_sizes = sizes;
        run.order = Order::Next;
    });
    let recorded = store.record(id, &run).unwrap();
    assert_eq!(store.find(recorded.as_str()).unwrap().split_sizes, sizes);
    drop(store);
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute("UPDATE runs SET test_examples = 9999", []).unwrap();
    assert!(!Reader::open(folder.path()).unwrap().find(recorded.as_str()).unwrap().is_intact());
}

#[test]
fn values_that_are_not_finite_are_not_recorded() {
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
fn rejected_run_leaves_no_rows() {
    let (folder, mut store, id) = opened();
    let duplicate = vec![("loss".to_owned(), 1.0), ("loss".to_owned(), 2.0)];
    assert!(store.record(id, &Run { results: duplicate, ..run(0) }).is_err());
    assert!(store.record(id, &run(0).with(|run| run.experiment = "unknown".into())).is_err());
    assert!(Reader::open(folder.path()).unwrap().runs("wine").unwrap().is_empty());
    let confusion = vec![ConfusionCell { label: 2, predicted: 0, count: 1 }];
    let invalid = ErrorAnalysis { confusion, ..error_analysis() };
    let error =
        store.record(id, &Run { error_analysis: Some(invalid), ..run(0) }).unwrap_err().to_string();
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
fn schema_rejects_invalid_rows_and_has_a_view() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(0)).unwrap();
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "foreign_keys", "ON").unwrap();
    for statement in [
        "INSERT INTO results VALUES ('unknown', 'loss', 1.0)",
        "UPDATE results SET value = 'much'",
        "UPDATE metrics SET epoch = 'first'",
        "UPDATE runs SET status = 'fine'",
    ] {
        assert!(connection.execute(statement, []).is_err(), "{statement}");
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
fn invalid_experiment_names_are_rejected() {
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

#[test]
fn last_values_returns_the_last_value_of_each_metric() {
    let (folder, mut store, id) = opened();
    // `val_loss` in every epoch, in every second epoch, in the first epoch only, and in no epoch.
    let run_with = |has_val_loss: fn(u32) -> bool| {
        let mut run = run(1);
        for epoch in run.epochs.iter_mut().filter(|epoch| !has_val_loss(epoch.epoch)) {
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
    for (has_val_loss, last) in expected {
        let run = store.record(id, &run_with(has_val_loss)).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        let run = reader.find(run.as_str()).unwrap();
        assert_eq!(last_value(&reader, &run, "val_loss"), last);
        assert_eq!(last_value(&reader, &run, "val_accuracy"), Some(1.0 / 5.0));
    }
}

/// All epochs have the same number of metrics. Only the metrics of the middle epoch differ.
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
