//! The exported CSV files parse for any names and values: one row per run and one row per epoch.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use tracking::{
    EpochMetrics, Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, escape_formula,
};

/// Name of a hyperparameter, name of a metric, name of the dataset, and metric values as bits.
type Input = (String, String, String, Vec<u64>);

fuzz_target!(|input: Input| {
    let (name, metric, dataset, bits) = input;
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "fuzz".to_owned(), description: name.clone() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    let values: Vec<f64> = bits.iter().take(8).map(|bits| f64::from_bits(*bits)).collect();
    let epochs = (1..).zip(&values).map(|(epoch, value)| EpochMetrics {
        epoch,
        step: epoch.into(),
        metrics: vec![(metric.clone(), *value)],
    });
    let header = RunHeader {
        trial: TrialId::of(&[("name", &name)]),
        dataset: dataset.clone(),
        ..RunHeader::new("fuzz", Status::Finished)
    };
    let run = Run {
        params: vec![(name.clone(), metric.as_str().into())],
        epochs: epochs.collect(),
        results: values.first().map(|value| (metric.clone(), *value)).into_iter().collect(),
        ..Run::new(header, SystemTime::UNIX_EPOCH)
    };
    store.record(invocation, &run).unwrap();
    store.export_csv("fuzz").unwrap();

    let read = |file: &str| {
        let mut reader = csv::Reader::from_path(folder.path().join("fuzz").join(file)).unwrap();
        let header = reader.headers().unwrap().clone();
        // The reader rejects rows with a different number of cells than the header.
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        (header, rows)
    };
    let (header, rows) = read("runs.csv");
    assert_eq!((rows.len(), &rows[0][3]), (1, escape_formula(&dataset).as_ref()));
    assert!(header.iter().any(|column| column == escape_formula(&name)));
    let finite = values.iter().filter(|value| value.is_finite()).count();
    let (header, rows) = read("epochs.csv");
    assert_eq!(rows.len(), finite);
    for (row, value) in rows.iter().zip(values.iter().filter(|value| value.is_finite())) {
        let numbers = header.iter().zip(row).filter_map(|(_, cell)| cell.parse::<f64>().ok());
        assert!(numbers.into_iter().any(|number| number.to_bits() == value.to_bits()));
    }
});
