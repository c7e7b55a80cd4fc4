//! `runner EXPERIMENT.toml`: run the missing trials of one or more experiments.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use model::{DeviceChoice, EngineKind};
use tracking::Store;
use tracking::program_files::programs_folder;

use crate::cli::{EngineChoice, PlanFormat, RunArgs};
use crate::cluster::slurm;
use crate::cmd::{declarations, plan as plan_command, race, summary, trials, warnings};
use crate::executor::built_in::BuiltIn;
use crate::executor::program::trial_folder::TrialFolder;
use crate::executor::setup::{Hardware, Setup};
use crate::experiment::datasets::Datasets;
use crate::experiment::plan::Plan;
use crate::experiment::shard;
use crate::experiment::spec::{Spec, Trained};
use crate::sweep::destination::Destination;
use crate::sweep::experiment_sweep::{PreparedExperiment, SweepContext};
use crate::sweep::panics;
use crate::sweep::selection::{Choice, Selection};
use crate::sweep::stop::{STOPPED, Stop};
use crate::sweep::store_writer::SweepSummary;

/// Exit code: some trial has no result.
const SOME_FAILED: u8 = 1;

/// Runs the missing trials, or prints the plan.
pub fn run(args: &RunArgs) -> Result<ExitCode> {
    if args.format.is_some() && !args.plan {
        bail!("--format is the format of the plan: add --plan");
    }
    let specs = read_specs(args)?;
    reject_built_in_options(args, &specs)?;
    let destination = Destination::new(args, &specs)?;
    let selection = Selection { choice: choice(args), shard: destination.shard };
    let hardware =
        Hardware { engine: engine(args)?, choice: args.device, device: args.device.open()? };
    let mut datasets = Datasets::new(&args.paths, args.quiet)?;
    if args.plan {
        let request = plan_command::Request {
            destination,
            selection,
            engine: hardware.engine,
            jobs: args.jobs,
        };
        let format = args.format.unwrap_or(PlanFormat::Table);
        plan_command::print_all(&request, &specs, &mut datasets, format)?;
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Stop::on_signals()?;
    let prepare = |spec| prepare(spec, &mut datasets);
    let experiments = specs.into_iter().map(prepare).collect::<Result<Vec<_>>>()?;
    let store = destination.open_store()?;
    stop.start();
    panics::capture();
    let context = SweepContext { args, destination, selection, hardware, stop };
    run_experiments(&context, &experiments, store)
}

fn run_experiments(
    context: &SweepContext<'_>,
    experiments: &[PreparedExperiment],
    mut store: Store,
) -> Result<ExitCode> {
    let SweepContext { args, stop, .. } = context;
    let mut code = ExitCode::SUCCESS;
    let mut started = false;
    for experiment in experiments {
        let summary = match run_experiment(context, experiment, &mut store, &mut started) {
            Ok(summary) => summary,
            // Exit code 2 promises that nothing ran.
            Err(error) if !started => return Err(error),
            Err(error) => {
                anstream::eprintln!("{}", crate::render(&error));
                return Ok(ExitCode::from(SOME_FAILED));
            }
        };
        if summary.failed > 0 || !summary.remote_hosts.is_empty() {
            code = ExitCode::from(SOME_FAILED);
        }
        for host in &summary.remote_hosts {
            let host = tracking::printable(host);
            anstream::eprintln!(
                "some trials are recorded as running on {host}: if nothing runs there, use \
                 --take-over to run them here"
            );
        }
        if summary.failed > 0 && args.fail_fast {
            anstream::eprintln!("stopped at the first trial that failed");
            return Ok(code);
        }
        if stop.requested() {
            if stop.requeue_requested() {
                slurm::requeue(args.requeue);
            }
            anstream::eprintln!("stopped; run the same command again to continue");
            return Ok(ExitCode::from(STOPPED));
        }
    }
    for issue in store.integrity_issues() {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {issue}")));
    }
    Ok(code)
}

fn read_specs(args: &RunArgs) -> Result<Vec<Spec>> {
    let sets = args.settings.sets();
    let read = |path: &PathBuf| Spec::read(path, &sets, Arc::new(BuiltIn));
    let specs = args.experiments.iter().map(read).collect::<Result<Vec<_>>>()?;
    let mut names = HashSet::new();
    match specs.iter().find(|spec| !names.insert(&spec.name)) {
        Some(spec) => bail!(
            "two files define the experiment '{}'; give each experiment a unique name",
            spec.name
        ),
        None => Ok(specs),
    }
}

/// Rejects options of the built-in model for programs.
fn reject_built_in_options(args: &RunArgs, specs: &[Spec]) -> Result<()> {
    let is_program = |spec: &&Spec| matches!(spec.trained, Trained::Program(_));
    let is_default = args.device == DeviceChoice::Cpu && args.engine == EngineChoice::Auto;
    match specs.iter().find(is_program).filter(|_| !is_default) {
        Some(spec) => bail!(
            "--device and --engine are options of the built-in model, and '{}' runs a program: pass \
             the device in its command or in env of [program]",
            spec.name
        ),
        None => Ok(()),
    }
}

fn prepare(spec: Spec, datasets: &mut Datasets) -> Result<PreparedExperiment> {
    let setup = Setup::load(&spec, datasets)?;
    let plan = Plan::new(&spec, setup.subject())?;
    Ok(PreparedExperiment { spec, setup, plan })
}

fn choice(args: &RunArgs) -> Choice {
    match (args.retry_failed, args.rerun) {
        (true, _) => Choice::Failed,
        (false, true) => Choice::All,
        (false, false) => Choice::Missing,
    }
}

/// The requested engine. By default the fastest engine of the device.
fn engine(args: &RunArgs) -> Result<EngineKind> {
    match (args.engine, args.device) {
        (EngineChoice::Auto, device) => Ok(EngineKind::fastest_on(device)),
        (EngineChoice::Autograd, _) => Ok(EngineKind::Autograd),
        (EngineChoice::Fused, DeviceChoice::Cpu) => Ok(EngineKind::Fused),
        (EngineChoice::Fused, device) => bail!(
            "the fused engine runs only on the CPU, not on {device}: use --device cpu or \
             --engine autograd"
        ),
    }
}

/// Selects and runs trials of one experiment. Sets `started` when the store is written.
fn run_experiment(
    context: &SweepContext<'_>,
    experiment: &PreparedExperiment,
    store: &mut Store,
    started: &mut bool,
) -> Result<SweepSummary> {
    let SweepContext { args, destination, .. } = context;
    let PreparedExperiment { spec, plan, .. } = experiment;
    if let Some(shard) = destination.shard {
        shard::check(&spec.name, &store.invocations(&spec.name)?, &plan.sha256(), shard)?;
    }
    declarations::declare(spec, plan.race.as_ref().map(|planned| &planned.race), store)?;
    remove_ended(&destination.results, spec, store)?;
    warnings::of_unlisted_files(&experiment.setup);
    let summary = match &plan.race {
        // A race without a ranking metric ends with an error after its first look.
        Some(race) => race::run(context, experiment, race, store, started)
            .inspect_err(|_| drop(store.export_csv(&spec.name)))?,
        None => {
            let work = trials::select(context, experiment, &plan.trials, store)?;
            if !work.to_run.is_empty() {
                warnings::of_earlier_race(plan, store.declarations(&spec.name)?.race.as_ref());
            }
            if !args.quiet {
                let what = summary::to_run(context.selection, plan.trials.len(), &work.to_run);
                summary::announce(experiment, &what);
            }
            let summary = trials::run(context, experiment, work, store, started)?;
            declarations::end_complete_race(spec, store)?;
            summary
        }
    };
    store.export_csv(&spec.name)?;
    warnings::of_missing_metrics(experiment, store)?;
    if !args.quiet {
        summary::print(destination, experiment, store)?;
    }
    Ok(summary)
}

/// Removes the folders of programs whose run has a result: their runner was killed before it could.
fn remove_ended(results: &Path, spec: &Spec, store: &Store) -> Result<()> {
    if programs_folder(results, &spec.name)
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
    {
        for run in store.all_runs(&spec.name)?.iter().filter(|run| run.has_result()) {
            // A folder that cannot be removed stays for `gc`.
            let _ = TrialFolder::of(results, run).remove_if_of(&run.id);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{Parser, ValueEnum};

    use super::*;
    use crate::cli::Cli;

    /// `verify` and `merge` find the engine of a recorded run by its name.
    #[test]
    fn every_engine_is_found_by_its_name() {
        for choice in EngineChoice::value_variants() {
            let value = choice.to_possible_value().unwrap();
            let words = ["runner", "a.toml", "--engine", value.get_name()];
            let kind = engine(&Cli::parse_from(words).run).unwrap();
            assert_eq!(EngineKind::from_name(kind.name()), Some(kind));
        }
    }
}
