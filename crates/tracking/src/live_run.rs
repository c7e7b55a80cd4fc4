//! Live runs: a training loop starts a run, logs epochs and ends it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use crate::recorded_name::{rejected, validate_name};
use crate::store::background_writer::{BackgroundWriter, DeferredError};
use crate::{
    EpochMetrics, Experiment, ExperimentName, Invocation, Run, RunHeader, RunId, SplitSizes,
    Status, Store, StoreError, TrialId, ValidationSet, Value,
};

impl Store {
    /// Starts a run of `experiment`, which is created if necessary. When this returns, the store
    /// contains the run with status `running`.
    ///
    /// The hyperparameters identify the trial; their order does not matter. Reports use the newest
    /// run of a trial that has a result. While a run is running, no other run of its trial can
    /// start. `report --where` selects runs by hyperparameter name, except for the names `status`,
    /// `trial`, `run`, `started_at` and `ended_at`, which select columns of the store.
    ///
    /// # Errors
    /// - [`StoreError::Running`] if this process or another one is running the trial.
    /// - [`StoreError::InvalidExperimentName`] if the name cannot be the name of a folder.
    /// - [`StoreError::Rejected`] if a hyperparameter is not finite, or if its name is empty, longer
    ///   than 128 bytes, not printable or used twice.
    /// - Other errors if the database cannot be written.
    pub fn start_run(
        &self,
        experiment: &str,
        params: &[(&str, Value)],
    ) -> Result<LiveRun, StoreError> {
        self.new_run(experiment, params).start()
    }

    /// Prepares a run, like [`Store::start_run`], but lets the caller set more before it starts:
    /// dataset, validation, engine.
    pub fn new_run(&self, experiment: &str, params: &[(&str, Value)]) -> NewRun<'_> {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), normalize_value(value.clone())))
            .collect();
        let header = RunHeader {
            validation: ValidationSet::NotStated,
            ..RunHeader::new(experiment, Status::Running)
        };
        let run = Run { params, ..Run::new(header, SystemTime::now()) };
        NewRun { store: self, run, take_over: false }
    }

    /// Sets the description of `experiment` and the provenance of the runs that this store starts
    /// from now on, usually [`invocation!`](crate::invocation). By default the description stays
    /// unchanged and the provenance is [`Invocation::current`].
    ///
    /// # Errors
    /// If the name cannot be the name of a folder, or the database cannot be written.
    pub fn declare(
        &self,
        experiment: &Experiment,
        invocation: Invocation,
    ) -> Result<(), StoreError> {
        ExperimentName::new(&experiment.name)?;
        self.background_writer()?.declare(experiment.clone(), invocation)
    }
}

/// A run before its start. The data and the validation identify the trial; engine and device do
/// not.
#[derive(Debug)]
#[must_use = "the run starts with start()"]
pub struct NewRun<'a> {
    store: &'a Store,
    run: Run,
    take_over: bool,
}

impl NewRun<'_> {
    /// Sets the name of the dataset. It identifies the trial.
    pub fn dataset(mut self, name: &str) -> Self {
        name.clone_into(&mut self.run.dataset);
        self
    }

    /// Sets the digest of the dataset. It identifies the trial.
    pub fn dataset_sha256(mut self, digest: &str) -> Self {
        digest.clone_into(&mut self.run.dataset_sha256);
        self
    }

    /// Sets the data that `val_…` metrics are measured on: `test` for the test set, or the fraction
    /// of the training set that is held out, such as `0.1`. Without it, `report` says nothing about
    /// the validation, and the run belongs to the same trial as with `test`. Unless it is `test`,
    /// `report` ranks settings by a validation metric if there is one.
    pub fn validation(mut self, validation: &str) -> Self {
        self.run.validation = validation.into();
        self
    }

    /// Sets the number of examples in each split. An accuracy on n examples is a multiple of 1/n,
    /// which `report` uses as its resolution. The sizes do not identify the trial.
    pub fn split_sizes(mut self, sizes: SplitSizes) -> Self {
        self.run.split_sizes = sizes;
        self
    }

    /// Sets the engine that computes the run, such as `candle`. It does not identify the trial.
    pub fn engine(mut self, engine: &str) -> Self {
        engine.clone_into(&mut self.run.engine);
        self
    }

    /// Sets the device that computes the run, by default `cpu`. It does not identify the trial.
    pub fn device(mut self, device: &str) -> Self {
        device.clone_into(&mut self.run.device);
        self
    }

    /// Starts the run even if a process of another machine or container is recorded as running the
    /// trial. This process cannot check whether that process is alive. Without `/proc` this applies
    /// to every other process.
    pub fn take_over(mut self) -> Self {
        self.take_over = true;
        self
    }

    /// Starts the run.
    ///
    /// # Errors
    /// The errors of [`Store::start_run`].
    pub fn start(mut self) -> Result<LiveRun, StoreError> {
        ExperimentName::new(&self.run.experiment)?;
        for (index, (name, value)) in self.run.params.iter().enumerate() {
            let known = self.run.params[..index].iter().map(|(name, _)| name.as_str());
            let reason = match validate_name(name, known) {
                Err(reason) => reason,
                Ok(()) if value.as_number().is_none_or(f64::is_finite) => continue,
                Ok(()) => "its value is not finite",
            };
            return Err(StoreError::Rejected {
                what: "hyperparameter",
                name: name.clone(),
                reason,
            });
        }
        let writer = self.store.background_writer()?;
        let id = RunId::random().map_err(|error| StoreError::Folder {
            folder: self.store.folder().to_owned(),
            cause: std::io::Error::other(error.to_string()),
        })?;
        (self.run.trial, self.run.started_at) = (TrialId::of_run(&self.run), SystemTime::now());
        writer.start_run(id.clone(), self.run.clone(), self.take_over)?;
        Ok(LiveRun {
            writer,
            id,
            trial: self.run.trial.clone(),
            run: Some(Box::new(self.run)),
            started: Instant::now(),
            last_epoch: Mutex::default(),
            deferred_error: DeferredError::default(),
        })
    }
}

/// A run in progress. The store contains it from its start.
///
/// A run ends with [`finish`](LiveRun::finish), [`diverge`](LiveRun::diverge) or
/// [`fail`](LiveRun::fail). A run that is dropped, for example by a panic, gets the status
/// `killed`. The same applies if its process ends. Logged epochs remain in the store.
#[derive(Debug)]
pub struct LiveRun {
    writer: Arc<BackgroundWriter>,
    id: RunId,
    trial: TrialId,
    /// `None` after the run has ended.
    run: Option<Box<Run>>,
    started: Instant,
    last_epoch: Mutex<LastEpoch>,
    deferred_error: DeferredError,
}

/// The last logged epoch and the names of its metrics.
#[derive(Debug, Default)]
struct LastEpoch {
    epoch: u32,
    step: u64,
    names: Vec<String>,
}

impl LiveRun {
    /// Returns the id of the run.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Returns the id of the trial.
    #[must_use]
    pub fn trial(&self) -> &TrialId {
        &self.trial
    }

    /// Logs metrics of an epoch without waiting for the disk. The metrics are in the store within a
    /// tenth of a second. From then on they survive the end of the process.
    ///
    /// Epochs count from 1 and are logged in order; gaps are allowed. Several calls can log the
    /// same epoch, but each metric only once. A value that is not finite is not recorded. One epoch
    /// counts as one step; [`LiveRun::log_at`] takes the number of steps.
    ///
    /// # Errors
    /// - If the epoch or the name of a metric is invalid. Nothing of the call is recorded.
    /// - If earlier epochs could not be recorded, for example because the disk is full. They stay
    ///   queued, and the store retries until the run ends.
    pub fn log(&self, epoch: u32, metrics: &[(&str, f64)]) -> Result<(), StoreError> {
        self.log_at(epoch, u64::from(epoch), metrics)
    }

    /// Logs metrics like [`LiveRun::log`]. `step` is the number of weight updates since the start
    /// of the run.
    ///
    /// # Errors
    /// The errors of [`LiveRun::log`].
    pub fn log_at(&self, epoch: u32, step: u64, metrics: &[(&str, f64)]) -> Result<(), StoreError> {
        let mut last = self.last_epoch.lock().unwrap_or_else(PoisonError::into_inner);
        last.validate_next(epoch, step).map_err(|reason| StoreError::Epoch {
            epoch,
            step,
            reason,
        })?;
        let known: &[String] = if epoch == last.epoch { &last.names } else { &[] };
        let metrics = validate_metrics(metrics, known)?;
        if epoch > last.epoch {
            *last = LastEpoch { epoch, step, names: Vec::new() };
        }
        last.names.extend(metrics.iter().map(|(name, _)| name.clone()));
        // The lock is held until the epoch is queued. It keeps the order of threads that log to one
        // run.
        self.writer.log_epoch(
            self.id.clone(),
            EpochMetrics { epoch, step, metrics },
            Arc::clone(&self.deferred_error),
        )?;
        self.take_deferred_error()
    }

    /// Returns the error of earlier epochs that could not be recorded, if any.
    fn take_deferred_error(&self) -> Result<(), StoreError> {
        self.deferred_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map_or(Ok(()), Err)
    }

    /// Ends the run with its final metrics, such as `test_accuracy`. The metric `seconds`, the time
    /// since the start, is added unless it is given. When this returns, the store contains the
    /// complete run.
    ///
    /// # Errors
    /// - If the name of a metric is invalid. The run ends with the status `failed` and this reason.
    /// - If the database cannot be written. The store retries as long as the process lives. If the
    ///   process ends first, the run gets the status `killed`.
    pub fn finish(self, results: &[(&str, f64)]) -> Result<(), StoreError> {
        self.end_with_results(Status::Finished, results)
    }

    /// Ends the run because its loss is no longer finite. Divergence counts as a result.
    ///
    /// # Errors
    /// The errors of [`LiveRun::finish`].
    pub fn diverge(self) -> Result<(), StoreError> {
        self.end_with_results(Status::Diverged, &[])
    }

    /// Ends the run without a result and records the reason.
    ///
    /// # Errors
    /// The errors of [`LiveRun::finish`].
    pub fn fail(self, reason: &str) -> Result<(), StoreError> {
        self.end(Status::Failed, Some(reason), Vec::new())
    }

    fn end_with_results(self, status: Status, results: &[(&str, f64)]) -> Result<(), StoreError> {
        let seconds = self.started.elapsed().as_secs_f64();
        match validate_metrics(results, &[]) {
            Ok(mut results) => {
                if results.iter().all(|(name, _)| name != "seconds") {
                    results.push(("seconds".to_owned(), seconds));
                }
                self.end(status, None, results)
            }
            Err(error) => {
                self.fail(&error.to_string())?;
                Err(error)
            }
        }
    }

    fn end(
        mut self,
        status: Status,
        error: Option<&str>,
        results: Vec<(String, f64)>,
    ) -> Result<(), StoreError> {
        if let Some(mut run) = self.run.take() {
            (run.status, run.error, run.results) = (status, error.map(str::to_owned), results);
            self.writer.end_run(self.id.clone(), run)?;
        }
        self.take_deferred_error()
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        if let Some(mut run) = self.run.take() {
            let reason = if std::thread::panicking() {
                "its thread panicked"
            } else {
                "the program dropped it before its end"
            };
            (run.status, run.error) = (Status::Killed, Some(reason.to_owned()));
            self.writer.abandon_run(self.id.clone(), run);
        }
    }
}

impl LastEpoch {
    /// Checks that `epoch` at `step` can follow. The error is the reason why it cannot.
    fn validate_next(&self, epoch: u32, step: u64) -> Result<(), &'static str> {
        if epoch == 0 {
            Err("epochs count from 1")
        } else if epoch < self.epoch {
            Err("a later epoch was already logged")
        } else if epoch == self.epoch && step != self.step {
            Err("the epoch was already logged at another step")
        } else if step < self.step {
            Err("an earlier epoch had a higher step")
        } else if i64::try_from(step).is_err() {
            Err("the step exceeds 2^63 - 1")
        } else {
            Ok(())
        }
    }
}

/// Checks the names of metrics. The names in `known` are already in use.
fn validate_metrics(
    metrics: &[(&str, f64)],
    known: &[String],
) -> Result<Vec<(String, f64)>, StoreError> {
    let mut all = Vec::with_capacity(metrics.len());
    for (index, (name, value)) in metrics.iter().enumerate() {
        let before = metrics[..index].iter().map(|(name, _)| *name);
        validate_name(name, known.iter().map(String::as_str).chain(before))
            .map_err(|reason| rejected("metric", name, reason))?;
        all.push(((*name).to_owned(), normalize_zero(*value)));
    }
    Ok(all)
}

/// Replaces -0.0 by 0.0, because SQLite stores only one zero.
fn normalize_zero(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

fn normalize_value(value: Value) -> Value {
    match value {
        Value::Real(value) => Value::Real(normalize_zero(value)),
        value => value,
    }
}
