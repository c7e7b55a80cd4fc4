//! `runner EXPERIMENT.toml`: what is missing of experiments is run and recorded.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use model::{DeviceChoice, EngineData, EngineKind, Weights};
use tracking::{
    ClaimOptions, Experiment, Invocation, PlannedWork, RecordedRun, Status, Store, TrialId,
};

use crate::cli::{EngineChoice, Places, RunArgs};
use crate::cluster::attempt::{self, Attempt};
use crate::cmd::{plan as plan_command, summary};
use crate::executor::Trainer;
use crate::experiment::datasets::{Datasets, Resolved};
use crate::experiment::group::{Course, courses};
use crate::experiment::plan::{Plan, Trial};
use crate::experiment::shard;
use crate::experiment::shard::Choice;
use crate::experiment::spec::Spec;
use crate::sweep::panics;
use crate::sweep::progress::Progress;
use crate::sweep::provenance;
use crate::sweep::records::{Circumstances, model_path, save_weights};
use crate::sweep::stop::{STOPPED, Stop};
use crate::sweep::store_writer::{Recorder, Tally};
use crate::sweep::{Shared, TOGETHER, sweep};

/// Some trial has no result.
const SOME_FAILED: u8 = 1;

/// Everything about one experiment that must be right before anything runs.
struct Ready {
    spec: Spec,
    resolved: Resolved,
    plan: Plan,
}

/// Runs what is missing.
pub fn run(args: &RunArgs) -> Result<ExitCode> {
    let specs = args
        .experiments
        .iter()
        .map(|path| Spec::read(path, &args.sets))
        .collect::<Result<Vec<_>>>()?;
    refuse_equal_names(&specs)?;
    match (args.shard, &specs[..]) {
        (Some(Choice::Auto(count)), [spec]) => run_specs(&as_attempt(args, spec, count)?, specs),
        (Some(Choice::Auto(_)), _) => bail!("--shard auto takes one experiment at a time"),
        _ => run_specs(args, specs),
    }
}

fn run_specs(args: &RunArgs, specs: Vec<Spec>) -> Result<ExitCode> {
    let (engine, device) = (engine(args)?, args.device.open()?);
    let mut datasets = Datasets::new(&args.places, args.quiet)?;
    if args.plan {
        for spec in &specs {
            plan_command::plan(args, spec, &mut datasets, jobs(args.jobs))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Stop::on_signals()?;
    let ready = specs
        .into_iter()
        .map(|spec| make_ready(spec, &mut datasets))
        .collect::<Result<Vec<_>>>()?;
    let mut store = match args.shared {
        None => Store::open(&args.places.results)?,
        Some(_) => Store::open_exclusive(&args.places.results)?,
    };
    stop.begin();
    panics::keep();
    let means = Means { args, engine, device: &device, stop: &stop, begun: Cell::new(false) };
    let mut code = ExitCode::SUCCESS;
    for experiment in &ready {
        let tally = match run_experiment(&means, experiment, &mut store) {
            Ok(tally) => tally,
            // Once trials have begun, the request was not wrong: the world is.
            Err(error) if !means.begun.get() => return Err(error),
            Err(error) => {
                anstream::eprintln!("{}", crate::render(&error));
                return Ok(ExitCode::from(SOME_FAILED));
            }
        };
        if tally.failed > 0 || !tally.elsewhere.is_empty() {
            code = ExitCode::from(SOME_FAILED);
        }
        for host in &tally.elsewhere {
            let host = tracking::printable(host);
            anstream::eprintln!(
                "some trials are marked as running on {host}: if nothing runs there any more, --take-over runs them here"
            );
        }
        if tally.failed > 0 && args.fail_fast {
            anstream::eprintln!("stopped at the first trial that failed");
            return Ok(code);
        }
        if stop.asked() {
            if stop.requeued() {
                requeue(args.requeue);
            }
            anstream::eprintln!(
                "stopped; what was measured is kept, and the same command goes on where this one ended"
            );
            return Ok(ExitCode::from(STOPPED));
        }
    }
    for it in store.integrity_issues() {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {it}")));
    }
    Ok(code)
}

/// `args` for the part that a scheduler names, in a results folder of its own.
fn as_attempt(args: &RunArgs, spec: &Spec, count: Option<u32>) -> Result<RunArgs> {
    let attempt = Attempt::here(count)?;
    let results = attempt.folder(&args.places.results, &spec.name);
    Ok(RunArgs {
        shard: Some(Choice::Named(attempt.shard)),
        shared: Some(args.places.results.clone()),
        places: Places { results, ..args.places.clone() },
        ..args.clone()
    })
}

/// Asks Slurm to start this task again, unless that was done `most` times already.
fn requeue(most: u32) {
    let variable = |name| std::env::var(name).ok();
    let before = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
    let (Some(job), true) = (variable("SLURM_JOB_ID"), before < most) else { return };
    match std::process::Command::new("scontrol").args(["requeue", &job]).status() {
        Ok(status) if status.success() => {
            anstream::eprintln!("asked Slurm for another attempt ({} of {most})", before + 1)
        }
        Ok(status) => anstream::eprintln!("warning: scontrol requeue {job}: {status}"),
        Err(error) => anstream::eprintln!("warning: scontrol cannot be run: {error}"),
    }
}

fn refuse_equal_names(specs: &[Spec]) -> Result<()> {
    let mut seen = HashSet::new();
    match specs.iter().find(|spec| !seen.insert(&spec.name)) {
        Some(spec) => bail!(
            "two of the files name their experiment '{}'; a name is one experiment's",
            spec.name
        ),
        None => Ok(()),
    }
}

fn make_ready(spec: Spec, datasets: &mut Datasets) -> Result<Ready> {
    let resolved = datasets.resolve(&spec)?;
    let plan = Plan::new(&spec, &resolved.dataset.info())?;
    Ok(Ready { spec, resolved, plan })
}

/// The engine that was asked for, or the fastest.
pub fn engine(args: &RunArgs) -> Result<EngineKind> {
    match (args.engine, args.device) {
        (EngineChoice::Auto, device) => Ok(EngineKind::fastest_on(device)),
        (EngineChoice::Autograd, _) => Ok(EngineKind::Autograd),
        (EngineChoice::Fused, DeviceChoice::Cpu) => Ok(EngineKind::Fused),
        (EngineChoice::Fused, device) => {
            bail!(
                "the fused engine computes on the CPU, not on {device}: use --device cpu, or --engine autograd"
            )
        }
    }
}

/// Trials at a time.
pub fn jobs(asked: Option<u32>) -> usize {
    asked.map_or_else(|| available_parallelism().map_or(1, usize::from), |jobs| jobs as usize)
}

/// What a sweep needs besides its experiment.
struct Means<'a> {
    args: &'a RunArgs,
    engine: EngineKind,
    device: &'a model::Device,
    stop: &'a Stop,
    /// Whether anything was recorded of this command.
    begun: Cell<bool>,
}

fn run_experiment(means: &Means<'_>, experiment: &Ready, store: &mut Store) -> Result<Tally> {
    let Means { args, engine, device, stop, .. } = *means;
    let Ready { spec, resolved, plan } = experiment;
    let (plan_sha256, jobs) = (plan.sha256(), jobs(args.jobs));
    if let Some(shard) = args.part() {
        shard::check(&spec.name, &store.invocations(&spec.name)?, &plan_sha256, shard)?;
    }
    store.declare_metrics(&spec.name, &spec.metrics)?;
    let mut done = store.completed_trials(&spec.name)?;
    if let Some(shared) = &args.shared {
        done.extend(attempt::done(shared, &spec.name, args.part())?);
    }
    // Reading the effective runs also detects damaged runs, so it happens in every case.
    // `--retry-failed` needs all runs: a failed run is not effective if an older run of its trial
    // has a result.
    let counting = store.runs(&spec.name)?;
    let runs = if args.retry_failed { store.all_runs(&spec.name)? } else { counting };
    let courses = pending(args, plan, &runs, &done);
    if !args.quiet {
        announce(
            args,
            spec,
            resolved,
            plan,
            courses.iter().map(|course| course.trials.len()).sum(),
        );
    }
    let mut tally = Tally::default();
    if !courses.is_empty() {
        let about =
            Experiment { name: spec.name.to_string(), description: spec.description.clone() };
        let jobs_recorded = u32::try_from(jobs).unwrap_or(u32::MAX);
        let invocation =
            provenance::invocation(jobs_recorded, &spec.source.text, plan_sha256, args.part());
        let invocation = Invocation { work: Some(work(args, plan, &courses)), ..invocation };
        let invocation = store.begin(&about, &invocation)?;
        means.begun.set(true);
        let prepared = EngineData::new(engine, &resolved.dataset, device)?;
        let trainer = Trainer::new(Arc::clone(&resolved.dataset), prepared);
        let device = args.device.to_string();
        let progress = Progress::new(plan, &courses, args.quiet);
        let mut recorder = Recorder {
            store,
            alone: args.shared.is_some(),
            invocation,
            circumstances: Circumstances {
                experiment: &spec.name,
                resolved,
                engine: engine.name(),
                device: &device,
            },
            terms: ClaimOptions {
                rerun: args.rerun || args.retry_failed,
                take_over: args.take_over,
            },
            fail_fast: args.fail_fast,
            progress: &progress,
            stop,
            tally,
            exported: Instant::now(),
        };
        let keep = |trial: &Trial, weights: &Weights| {
            save_weights(&model_path(&args.places.results, &spec.name, &trial.id), weights)
        };
        let shared = Shared { executor: &trainer, keep: &keep, progress: &progress, stop };
        let together = if recorder.alone { TOGETHER } else { Duration::ZERO };
        let swept = sweep(courses, jobs, shared, together, &mut recorder);
        tally = std::mem::take(&mut recorder.tally);
        progress.finish();
        // What was recorded until then is seen in the CSV files too, if they can be written at all.
        swept.inspect_err(|_| drop(store.export_csv(&spec.name)))?;
    }
    store.export_csv(&spec.name)?;
    if !args.quiet {
        summary::print(args, spec, plan, store)?;
    }
    Ok(tally)
}

/// All courses of a plan, or those of the shard that was asked for.
pub fn wanted<'a>(args: &RunArgs, plan: &'a Plan) -> Vec<Course<'a>> {
    let all: Vec<&Trial> = plan.trials.iter().collect();
    let courses = courses(plan, &all);
    match args.part() {
        Some(shard) => shard::part(plan, courses, shard),
        None => courses,
    }
}

/// Trials of this shard to run: the trials without a result, or the trials that the options select.
/// A trial is failed if its newest run failed; running and killed runs are ignored. With
/// `--retry-failed`, `runs` must therefore hold all runs of the experiment, oldest first.
pub fn pending<'a>(
    args: &RunArgs,
    plan: &'a Plan,
    runs: &[RecordedRun],
    done: &HashSet<TrialId>,
) -> Vec<Course<'a>> {
    let ended = runs.iter().filter(|run| !matches!(run.status, Status::Running | Status::Killed));
    let last: HashMap<&TrialId, Status> = ended.map(|run| (&run.trial, run.status)).collect();
    let failed: HashSet<&TrialId> = last
        .into_iter()
        .filter(|(_, status)| *status == Status::Failed)
        .map(|(trial, _)| trial)
        .collect();
    let missing = |trial: &Trial| {
        if args.retry_failed {
            failed.contains(&trial.id)
        } else {
            args.rerun || !done.contains(&trial.id)
        }
    };
    let mut courses = wanted(args, plan);
    for course in &mut courses {
        course.trials.retain(|trial| missing(trial));
    }
    courses.retain(|course| !course.trials.is_empty());
    courses
}

/// What there is to do: `courses`, which are of what `args` want of the plan.
fn work(args: &RunArgs, plan: &Plan, courses: &[Course<'_>]) -> PlannedWork {
    let trials = |courses: &[Course<'_>]| {
        u32::try_from(courses.iter().map(|course| course.trials.len()).sum::<usize>())
            .unwrap_or(u32::MAX)
    };
    let steps = courses.iter().map(|course| plan.steps(course.longest())).sum();
    PlannedWork { trials: trials(&wanted(args, plan)), to_run: trials(courses), steps }
}

fn announce(args: &RunArgs, spec: &Spec, resolved: &Resolved, plan: &Plan, pending: usize) {
    let dataset = &resolved.dataset;
    let trials = plan.trials.len();
    let what = match (pending, trials - pending) {
        (0, _) if args.retry_failed => "no trial failed; nothing to run".to_owned(),
        (_, _) if args.retry_failed => format!("{pending} of {trials} trials failed, to run again"),
        (0, _) if args.part().is_some() => {
            "all trials of this shard have their result; nothing to run".to_owned()
        }
        (0, _) => format!("all {trials} trials have their result; nothing to run"),
        (1, 0) => "1 trial to run".to_owned(),
        (_, 0) => format!("{trials} trials to run"),
        _ if args.part().is_some() => format!("{pending} of {trials} trials to run in this shard"),
        (_, done) => format!("{pending} of {trials} trials to run, {done} have their result"),
    };
    let line = format!(
        "{} · {} {} + {} · {what}",
        spec.name,
        dataset.name,
        dataset.train.len(),
        dataset.test.len()
    );
    anstream::eprintln!("{}", tracking::printable(&line));
}
