//! A run as a training loop sees it: begun, logged to, ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use crate::store::recorder::{Recorder, Trouble};
use crate::{
    EpochMetrics, Experiment, ExperimentName, Invocation, Run, RunHeader, RunId, SplitSizes,
    Status, Store, StoreError, TrialId, Value, printable,
};

/// No name is longer, in bytes.
const LONGEST_NAME: usize = 128;

impl Store {
    /// Begins a run of `experiment`, which is made if it is not there. It is in the store, as running, when this returns.
    ///
    /// The hyperparameters identify the trial; their order does not matter. Reports use the newest
    /// run of a trial that has a result. While a run is running, no other run of its trial can
    /// begin. `report --where` selects runs by hyperparameter name, except for the names `status`,
    /// `trial`, `run`, `started_at` and `ended_at`, which are what the store knows of the run.
    ///
    /// # Errors
    /// [`StoreError::Running`] when the trial is being run, by this process or another; others when the experiment's name cannot
    /// be a folder's, a hyperparameter cannot be recorded (its name is empty, not printable, longer than 128 bytes or given twice;
    /// it is not finite), or the database refuses.
    pub fn start_run(
        &self,
        experiment: &str,
        params: &[(&str, Value)],
    ) -> Result<LiveRun, StoreError> {
        self.new_run(experiment, params).start()
    }

    /// [`Store::start_run`] with more to say about the run before it begins.
    pub fn new_run(&self, experiment: &str, params: &[(&str, Value)]) -> NewRun<'_> {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), one_zero(value.clone())))
            .collect();
        let run = Run {
            params,
            ..Run::new(RunHeader::new(experiment, Status::Running), SystemTime::now())
        };
        NewRun { store: self, run, take_over: false }
    }

    /// Says what `experiment` is about, and what program makes the runs that [`Store::start_run`] begins of it: mostly
    /// [`invocation!`](crate::invocation). Without this it is described as it was, and made by [`Invocation::current`].
    ///
    /// # Errors
    /// When the name cannot be a folder's, or the database refuses.
    pub fn declare(
        &self,
        experiment: &Experiment,
        invocation: Invocation,
    ) -> Result<(), StoreError> {
        ExperimentName::new(&experiment.name)?;
        self.recorder()?.declare(experiment.clone(), invocation)
    }
}

/// A run that is about to begin.
#[derive(Debug)]
#[must_use = "it begins with start()"]
pub struct NewRun<'a> {
    store: &'a Store,
    run: Run,
    take_over: bool,
}

impl NewRun<'_> {
    /// The data that it is trained on, by name: a part of what the trial is.
    pub fn dataset(mut self, name: &str) -> Self {
        name.clone_into(&mut self.run.dataset);
        self
    }

    /// A digest of the data's bytes: a part of what the trial is.
    pub fn dataset_sha256(mut self, digest: &str) -> Self {
        digest.clone_into(&mut self.run.dataset_sha256);
        self
    }

    /// What `val_…` metrics are measured on: `test`, the test set, which is taken for granted, or the fraction of the training set
    /// that is held out, such as `0.1`. A part of what the trial is; of one with a validation of its own `report` lets that choose.
    pub fn validation(mut self, validation: &str) -> Self {
        validation.clone_into(&mut self.run.validation);
        self
    }

    /// Sets the number of examples in each split. An accuracy on n examples is a multiple of 1/n,
    /// which `report` uses as its resolution. The sizes do not identify the trial.
    pub fn split_sizes(mut self, sizes: SplitSizes) -> Self {
        self.run.split_sizes = sizes;
        self
    }

    /// How it is computed, such as `candle`; no part of what the trial is.
    pub fn engine(mut self, engine: &str) -> Self {
        engine.clone_into(&mut self.run.engine);
        self
    }

    /// Where it is computed: `cpu` unless said; no part of what the trial is.
    pub fn device(mut self, device: &str) -> Self {
        device.clone_into(&mut self.run.device);
        self
    }

    /// Begins though a process of another machine or container, of which nothing can be known here, is said to run the trial. Where
    /// the system has no `/proc`, that is any other process.
    pub fn take_over(mut self) -> Self {
        self.take_over = true;
        self
    }

    /// Begins it.
    ///
    /// # Errors
    /// As [`Store::start_run`].
    pub fn start(mut self) -> Result<LiveRun, StoreError> {
        ExperimentName::new(&self.run.experiment)?;
        for (index, (name, value)) in self.run.params.iter().enumerate() {
            let known = self.run.params[..index].iter().map(|(name, _)| name.as_str());
            let finite = value.as_number().is_none_or(f64::is_finite);
            let reason = name_fault(name, known).or((!finite).then_some("it is not finite"));
            if let Some(reason) = reason {
                return Err(StoreError::Rejected {
                    what: "hyperparameter",
                    name: name.clone(),
                    reason,
                });
            }
        }
        let recorder = self.store.recorder()?;
        let id = RunId::random().map_err(|error| StoreError::Folder {
            folder: self.store.folder().to_owned(),
            cause: std::io::Error::other(error.to_string()),
        })?;
        (self.run.trial, self.run.started_at) = (TrialId::of_run(&self.run), SystemTime::now());
        recorder.start(id.clone(), self.run.clone(), self.take_over)?;
        Ok(LiveRun {
            recorder,
            id,
            trial: self.run.trial.clone(),
            run: Some(Box::new(self.run)),
            begun: Instant::now(),
            logged: Mutex::default(),
            trouble: Trouble::default(),
        })
    }
}

/// A run that goes on, in the store from its first moment.
///
/// It ends by [`finish`](LiveRun::finish), [`diverge`](LiveRun::diverge) or [`fail`](LiveRun::fail). One that is dropped, because of
/// a panic for instance, is killed; so is one whose process ends, however it does. What it logged stays.
#[derive(Debug)]
pub struct LiveRun {
    recorder: Arc<Recorder>,
    id: RunId,
    trial: TrialId,
    /// Until it ended.
    run: Option<Box<Run>>,
    begun: Instant,
    logged: Mutex<Logged>,
    trouble: Trouble,
}

/// The last epoch that was logged, and what of it.
#[derive(Debug, Default)]
struct Logged {
    epoch: u32,
    step: u64,
    names: Vec<String>,
}

impl LiveRun {
    /// Its identity.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// What is run.
    #[must_use]
    pub fn trial(&self) -> &TrialId {
        &self.trial
    }

    /// Logs what an epoch measured, without waiting for the disk: it is in the store a tenth of a second later, and then survives
    /// whatever becomes of the process. Epochs count from 1 and come in order; some may be left out; one may be logged in several
    /// calls, each metric once. A value that is not finite is not recorded. Who does not count steps has one an epoch.
    ///
    /// # Errors
    /// When an epoch or a metric's name cannot be recorded: then nothing of the call is. Or when something that was logged before
    /// could not be recorded, because the disk is full for instance; it is kept, and tried again until the run ends.
    pub fn log(&self, epoch: u32, metrics: &[(&str, f64)]) -> Result<(), StoreError> {
        self.log_at(epoch, u64::from(epoch), metrics)
    }

    /// [`LiveRun::log`], after so many `step`s (weight updates) since the run began.
    ///
    /// # Errors
    /// As [`LiveRun::log`].
    pub fn log_at(&self, epoch: u32, step: u64, metrics: &[(&str, f64)]) -> Result<(), StoreError> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = logged.fault(epoch, step) {
            return Err(StoreError::Epoch { epoch, step, reason });
        }
        let known: &[String] = if epoch == logged.epoch { &logged.names } else { &[] };
        let metrics = checked(metrics, known)?;
        if epoch > logged.epoch {
            *logged = Logged { epoch, step, names: Vec::new() };
        }
        logged.names.extend(metrics.iter().map(|(name, _)| name.clone()));
        // Still locked: threads that log to one run are recorded in their order.
        self.recorder.epoch(
            self.id.clone(),
            EpochMetrics { epoch, step, metrics },
            Arc::clone(&self.trouble),
        )?;
        self.trouble()
    }

    /// What became of epochs that were logged before, if they are not recorded.
    fn trouble(&self) -> Result<(), StoreError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Ends it with its final metrics, such as `test_accuracy`; `seconds`, since it began, is added unless it is among them. When
    /// this returns, all of the run is in the store.
    ///
    /// # Errors
    /// When a name cannot be recorded: the run failed then, and says why. When the database refuses: then the end is recorded as
    /// soon as that is possible while the process lives, else the run is killed.
    pub fn finish(self, results: &[(&str, f64)]) -> Result<(), StoreError> {
        self.measured(Status::Finished, results)
    }

    /// Ends it because its loss is not finite any more. That is a result, too.
    ///
    /// # Errors
    /// As [`LiveRun::finish`].
    pub fn diverge(self) -> Result<(), StoreError> {
        self.measured(Status::Diverged, &[])
    }

    /// Ends it without a result, for this reason.
    ///
    /// # Errors
    /// As [`LiveRun::finish`].
    pub fn fail(self, why: &str) -> Result<(), StoreError> {
        self.end(Status::Failed, Some(why), Vec::new())
    }

    fn measured(self, status: Status, results: &[(&str, f64)]) -> Result<(), StoreError> {
        let seconds = self.begun.elapsed().as_secs_f64();
        match checked(results, &[]) {
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
            self.recorder.end(self.id.clone(), run)?;
        }
        self.trouble()
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        if let Some(mut run) = self.run.take() {
            let why = if std::thread::panicking() {
                "its thread panicked"
            } else {
                "the program let go of it"
            };
            (run.status, run.error) = (Status::Killed, Some(why.to_owned()));
            self.recorder.abandon(self.id.clone(), run);
        }
    }
}

impl Logged {
    fn fault(&self, epoch: u32, step: u64) -> Option<&'static str> {
        if epoch == 0 {
            Some("epochs count from 1")
        } else if epoch < self.epoch {
            Some("a later one was logged already")
        } else if epoch == self.epoch && step != self.step {
            Some("it was logged at another step already")
        } else if step < self.step {
            Some("an epoch before it had more steps")
        } else if i64::try_from(step).is_err() {
            Some("there are not so many steps")
        } else {
            None
        }
    }
}

/// Metrics with names that can be recorded beside those `known`.
fn checked(metrics: &[(&str, f64)], known: &[String]) -> Result<Vec<(String, f64)>, StoreError> {
    let mut all = Vec::with_capacity(metrics.len());
    for (index, (name, value)) in metrics.iter().enumerate() {
        let before = metrics[..index].iter().map(|(name, _)| *name);
        if let Some(reason) = name_fault(name, known.iter().map(String::as_str).chain(before)) {
            return Err(StoreError::Rejected { what: "metric", name: (*name).to_owned(), reason });
        }
        all.push(((*name).to_owned(), without_sign(*value)));
    }
    Ok(all)
}

/// Rejects an invalid metric name.
pub(crate) fn check_metric_name(name: &str) -> Result<(), StoreError> {
    match name_fault(name, std::iter::empty()) {
        Some(reason) => Err(StoreError::Rejected { what: "metric", name: name.to_owned(), reason }),
        None => Ok(()),
    }
}

/// Why nothing can have this name beside those `known`.
fn name_fault<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("a name is needed")
    } else if name.len() > LONGEST_NAME {
        Some("its name is longer than 128 bytes")
    } else if printable(name) != name {
        Some("its name has characters that cannot be printed")
    } else if known.any(|other| other == name) {
        Some("it is there already")
    } else {
        None
    }
}

/// The database has one zero only.
fn without_sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

fn one_zero(value: Value) -> Value {
    match value {
        Value::Real(value) => Value::Real(without_sign(value)),
        value => value,
    }
}
