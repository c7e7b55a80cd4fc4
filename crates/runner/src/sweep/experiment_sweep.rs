//! One experiment's sweep: trains groups of trials and records them in a store.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::Result;
use tracking::{ClaimOptions, Experiment, Invocation, InvocationId, PlannedWork, Store};

use crate::cli::RunArgs;
use crate::executor::setup::{Hardware, Setup};
use crate::experiment::group::{TrialGroup, step_count, trial_count};
use crate::experiment::plan::Plan;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::sweep::destination::Destination;
use crate::sweep::progress::Progress;
use crate::sweep::provenance;
use crate::sweep::records::{RunMetadata, model_path, save_model};
use crate::sweep::scheduler::sweep;
use crate::sweep::selection::{Selection, Work};
use crate::sweep::stop::Stop;
use crate::sweep::store_writer::{Claimer, StoreWriter, SweepSummary};
use crate::sweep::worker::{FLUSH_INTERVAL, WorkerContext};

/// An experiment whose file, plan, and data or program are valid.
pub struct PreparedExperiment {
    pub spec: Spec,
    pub setup: Setup,
    pub plan: Plan,
}

impl PreparedExperiment {
    /// The number of trials at a time: requested, or of the experiment file, or the number of cores
    /// that the process may use.
    pub fn jobs(&self, requested: Option<u32>) -> usize {
        jobs(requested.or_else(|| self.spec.trained.jobs()))
    }
}

/// What the sweeps of all experiments share.
pub struct SweepContext<'a> {
    pub args: &'a RunArgs,
    pub destination: Destination,
    pub selection: Selection,
    pub hardware: Hardware,
    pub stop: Stop,
}

/// Records that the sweep starts.
pub fn begin(
    context: &SweepContext<'_>,
    experiment: &PreparedExperiment,
    Work { candidates, to_run, .. }: &Work<'_>,
    store: &mut Store,
) -> Result<InvocationId> {
    let PreparedExperiment { spec, plan, .. } = experiment;
    let count = |groups: &[TrialGroup<'_>]| u32::try_from(trial_count(groups)).unwrap_or(u32::MAX);
    // The steps of a program are not known, so progress counts its trials.
    let is_known = |group: &&TrialGroup<'_>| group.longest().workload.epochs.is_some();
    let known: Vec<_> = to_run.iter().filter(is_known).cloned().collect();
    let work =
        PlannedWork { trials: count(candidates), to_run: count(to_run), steps: step_count(&known) };
    let invocation = Invocation {
        work: Some(work),
        jobs: u32::try_from(experiment.jobs(context.args.jobs)).unwrap_or(u32::MAX),
        experiment_file: Some(spec.recorded_text()),
        plan_sha256: Some(plan.sha256()),
        shard: context.destination.shard,
        ..provenance::this_invocation()
    };
    let experiment =
        Experiment { name: spec.name.to_string(), description: spec.description.clone() };
    Ok(store.begin(&experiment, &invocation)?)
}

/// The number of trials at a time. By default the number of cores that the process may use.
pub fn jobs(requested: Option<u32>) -> usize {
    requested.map_or_else(|| available_parallelism().map_or(1, usize::from), |jobs| jobs as usize)
}

/// Trains and records the trials to run.
pub fn run(
    context: &SweepContext<'_>,
    experiment: &PreparedExperiment,
    work: Work<'_>,
    invocation: InvocationId,
    store: &mut Store,
) -> Result<SweepSummary> {
    let SweepContext { args, destination, hardware, stop, .. } = context;
    let PreparedExperiment { spec, setup, plan } = experiment;
    let executor = setup.executor(spec, destination, hardware, args.rerun)?;
    let progress = Progress::new(&work, &plan.varying, spec, args.quiet);
    let mut writer = StoreWriter {
        store,
        exclusive: destination.is_exclusive(),
        claimer: Claimer {
            invocation,
            metadata: RunMetadata { header: setup.header(&spec.name, hardware) },
            options: ClaimOptions {
                rerun: args.rerun || args.retry_failed,
                take_over: args.take_over,
            },
            executor: &*executor,
        },
        fail_fast: args.fail_fast,
        progress: &progress,
        stop,
        summary: SweepSummary::default(),
        exported: Instant::now(),
    };
    let save_model = |trial: &Trial, model: &[u8]| {
        save_model(&model_path(&destination.results, &spec.name, &trial.id), model)
    };
    let workers =
        WorkerContext { executor: &*executor, save_model: &save_model, progress: &progress, stop };
    let batch_time = if writer.exclusive { FLUSH_INTERVAL } else { Duration::ZERO };
    let swept = sweep(work.to_run, experiment.jobs(args.jobs), workers, batch_time, &mut writer);
    let summary = std::mem::take(&mut writer.summary);
    progress.finish();
    // After an error, the CSV files should still show what was recorded, if they can be written.
    swept.inspect_err(|_| drop(store.export_csv(&spec.name)))?;
    Ok(summary)
}
