//! `runner verify`: run recorded runs again and compare every metric and the weights.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use data::Dataset;
use model::{DeviceChoice, EngineData, EngineKind};
use tracking::{Invocation, Reader, RecordedRun, RunId, Status, TrialId};

use crate::cli::VerifyArgs;
use crate::cmd::differences::{Recorded, differences};
use crate::cmd::merge::lacks_weights;
use crate::executor::built_in::{BuiltIn, OnDataset, Trainer};
use crate::executor::{ClaimedGroup, Execution, Outcome};
use crate::experiment::datasets;
use crate::experiment::group::groups;
use crate::experiment::trial::Trial;
use crate::experiment::validation::Validation;
use crate::output::output;
use crate::sweep::experiment_sweep::jobs;
use crate::sweep::progress::Progress;
use crate::sweep::protocol::{ClaimReply, Event, EventSink};
use crate::sweep::provenance;
use crate::sweep::scheduler::sweep;
use crate::sweep::stop::{STOPPED, Stop};
use crate::sweep::worker::WorkerContext;

/// Exit code: a run differs.
const DIFFERS: u8 = 1;

/// A recorded run to verify.
struct Subject {
    recorded: Recorded,
    invocation: Invocation,
    /// What differs, in words; `None` until the run is repeated.
    differences: Option<Vec<String>>,
}

/// What a run needs to be repeated. Runs with equal requirements share the dataset in memory.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Requirements {
    dataset: String,
    path: Option<String>,
    sha256: String,
    validation: String,
    engine: String,
    device: String,
}

impl Requirements {
    fn of(run: &RecordedRun) -> Self {
        Self {
            dataset: run.dataset.clone(),
            path: run.dataset_path.clone(),
            sha256: run.dataset_sha256.clone(),
            validation: run.validation.key().to_owned(),
            engine: run.engine.clone(),
            device: run.device.clone(),
        }
    }
}

/// Verifies the requested runs.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let reader = Reader::open(&args.paths.results)?;
    let (mut subjects, skipped) = subjects(args, &reader)?;
    let stop = Stop::on_signals()?;
    stop.start();
    let mut groups: BTreeMap<Requirements, Vec<usize>> = BTreeMap::new();
    for (index, subject) in subjects.iter().enumerate() {
        groups.entry(Requirements::of(&subject.recorded.run)).or_default().push(index);
    }
    // All datasets are checked before any run is repeated.
    let prepared: Vec<_> = groups
        .into_iter()
        .map(|(requirements, members)| (dataset(args, &requirements), requirements, members))
        .collect();
    for (dataset, requirements, members) in prepared {
        match dataset {
            Ok(dataset) => repeat(args, &mut subjects, &members, &requirements, &dataset, &stop)?,
            Err(reason) => {
                for index in members {
                    subjects[index].differences = Some(vec![reason.clone()]);
                }
            }
        }
    }
    if stop.requested() {
        anstream::eprintln!("stopped; some runs were not verified");
        return Ok(ExitCode::from(STOPPED));
    }
    if skipped > 0 {
        let noun = if skipped == 1 { "run" } else { "runs" };
        anstream::eprintln!(
            "skipped {skipped} {noun} of other programs; only the program that trained a run can \
             repeat it"
        );
    }
    let code = print(args, &subjects)?;
    let has_issues = print_integrity_issues(&reader)?;
    Ok(if has_issues { ExitCode::from(DIFFERS) } else { code })
}

/// Prints the integrity issues of the whole store. Returns whether there are any.
fn print_integrity_issues(reader: &Reader) -> Result<bool> {
    for experiment in reader.experiments()? {
        reader.runs(&experiment.name)?;
    }
    let issues = reader.integrity_issues();
    for issue in &issues {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {issue}")));
    }
    Ok(!issues.is_empty())
}

/// The requested runs, and how many of `--all` runs are skipped because another program made them.
fn subjects(args: &VerifyArgs, reader: &Reader) -> Result<(Vec<Subject>, usize)> {
    let mut all = Vec::new();
    for experiment in reader.experiments()? {
        all.extend(reader.all_runs(&experiment.name)?.into_iter().filter(|run| run.has_result()));
    }
    // Runs are in the order of their start, so the map keeps the last run of each trial.
    let finished = all.iter().filter(|run| run.status == Status::Finished);
    let latest: HashMap<(String, TrialId), RunId> =
        finished.map(|run| ((run.experiment.clone(), run.trial.clone()), run.id.clone())).collect();
    let (mut runs, others): (Vec<_>, Vec<_>) =
        if args.all { all.into_iter().partition(is_built_in) } else { Default::default() };
    for id in &args.ids {
        runs.push(verifiable_run(reader, id)?);
    }
    let subject = |run: RecordedRun| {
        let trial = (run.experiment.clone(), run.trial.clone());
        let invocation = reader.invocation(&run)?;
        let recorded = Recorded {
            epochs: reader.epochs(&run)?,
            error_analysis: reader.error_analysis(&run)?,
            has_weights: latest.get(&trial) == Some(&run.id),
            run,
        };
        Ok(Subject { recorded, invocation, differences: None })
    };
    Ok((runs.into_iter().map(subject).collect::<Result<_>>()?, others.len()))
}

fn verifiable_run(reader: &Reader, id: &str) -> Result<RecordedRun> {
    let run = reader.find(id)?;
    if !run.has_result() {
        bail!("run {} is {}: only a run with a result can be verified", run.id, run.status);
    }
    if !is_built_in(&run) {
        bail!(
            "run {} belongs to another program: only the program that trained a run can repeat it",
            run.id
        );
    }
    Ok(run)
}

/// Whether this program trained the run.
fn is_built_in(run: &RecordedRun) -> bool {
    EngineKind::from_name(&run.engine).is_some()
}

/// The dataset of the runs, or why they cannot be repeated on it.
fn dataset(args: &VerifyArgs, requirements: &Requirements) -> Result<Arc<Dataset>, String> {
    let Requirements { dataset: name, path, sha256, .. } = requirements;
    let dataset = datasets::recorded(&args.paths, name, path.as_deref())
        .map_err(|error| format!("its dataset is unavailable: {error:#}"))?;
    if dataset.sha256 == *sha256 {
        return Ok(Arc::new(dataset));
    }
    Err(format!(
        "the dataset '{name}' has changed: expected {sha256}, found {}; nothing was run on it",
        dataset.sha256
    ))
}

/// Repeats the runs `members` of `subjects`.
fn repeat(
    args: &VerifyArgs,
    subjects: &mut [Subject],
    members: &[usize],
    requirements: &Requirements,
    dataset: &Arc<Dataset>,
    stop: &Stop,
) -> Result<()> {
    let Requirements { engine, device, sha256, .. } = requirements;
    let kind = EngineKind::from_name(engine);
    let opened = device.parse::<DeviceChoice>().ok().and_then(|device| device.open().ok());
    let (Some(kind), Some(opened)) = (kind, opened) else {
        for index in members {
            let reason = format!("this machine cannot run the {engine} engine on {device}");
            subjects[*index].differences = Some(vec![reason]);
        }
        return Ok(());
    };
    let validation = match Validation::recorded(&requirements.validation) {
        Ok(validation) => validation,
        Err(reason) => {
            for index in members {
                subjects[*index].differences = Some(vec![reason.clone()]);
            }
            return Ok(());
        }
    };
    let on = OnDataset::new(sha256, dataset.train.len(), validation);
    let mut trials: Vec<Trial> = Vec::new();
    let mut runs_of_trial: HashMap<TrialId, Vec<usize>> = HashMap::new();
    for index in members {
        match Trial::recorded(&subjects[*index].recorded.run, &BuiltIn, &on) {
            Ok(trial) => {
                let runs = runs_of_trial.entry(trial.id.clone()).or_default();
                runs.push(*index);
                if runs.len() == 1 {
                    trials.push(trial);
                }
            }
            Err(reason) => subjects[*index].differences = Some(vec![reason]),
        }
    }
    let data = EngineData::new(kind, dataset, &opened)?;
    let trainer = Trainer::new(Arc::clone(dataset), data, validation);
    let results = &args.paths.results;
    let mut comparison = Comparison { subjects, runs_of_trial, results };
    let progress = Progress::silent();
    let workers =
        WorkerContext { executor: &trainer, save_model: &|_, _| Ok(()), progress: &progress, stop };
    sweep(groups(&trials), jobs(args.jobs), workers, Duration::ZERO, &mut comparison)
}

/// Compares the results of a sweep with recorded runs, instead of recording them.
struct Comparison<'s> {
    subjects: &'s mut [Subject],
    /// Indices of the subjects of each trial.
    runs_of_trial: HashMap<TrialId, Vec<usize>>,
    results: &'s std::path::Path,
}

impl<'a> EventSink<'a> for Comparison<'_> {
    fn handle(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        for event in events {
            match event {
                Event::Claim { group, reply } => {
                    let runs =
                        group.trials.iter().map(|_| RunId::random()).collect::<Result<_, _>>()?;
                    let claimed = Some(ClaimedGroup { group, runs, resume: None });
                    // A worker that has ended needs no reply.
                    let _ = reply.send(ClaimReply { claimed, busy: None });
                }
                Event::Epochs { .. } => {}
                Event::Ended(ended) => {
                    for index in self.runs_of_trial.remove(&ended.trial.id).unwrap_or_default() {
                        let subject = &mut self.subjects[index];
                        subject.differences = match &ended.result {
                            Ok(Execution { outcome: Outcome::Stopped, .. }) => None,
                            Ok(execution) => {
                                Some(differences(&subject.recorded, execution, self.results))
                            }
                            Err(error) => Some(vec![format!("it failed when repeated: {error}")]),
                        };
                    }
                }
            }
        }
        Ok(())
    }
}

/// Prints whether each run is identical, and what differs.
fn print(args: &VerifyArgs, subjects: &[Subject]) -> Result<ExitCode> {
    let mut out = output();
    let here = provenance::this_invocation();
    let (mut identical, mut without_weights) = (0, 0);
    for Subject { recorded: Recorded { run, .. }, invocation, differences } in subjects {
        let experiment = tracking::printable(&run.experiment);
        let name = format!("run {} of trial {} ({experiment})", run.id, run.trial);
        let lacks_weights = lacks_weights(run, &args.paths.results);
        without_weights += usize::from(lacks_weights);
        if differences.as_ref().is_some_and(Vec::is_empty) {
            identical += 1;
            if !args.quiet {
                let note = if lacks_weights { ", without weights" } else { "" };
                writeln!(out, "identical  {name}{note}")?;
            }
            continue;
        }
        writeln!(out, "DIFFERS    {name}")?;
        let not_repeated = ["it was not repeated".to_owned()];
        for difference in differences.as_deref().unwrap_or(&not_repeated) {
            writeln!(out, "             {}", tracking::printable(difference))?;
        }
        let dataset = format!("{} {}", run.dataset, run.dataset_sha256);
        for (title, invocation) in [("recorded by", invocation), ("here", &here)] {
            let line = format!("{title}: {} · {dataset}", program(invocation, run));
            writeln!(out, "             {}", tracking::printable(&line))?;
        }
    }
    if without_weights > 0 {
        anstream::eprintln!(
            "warning: runs without weights: {without_weights}; use --rerun to recreate them"
        );
    }
    let count = subjects.len();
    writeln!(out, "{identical} of {count} runs are identical")?;
    Ok(if identical == count { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn program(invocation: &Invocation, run: &RecordedRun) -> String {
    let commit = invocation.git_commit.as_deref().unwrap_or("unknown");
    let dirty = if invocation.git_dirty == Some(true) { " with changes" } else { "" };
    let candle = invocation.candle_version.as_deref().unwrap_or("unknown");
    format!(
        "version {}, commit {commit}{dirty}, candle {candle}, {}, engine {}",
        invocation.program_version, invocation.instruction_set, run.engine
    )
}
