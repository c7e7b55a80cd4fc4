//! The CSV files of an experiment: columns, order of rows, and text that is safe in a spreadsheet.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tracking::{
    EpochMetrics, Experiment, Invocation, Run, RunHeader, RunId, Status, Store, TrialId, Value,
};

/// Records `runs` in the given order in a new store and exports it.
fn exported(runs: &[Run]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "sweep".into(), description: String::new() };
    let id = store.begin(&experiment, &Invocation::default()).unwrap();
    for run in runs {
        store.record(id, run).unwrap();
    }
    store.export_csv("sweep").unwrap();
    folder
}

/// Reads a file and replaces the random ids of the runs by `R`.
fn read(folder: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(folder.join("sweep").join(name)).unwrap();
    let anonymous = |(index, line): (usize, &str)| match line.split_once(',') {
        Some((_, rest)) if index > 0 => format!("R,{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().enumerate().map(anonymous).collect()
}

fn run(batch: i64, rate: f64, seed: i64) -> Run {
    let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let epoch = |epoch: u32| EpochMetrics {
        epoch,
        step: u64::from(epoch) * 10,
        metrics: vec![
            ("loss".into(), 1.0 / f64::from(epoch)),
            ("learning_rate".into(), rate),
            ("seconds".into(), 0.25),
        ],
    };
    let params = [
        ("learning_rate", Value::Real(rate)),
        ("decay", Value::Real(1e-7)),
        ("batch_size", Value::Integer(batch)),
        ("epochs", Value::Integer(2)),
        ("seed", Value::Integer(seed)),
        ("init", Value::from("zeros")),
        ("last_batch", Value::from("keep")),
    ];
    let header = RunHeader {
        trial: TrialId::of(&[
            ("batch_size", &batch.to_string()),
            ("learning_rate", &rate.to_string()),
            ("seed", &seed.to_string()),
        ]),
        dataset: "mnist".into(),
        ..RunHeader::new("sweep", Status::Finished)
    };
    Run {
        params: params.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        epochs: vec![epoch(1), epoch(2)],
        results: vec![("test_accuracy".into(), 0.5), ("seconds".into(), 0.5)],
        ..Run::new(header, started_at)
    }
}

#[test]
fn files_have_the_documented_columns() {
    let folder = exported(&[
        run(100, 0.01, 0),
        run(16, 0.01, 0).with(|run| {
            run.results = vec![];
            run.epochs = vec![];
            run.status = Status::Diverged;
        }),
    ]);
    assert_eq!(
        read(folder.path(), "runs.csv"),
        "run,trial,status,dataset,learning_rate,decay,batch_size,epochs,seed,init,last_batch,\
         train_loss,train_accuracy,val_loss,val_accuracy,test_loss,test_accuracy,seconds,\
         started_at\n\
         R,d9af863790ade50f,diverged,mnist,0.01,1e-7,16,2,0,zeros,keep,,,,,,,,2023-11-14T22:13:20.000Z\n\
         R,47fee96203ed77b3,finished,mnist,0.01,1e-7,100,2,0,zeros,keep,,,,,,0.5,0.5,2023-11-14T22:13:20.000Z\n"
    );
    assert_eq!(
        read(folder.path(), "epochs.csv"),
        "run,trial,learning_rate,decay,batch_size,epochs,seed,init,last_batch,epoch,step,\
         loss,accuracy,val_loss,val_accuracy,epoch_learning_rate,seconds\n\
         R,47fee96203ed77b3,0.01,1e-7,100,2,0,zeros,keep,1,10,1.0,,,,0.01,0.25\n\
         R,47fee96203ed77b3,0.01,1e-7,100,2,0,zeros,keep,2,20,0.5,,,,0.01,0.25\n"
    );
    let files: Vec<_> = std::fs::read_dir(folder.path().join("sweep")).unwrap().collect();
    assert_eq!(files.len(), 2, "no temporary file remains: {files:?}");
}

/// Only finished runs have final metrics. A final metric takes precedence over one of an epoch.
#[test]
fn runs_csv_has_the_last_validation_metrics() {
    let validated = |seed, status| {
        run(100, 0.01, seed).with(|run| {
            run.status = status;
            run.epochs[0].metrics.push(("val_loss".into(), 4.0));
            run.epochs[0].metrics.push(("val_accuracy".into(), 0.25));
            run.epochs[1].metrics.push(("val_accuracy".into(), 0.75));
        })
    };
    let folder = exported(&[
        validated(0, Status::Finished),
        validated(1, Status::Killed),
        validated(2, Status::Finished).with(|run| run.results.push(("val_accuracy".into(), 0.5))),
    ]);
    let text = read(folder.path(), "runs.csv");
    let cells = |line: &str| line.split(',').skip(13).take(2).collect::<Vec<_>>().join(" ");
    let cells: Vec<String> = text.lines().map(cells).collect();
    assert_eq!(cells, ["val_loss val_accuracy", "4.0 0.75", " ", "4.0 0.5"]);
    let view = rusqlite::Connection::open(folder.path().join(tracking::DATABASE)).unwrap();
    let sql = "SELECT coalesce(val_loss || ' ' || val_accuracy, ' ') FROM run_table ORDER BY seed";
    let mut rows = view.prepare(sql).unwrap();
    let rows = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(rows.map(Result::unwrap).collect::<Vec<_>>(), cells[1..]);
}

#[test]
fn rows_are_sorted_by_hyperparameters() {
    let mut runs: Vec<Run> = [0.1, 0.01]
        .iter()
        .flat_map(|rate| [16, 100, 32].map(|batch| run(batch, *rate, 0)))
        .collect();
    let first = exported(&runs);
    runs.reverse();
    runs.swap(1, 4);
    let second = exported(&runs);
    for name in ["runs.csv", "epochs.csv"] {
        assert_eq!(read(first.path(), name), read(second.path(), name));
    }
    let column = |line: &str, index: usize| line.split(',').nth(index).unwrap().to_owned();
    let text = read(first.path(), "runs.csv");
    let order: Vec<_> =
        text.lines().skip(1).map(|line| (column(line, 4), column(line, 6))).collect();
    let expected = ["0.01", "0.1"]
        .iter()
        .flat_map(|rate| ["16", "32", "100"].map(|batch| ((*rate).to_owned(), batch.to_owned())));
    assert_eq!(order, expected.collect::<Vec<_>>());
}

#[test]
fn text_is_neither_a_formula_nor_a_command() {
    let hostile =
        ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a,\"b\"\n=1", "\u{1b}[2J"];
    let runs: Vec<Run> = (0..)
        .zip(hostile)
        .map(|(seed, text)| {
            let mut run = run(16, 0.01, seed);
            run.params.push(("=name".into(), text.into()));
            run.with(|run| run.dataset = text.into())
        })
        .collect();
    let folder = exported(&runs);
    for name in ["runs.csv", "epochs.csv"] {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(folder.path().join("sweep").join(name))
            .unwrap();
        for record in reader.records() {
            for cell in &record.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
                assert!(!cell.chars().any(char::is_control), "{cell:?}");
            }
        }
    }
    assert!(read(folder.path(), "runs.csv").contains("'=cmd|' /C calc'!A0"));
}

#[test]
fn columns_of_other_programs_follow() {
    let mut other = run(16, 0.01, 0);
    other.params = vec![("depth".into(), 3.into())];
    other.results = vec![("f1".into(), 0.5)];
    other.epochs = vec![EpochMetrics { epoch: 1, step: 1, metrics: vec![("depth".into(), 1.0)] }];
    let folder = exported(&[other]);
    assert!(read(folder.path(), "runs.csv").starts_with(
        "run,trial,status,dataset,learning_rate,decay,batch_size,epochs,seed,init,last_batch,depth,\
         train_loss,train_accuracy,val_loss,val_accuracy,test_loss,test_accuracy,f1,seconds,started_at\n"
    ));
    let epochs = read(folder.path(), "epochs.csv");
    assert!(
        epochs.lines().next().unwrap().ends_with("epoch_learning_rate,seconds,epoch_depth"),
        "{epochs}"
    );
}

/// Hyperparameters and metrics of a program can share a name with each other or with a built-in
/// column.
#[test]
fn column_names_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let params = ["run", "trial", "status", "dataset", "seconds", "epoch", "score", "param_run"]
        .map(|name| (name, 1.into()));
    let run = store.start_run("wine", &params).unwrap();
    run.log(
        1,
        &[("epoch", 1.0), ("step", 7.0), ("trial", 2.0), ("seconds", 0.5), ("val_loss", 0.1)],
    )
    .unwrap();
    run.finish(&[("score", 0.5), ("status", 2.0), ("batch_size", 3.0)]).unwrap();
    store.export_csv("wine").unwrap();
    let header = |file: &str| {
        let text = std::fs::read_to_string(folder.path().join("wine").join(file)).unwrap();
        text.lines().next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    for (file, expected) in [
        (
            "runs.csv",
            [
                "param_run",
                "param_seconds",
                "score",
                "metric_score",
                "metric_status",
                "metric_batch_size",
            ],
        ),
        (
            "epochs.csv",
            [
                "param_epoch",
                "epoch_epoch",
                "epoch_step",
                "epoch_trial",
                "epoch_seconds",
                "param_param_run",
            ],
        ),
    ] {
        let columns = header(file);
        let distinct: std::collections::HashSet<_> = columns.iter().collect();
        assert_eq!(distinct.len(), columns.len(), "{columns:?}");
        assert!(
            expected.iter().all(|name| columns.iter().any(|column| column == name)),
            "{columns:?}"
        );
    }
}

/// pandas parses `1234567890e12345` as infinity and drops the leading zeros of `0012345678901234`.
#[test]
fn no_exported_id_reads_as_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let wine = Experiment { name: "wine".into(), description: String::new() };
    let invocation = store.begin(&wine, &Invocation::default()).unwrap();
    let trial: TrialId = "0012345678901234".parse().unwrap();
    let id: RunId = "1234567890e12345".parse().unwrap();
    let header = RunHeader { trial: trial.clone(), ..RunHeader::new("wine", Status::Finished) };
    let run = Run { id: Some(id.clone()), ..Run::new(header, SystemTime::now()) };
    store.record(invocation, &run).unwrap();
    store.export_csv("wine").unwrap();
    let text = std::fs::read_to_string(folder.path().join("wine/runs.csv")).unwrap();
    assert!(
        text.lines().nth(1).unwrap().starts_with("id-1234567890e12345,id-0012345678901234,"),
        "{text}"
    );
    assert_eq!(store.find("id-0012345678901234").unwrap().trial, trial);
    assert_eq!(store.find("id-1234567890e12345").unwrap().id, id);
}
