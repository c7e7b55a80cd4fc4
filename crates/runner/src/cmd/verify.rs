//! `runner verify`: recorded runs are run again from their record, and everything that was measured is compared.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use data::Dataset;
use model::{DeviceChoice, EngineData, EngineKind, Outcome};
use tracking::{
    EpochMetrics, ErrorAnalysis, Invocation, Reader, RecordedRun, RunId, Status, TrialId,
};

use crate::cli::VerifyArgs;
use crate::cmd::run::jobs;
use crate::executor::{Execution, Trainer};
use crate::experiment::datasets;
use crate::experiment::group::courses;
use crate::experiment::plan::{Plan, Trial};
use crate::output::output;
use crate::sweep::progress::Progress;
use crate::sweep::provenance;
use crate::sweep::records::{epoch_metrics, model_path, results, status};
use crate::sweep::stop::{STOPPED, Stop};
use crate::sweep::{Claimed, Event, Record, Shared, sweep};

/// Something differs.
const DIFFERS: u8 = 1;

/// A recorded run, and what came of running it again.
struct Subject {
    run: RecordedRun,
    epochs: Vec<EpochMetrics>,
    /// Where it has any, and they are as they were recorded.
    examples: Option<ErrorAnalysis>,
    by: Invocation,
    /// Whether the weights in the folder are this run's.
    has_weights: bool,
    /// What differs, in words; `None` until it was run again.
    verdict: Option<Vec<String>>,
}

/// Runs that need the same data in the same form.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Needs {
    dataset: String,
    path: Option<String>,
    sha256: String,
    engine: String,
    device: String,
}

/// Verifies what is asked for.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let reader = Reader::open(&args.places.results)?;
    let (mut subjects, others) = subjects(args, &reader)?;
    let stop = Stop::on_signals()?;
    stop.begin();
    let mut groups: BTreeMap<Needs, Vec<usize>> = BTreeMap::new();
    for (index, Subject { run, .. }) in subjects.iter().enumerate() {
        let needs = Needs {
            dataset: run.dataset.clone(),
            path: run.dataset_path.clone(),
            sha256: run.dataset_sha256.clone(),
            engine: run.engine.clone(),
            device: run.device.clone(),
        };
        groups.entry(needs).or_default().push(index);
    }
    // All data are looked at before anything is run.
    let prepared: Vec<_> = groups
        .into_iter()
        .map(|(needs, members)| (dataset(args, &needs), needs, members))
        .collect();
    for (dataset, needs, members) in prepared {
        match dataset {
            Ok(dataset) => run_again(args, &mut subjects, &members, &needs, &dataset, &stop)?,
            Err(reason) => {
                for index in members {
                    subjects[index].verdict = Some(vec![reason.clone()]);
                }
            }
        }
    }
    if stop.asked() {
        anstream::eprintln!("stopped before everything was verified");
        return Ok(ExitCode::from(STOPPED));
    }
    if others > 0 {
        anstream::eprintln!(
            "left out: {others} of other programs; only who trained a run can run it again"
        );
    }
    let told = tell(args, &subjects)?;
    let lost = lost(&reader)?;
    Ok(if lost { ExitCode::from(DIFFERS) } else { told })
}

/// Says what of the store is not as it was recorded, be it of the runs that were verified or of others.
fn lost(reader: &Reader) -> Result<bool> {
    for experiment in reader.experiments()? {
        reader.runs(&experiment.name)?;
    }
    let all = reader.integrity_issues();
    for damage in &all {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {damage}")));
    }
    Ok(!all.is_empty())
}

/// What is asked for, and how many runs are left out of all of them because they are other programs'.
fn subjects(args: &VerifyArgs, reader: &Reader) -> Result<(Vec<Subject>, usize)> {
    let mut all = Vec::new();
    for experiment in reader.experiments()? {
        all.extend(reader.all_runs(&experiment.name)?.into_iter().filter(RecordedRun::has_result));
    }
    // In the order in which they began: the last one stays.
    let finished = all.iter().filter(|run| run.status == Status::Finished);
    let latest: HashMap<(String, TrialId), RunId> =
        finished.map(|run| ((run.experiment.clone(), run.trial.clone()), run.id.clone())).collect();
    let (mut runs, others): (Vec<_>, Vec<_>) =
        if args.all { all.into_iter().partition(is_ours) } else { Default::default() };
    for id in &args.ids {
        let run = reader.find(id)?;
        if !run.has_result() {
            anyhow::bail!(
                "run {} is {}: only a run with a result can be verified",
                run.id,
                run.status
            );
        }
        if !is_ours(&run) {
            anyhow::bail!(
                "run {} is another program's: only who trained it can run it again",
                run.id
            );
        }
        runs.push(run);
    }
    let subject = |run: RecordedRun| {
        let has_weights = latest.get(&(run.experiment.clone(), run.trial.clone())) == Some(&run.id);
        let (epochs, examples) = (reader.epochs(&run)?, reader.error_analysis(&run)?);
        Ok(Subject {
            epochs,
            examples,
            by: reader.invocation(&run)?,
            has_weights,
            run,
            verdict: None,
        })
    };
    Ok((runs.into_iter().map(subject).collect::<Result<_>>()?, others.len()))
}

/// Whether this program trained it; others have engines of their own.
fn is_ours(run: &RecordedRun) -> bool {
    EngineKind::from_name(&run.engine).is_some()
}

/// The very data that the runs used, or why they cannot be run on them.
fn dataset(args: &VerifyArgs, needs: &Needs) -> Result<Arc<Dataset>, String> {
    let dataset = datasets::recorded(&args.places, &needs.dataset, needs.path.as_deref())
        .map_err(|error| format!("its dataset cannot be had: {error:#}"))?;
    if dataset.sha256 == needs.sha256 {
        return Ok(Arc::new(dataset));
    }
    Err(format!(
        "the dataset '{}' has changed: it was {} and is {}; nothing was run on it",
        needs.dataset, needs.sha256, dataset.sha256
    ))
}

fn run_again(
    args: &VerifyArgs,
    subjects: &mut [Subject],
    members: &[usize],
    needs: &Needs,
    dataset: &Arc<Dataset>,
    stop: &Stop,
) -> Result<()> {
    let engine = EngineKind::from_name(&needs.engine);
    let device = needs.device.parse::<DeviceChoice>().ok().and_then(|device| device.open().ok());
    let (Some(engine), Some(device)) = (engine, device) else {
        for index in members {
            let reason = format!(
                "it cannot be run here with the {} engine on {}",
                needs.engine, needs.device
            );
            subjects[*index].verdict = Some(vec![reason]);
        }
        return Ok(());
    };
    let mut trials: Vec<Trial> = Vec::new();
    let mut waiting: HashMap<TrialId, Vec<usize>> = HashMap::new();
    for index in members {
        match Trial::recorded(&subjects[*index].run) {
            Ok(trial) => {
                let same = waiting.entry(trial.id.clone()).or_default();
                if same.is_empty() {
                    trials.push(trial);
                }
                same.push(*index);
            }
            Err(reason) => subjects[*index].verdict = Some(vec![reason]),
        }
    }
    let plan = Plan { trials, varying: Vec::new(), examples: dataset.train.len() };
    let all: Vec<&Trial> = plan.trials.iter().collect();
    let courses = courses(&plan, &all);
    let progress = Progress::new(&plan, &courses, true);
    let trainer = Trainer::new(Arc::clone(dataset), EngineData::new(engine, dataset, &device)?);
    let results = &args.places.results;
    let mut comparing = Comparing { subjects, waiting, results };
    let shared = Shared { executor: &trainer, keep: &|_, _| Ok(()), progress: &progress, stop };
    sweep(courses, jobs(args.jobs), shared, Duration::ZERO, &mut comparing)
}

/// Compares instead of recording.
struct Comparing<'s> {
    subjects: &'s mut [Subject],
    /// The runs of each trial.
    waiting: HashMap<TrialId, Vec<usize>>,
    results: &'s std::path::Path,
}

impl<'a> Record<'a> for Comparing<'_> {
    fn record(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        for event in events {
            match event {
                Event::Claim { course, reply } => {
                    let runs =
                        course.trials.iter().map(|_| RunId::random()).collect::<Result<_, _>>()?;
                    // A thread that does not wait for its answer is gone.
                    let _ = reply.send(Claimed { taken: Some((course, runs, None)), busy: None });
                }
                Event::Epochs { .. } => {}
                Event::Ended(done) => {
                    for index in self.waiting.remove(&done.trial.id).unwrap_or_default() {
                        let subject = &mut self.subjects[index];
                        subject.verdict = match &done.result {
                            Ok(Execution { outcome: Outcome::Stopped, .. }) => None,
                            Ok(execution) => Some(differences(subject, execution, self.results)?),
                            Err(error) => Some(vec![format!("it could not be run again: {error}")]),
                        };
                    }
                }
            }
        }
        Ok(())
    }
}

/// What differs: of epochs and of final metrics the first, and the weights.
fn differences(
    subject: &Subject,
    execution: &Execution,
    results_folder: &std::path::Path,
) -> Result<Vec<String>> {
    let run = &subject.run;
    let mut found = Vec::new();
    let epochs: Vec<EpochMetrics> = execution.epochs.iter().map(epoch_metrics).collect();
    found.extend(first_epoch(&subject.epochs, &epochs));
    let (status, error) = status(&Ok::<_, String>(execution));
    if (status, &error) != (run.status, &run.error) {
        let how = |status: Status, error: &Option<String>| match error {
            Some(error) => format!("{status} ({error})"),
            None => status.to_string(),
        };
        found.push(format!(
            "it was {} and is {}",
            how(run.status, &run.error),
            how(status, &error)
        ));
    }
    let computed = results(execution);
    let names = computed
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(run.results.iter().map(|(name, _)| &**name));
    for name in names.filter(|name| *name != "seconds") {
        let now = computed.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        if run.result(name).map(f64::to_bits)
            != now.filter(|value| value.is_finite()).map(f64::to_bits)
        {
            found.push(format!(
                "{name}: {} was recorded, {} is computed",
                shown(run.result(name)),
                shown(now)
            ));
            break;
        }
    }
    if let Some(weights) = execution.weights.as_ref().filter(|_| subject.has_weights) {
        let path = model_path(results_folder, &run.experiment, &run.trial);
        match std::fs::read(&path) {
            Ok(bytes) if bytes == weights.to_safetensors()? => {}
            Ok(_) => found.push(format!("the weights in {} are others", path.display())),
            Err(error) => {
                found.push(format!("the weights in {} cannot be read: {error}", path.display()))
            }
        }
    }
    if let (Some(was), Some(is)) = (&subject.examples, &execution.examples)
        && without_pictures(was) != without_pictures(is)
    {
        found.push("the confusion matrix or the mistakes are others".to_owned());
    }
    if found.is_empty() && !run.is_intact() {
        found.push(
            "its record was changed after it was recorded: it does not fit its checksum".to_owned(),
        );
    }
    Ok(found)
}

/// The pictures are of the data, which are the same; how they are packed is not what was measured.
fn without_pictures(examples: &ErrorAnalysis) -> ErrorAnalysis {
    let mut examples = examples.clone();
    examples.mistakes.iter_mut().for_each(|mistake| mistake.picture.clear());
    examples
}

/// The first epoch and metric that differ.
fn first_epoch<'a>(recorded: &'a [EpochMetrics], computed: &'a [EpochMetrics]) -> Option<String> {
    let value = |epoch: Option<&EpochMetrics>, name: &str| {
        let metrics = epoch.map_or(&[][..], |epoch| &epoch.metrics);
        metrics
            .iter()
            .find(|(key, value)| key == name && value.is_finite())
            .map(|(_, value)| *value)
    };
    let last = recorded.iter().chain(computed).map(|epoch| epoch.epoch).max().unwrap_or(0);
    let at = |epochs: &'a [EpochMetrics], number| epochs.iter().find(|epoch| epoch.epoch == number);
    (1..=last).find_map(|number| {
        let (was, is) = (at(recorded, number), at(computed, number));
        let names =
            [is, was].into_iter().flatten().flat_map(|epoch| &epoch.metrics).map(|(name, _)| name);
        let differs = |name: &&String| {
            value(was, name).map(f64::to_bits) != value(is, name).map(f64::to_bits)
        };
        // Earlier versions did not measure the test set after every epoch.
        let is_new = |name: &str| name.starts_with("test_") && value(was, name).is_none();
        let name =
            names.into_iter().filter(|name| *name != "seconds" && !is_new(name)).find(differs)?;
        Some(format!(
            "epoch {number}, {name}: {} was recorded, {} is computed",
            shown(value(was, name)),
            shown(value(is, name))
        ))
    })
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}

fn tell(args: &VerifyArgs, subjects: &[Subject]) -> Result<ExitCode> {
    let mut out = output();
    let here = provenance::invocation(1, "", String::new(), None);
    let mut identical = 0;
    for Subject { run, by, verdict, .. } in subjects {
        let name = format!(
            "run {} of trial {} ({})",
            run.id,
            run.trial,
            tracking::printable(&run.experiment)
        );
        match verdict.as_deref() {
            Some([]) => {
                identical += 1;
                if !args.quiet {
                    writeln!(out, "identical  {name}")?;
                }
            }
            found => {
                writeln!(out, "DIFFERS    {name}")?;
                for what in found.unwrap_or(&["it was not run again".to_owned()]) {
                    writeln!(out, "             {}", tracking::printable(what))?;
                }
                let dataset = format!("{} {}", run.dataset, run.dataset_sha256);
                for (who, by) in [("recorded by", by), ("here", &here)] {
                    let line = format!("{who}: {} · {dataset}", program(by, run));
                    writeln!(out, "             {}", tracking::printable(&line))?;
                }
            }
        }
    }
    let count = subjects.len();
    writeln!(out, "{identical} of {count} runs are identical")?;
    Ok(if identical == count { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn program(by: &Invocation, run: &RecordedRun) -> String {
    let commit = by.git_commit.as_deref().unwrap_or("unknown");
    let dirty = if by.git_dirty == Some(true) { " with changes" } else { "" };
    let candle = by.candle_version.as_deref().unwrap_or("unknown");
    format!(
        "version {}, commit {commit}{dirty}, candle {candle}, {}, engine {}",
        by.program_version, by.instruction_set, run.engine
    )
}
