//! Small stores for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use analysis::runs::{MeasuredRun, measured_runs};
use tempfile::TempDir;
use tracking::{
    Declarations, EpochMetrics, Experiment, Invocation, Race, RaceRules, Reader, Run, RunHeader,
    Status, Store, TrialId, Value,
};

use crate::comparison::{CompareOptions, Comparison, compare};
use crate::page::details::details;
use crate::page::section::{Page, page};
use crate::table::{Table, TableOptions, tables};

/// A results folder with a store.
pub struct Example {
    folder: TempDir,
    store: Store,
    experiment: Experiment,
    invocation: tracking::InvocationId,
}

impl Example {
    pub fn new(name: &str, description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let experiment = Experiment { name: name.into(), description: description.into() };
        let invocation =
            store.begin(&experiment, &Invocation { jobs: 1, ..Invocation::default() }).unwrap();
        Self { folder, store, experiment, invocation }
    }

    /// Records `run` under a trial id made from its dataset, validation and hyperparameters.
    pub fn record(&mut self, mut run: Run) -> &mut Self {
        run.trial = trial(&run);
        self.store.record(self.invocation, &run).unwrap();
        self
    }

    pub fn reader(&self) -> Reader {
        Reader::open(self.folder.path()).unwrap()
    }

    /// The effective runs at the chosen epoch.
    pub fn runs(&self, options: &CompareOptions) -> Vec<MeasuredRun> {
        let (reader, name) = (self.reader(), &self.experiment.name);
        let rules = options.rules(&reader.declarations(name).unwrap());
        let runs = reader.runs(name).unwrap();
        measured_runs(&reader, runs, options.epoch, &rules, options.sort.as_deref()).unwrap()
    }

    pub fn comparisons(&self, options: &CompareOptions) -> Vec<Comparison> {
        let declarations = self.reader().declarations(&self.experiment.name).unwrap();
        compare(&self.experiment, &declarations, &self.runs(options), &[], options).unwrap()
    }

    /// Declares metrics of the experiment.
    pub fn declare(&self, declarations: &Declarations) {
        self.store.declare_metrics(&self.experiment.name, declarations).unwrap();
    }

    /// The page without the SVG of its charts, which has separate tests.
    pub fn page(&self) -> Page {
        let reader = self.reader();
        let runs = self.runs(&CompareOptions::default());
        let detailed = |table: Table| {
            let details = details(&reader, self.folder.path(), &table.comparison, &runs).unwrap();
            (table, details)
        };
        let tables: Vec<_> = self.tables().into_iter().map(detailed).collect();
        let mut page = page(&tables, Vec::new());
        for figure in page.sections.iter_mut().flat_map(|section| &mut section.figures) {
            assert!(figure.svg.starts_with("<svg") && figure.svg.ends_with("</svg>"));
            figure.svg.clear();
        }
        page
    }

    pub fn tables(&self) -> Vec<Table> {
        tables(self.comparisons(&CompareOptions::default()), &TableOptions::default())
    }
}

/// The trial of a run in an [`Example`].
pub fn trial(run: &Run) -> TrialId {
    let fields = format!("{} {} {:?}", run.dataset_sha256, run.validation, run.params);
    TrialId::of(&[("all", &fields)])
}

/// A finished run of `experiment` with these hyperparameters and this test accuracy.
pub fn run(experiment: &str, params: &[(&str, Value)], accuracy: f64) -> Run {
    let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let results = [
        ("train_loss", 1.2 - accuracy),
        ("train_accuracy", accuracy - 0.003),
        ("test_loss", 1.22 - accuracy),
        ("test_accuracy", accuracy),
        ("seconds", 0.31),
    ];
    let validation = vec![
        ("val_accuracy".to_owned(), accuracy - 0.01),
        ("val_loss".to_owned(), 1.25 - accuracy),
    ];
    let header = RunHeader {
        dataset: "mnist".into(),
        dataset_sha256: "c0ffee00c0ffee00".into(),
        engine: "autograd".into(),
        ..RunHeader::new(experiment, Status::Finished)
    };
    Run {
        params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        epochs: vec![EpochMetrics { epoch: 1, step: 10, metrics: validation }],
        results: results.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..Run::new(header, started_at)
    }
}

/// The same run, ended without a result.
pub fn ended(status: Status, run: Run) -> Run {
    run.with(|run| {
        run.status = status;
        run.results = vec![("seconds".into(), 0.1)];
        run.error = Some("so it goes".into());
    })
}

/// Four batch sizes with three seeds. One run of batch 64 failed, all runs of batch 512 diverged.
pub fn sweep() -> Example {
    let mut example = Example::new("batch_sweep", "How batch size changes softmax regression");
    for (batch, accuracy) in [(512i32, 0.8), (64, 0.912), (16, 0.9141), (32, 0.9102)] {
        for seed in 0..3 {
            let params = [
                ("learning_rate", Value::Real(0.01)),
                ("decay", Value::Real(0.0)),
                ("batch_size", Value::Integer(batch.into())),
                ("epochs", Value::Integer(5)),
                ("seed", Value::Integer(seed)),
            ];
            // The effect of the seed depends slightly on the batch: equal differences could not be
            // tested.
            let spread = [0.0, -0.0004, 0.0004][usize::try_from(seed).unwrap()]
                * (1.0 + 1.0 / f64::from(batch));
            let run = run("batch_sweep", &params, accuracy + spread);
            example.record(match (batch, seed) {
                (512, _) => ended(Status::Diverged, run),
                (64, 0) => ended(Status::Failed, run),
                _ => run,
            });
        }
    }
    example
}

/// A run of batch 16 (the best), 32 (0.1 points worse) or 64 and above (hopeless). Seeds have luck
/// that all settings share, and each run has a small share of its own.
pub fn raced(batch: i64, seed: i64) -> Run {
    let luck = [0.0, 0.004, -0.003, 0.001, 0.002, -0.001, 0.0, 0.003];
    let own = [0.0, 1e-4, 3e-4, -1e-4, 2e-4, 1e-4, -2e-4, 0.0];
    let index = |number: i64| usize::try_from(number % 8).unwrap();
    let loss = if batch > 32 { 0.03 } else { 1e-5 * batch as f64 };
    let accuracy = 0.92 - loss + luck[index(seed)] + own[index(seed * (batch / 16) + batch / 16)];
    run("race", &[("batch_size", batch.into()), ("seed", seed.into())], accuracy)
}

/// Declares a race of these batch sizes and records their first seeds.
pub fn race(looks: &[usize], indifference: Option<f64>, seeds: &[(i64, i64)]) -> Example {
    let mut example = Example::new("race", "");
    let rules = RaceRules::new(looks.to_vec(), 0.95, indifference).unwrap();
    let race = Race {
        replicate: "seed".into(),
        seeds: (0..i64::try_from(rules.most()).unwrap()).map(Value::Integer).collect(),
        settings: seeds.iter().map(|(batch, _)| trial(&raced(*batch, 0))).collect(),
        rules,
        changes: 0,
    };
    example.declare(&Declarations { race: Some(race), ..Declarations::default() });
    for (batch, seeds) in seeds {
        for seed in 0..*seeds {
            example.record(raced(*batch, seed));
        }
    }
    example
}
