//! `runner EXPERIMENT.toml`: what is missing of experiments is run and recorded.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use model::{DeviceChoice, EngineKind, Prepared};
use tracking::{Experiment, Store};

use crate::cli::{EngineChoice, RunArgs};
use crate::cmd::{plan as plan_command, summary};
use crate::course::courses;
use crate::datasets::{Datasets, Resolved};
use crate::executor::Trainer;
use crate::plan::{Plan, Trial};
use crate::progress::Progress;
use crate::provenance;
use crate::record::{Circumstances, model_path, save_weights};
use crate::spec::Spec;
use crate::stop::Stop;
use crate::sweep::{Done, Tally, sweep};

/// Some trial has no result.
const SOME_FAILED: u8 = 1;
/// Stopped by a signal; run again to go on.
const STOPPED: u8 = 75;

/// How often the CSV files are brought up to date while a sweep runs.
const EXPORT_EVERY: Duration = Duration::from_secs(10);

/// Everything about one experiment that must be right before anything runs.
struct Ready {
    spec: Spec,
    resolved: Resolved,
    plan: Plan,
}

/// Runs what is missing.
pub fn run(args: &RunArgs) -> Result<ExitCode> {
    let specs = args.experiments.iter().map(|path| Spec::read(path, &args.sets)).collect::<Result<Vec<_>>>()?;
    refuse_equal_names(&specs)?;
    let (engine, device) = (engine(args)?, args.device.open()?);
    let mut datasets = Datasets::new(&args.places, args.quiet)?;
    if args.plan {
        for spec in &specs {
            plan_command::plan(args, spec, &mut datasets, jobs(args))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let ready = specs.into_iter().map(|spec| make_ready(spec, &mut datasets)).collect::<Result<Vec<_>>>()?;
    let mut store = Store::open(&args.places.results)?;
    let stop = Stop::on_signals()?;
    let mut total = Tally::default();
    for experiment in &ready {
        let tally = run_experiment(args, experiment, &mut store, engine, &device, &stop)?;
        total.failed += tally.failed;
        if stop.asked() {
            anstream::eprintln!("stopped; the same command goes on where this one ended");
            return Ok(ExitCode::from(STOPPED));
        }
    }
    Ok(if total.failed > 0 { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

fn refuse_equal_names(specs: &[Spec]) -> Result<()> {
    let mut seen = HashSet::new();
    match specs.iter().find(|spec| !seen.insert(&spec.name)) {
        Some(spec) => bail!("two of the files name their experiment '{}'; a name is one experiment's", spec.name),
        None => Ok(()),
    }
}

fn make_ready(spec: Spec, datasets: &mut Datasets) -> Result<Ready> {
    let resolved = datasets.resolve(&spec)?;
    let plan = Plan::new(&spec, &resolved.dataset.facts())?;
    Ok(Ready { spec, resolved, plan })
}

/// The engine that was asked for, or the fastest.
pub fn engine(args: &RunArgs) -> Result<EngineKind> {
    match (args.engine, args.device) {
        (EngineChoice::Auto, device) => Ok(EngineKind::fastest_on(device)),
        (EngineChoice::Autograd, _) => Ok(EngineKind::Autograd),
        (EngineChoice::Fused, DeviceChoice::Cpu) => Ok(EngineKind::Fused),
        (EngineChoice::Fused, device) => {
            bail!("the fused engine computes on the CPU, not on {device}: use --device cpu, or --engine autograd")
        }
    }
}

/// Trials at a time.
fn jobs(args: &RunArgs) -> usize {
    args.jobs.map_or_else(|| available_parallelism().map_or(1, usize::from), |jobs| jobs as usize)
}

fn run_experiment(
    args: &RunArgs,
    experiment: &Ready,
    store: &mut Store,
    engine: EngineKind,
    device: &model::Device,
    stop: &Stop,
) -> Result<Tally> {
    let Ready { spec, resolved, plan } = experiment;
    let done = if args.rerun { HashSet::new() } else { store.done_trials(&spec.name)? };
    let pending: Vec<&Trial> = plan.trials.iter().filter(|trial| !done.contains(&trial.id)).collect();
    let jobs = jobs(args);
    if !args.quiet {
        announce(spec, resolved, plan, pending.len());
    }
    let mut tally = Tally::default();
    if !pending.is_empty() {
        let description = spec.description.clone();
        let invocation = provenance::invocation(u32::try_from(jobs).unwrap_or(u32::MAX), &spec.source.text);
        let invocation = store.begin(&Experiment { name: spec.name.clone(), description }, &invocation)?;
        let prepared = Prepared::new(engine, &resolved.dataset, device)?;
        let trainer = Trainer::new(Arc::clone(&resolved.dataset), prepared);
        let device = args.device.to_string();
        let circumstances = Circumstances { experiment: &spec.name, resolved, engine: engine.name(), device: &device };
        let courses = courses(plan, &pending)?;
        let progress = Progress::new(plan, &courses, args.quiet);
        let mut exported = Instant::now();
        let record = |done: &Done<'_>| {
            keep_weights(&args.places.results, &spec.name, done)?;
            store.record(invocation, &circumstances.run(done))?;
            if exported.elapsed() >= EXPORT_EVERY {
                store.export_csv(&spec.name)?;
                exported = Instant::now();
            }
            Ok(())
        };
        let swept = sweep(&courses, jobs, &trainer, &progress, stop, record);
        progress.finish();
        tally = swept?;
    }
    store.export_csv(&spec.name)?;
    if !args.quiet {
        summary::print(args, spec, plan, &store.runs(&spec.name)?)?;
    }
    Ok(tally)
}

/// Written before the run is recorded: a finished run always has its weights.
fn keep_weights(results: &Path, experiment: &str, done: &Done<'_>) -> Result<()> {
    match done.result.as_ref().map(|execution| &execution.weights) {
        Ok(Some(weights)) => save_weights(&model_path(results, experiment, &done.trial.id), weights),
        _ => Ok(()),
    }
}

fn announce(spec: &Spec, resolved: &Resolved, plan: &Plan, pending: usize) {
    let dataset = &resolved.dataset;
    let trials = plan.trials.len();
    let what = match (pending, trials - pending) {
        (0, _) => format!("all {trials} trials have their result; nothing to run"),
        (_, 0) => format!("{trials} trials to run"),
        (_, done) => format!("{pending} of {trials} trials to run, {done} have their result"),
    };
    let line = format!("{} · {} {} + {} · {what}", spec.name, dataset.name, dataset.train.len(), dataset.test.len());
    anstream::eprintln!("{}", tracking::printable(&line));
}
