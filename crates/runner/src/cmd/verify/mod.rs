//! `runner verify`: run recorded runs again and compare every metric and the weights.

mod built_in;
mod experiment_file;
mod repetition;
mod subject;

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use tracking::{Invocation, Reader, RecordedRun, RunId, Status, TrialId};

use crate::cli::VerifyArgs;
use crate::cmd::differences::Recorded;
use crate::cmd::merge::lacks_weights;
use crate::output::output;
use crate::sweep::provenance;
use crate::sweep::stop::{STOPPED, Stop};
use experiment_file::ExperimentFile;
use subject::{Subject, is_built_in};

/// Exit code: a run differs.
const DIFFERS: u8 = 1;

/// Verifies the requested runs.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let reader = Reader::open(&args.paths.results)?;
    let files = ExperimentFile::read_all(args)?;
    let (mut subjects, skipped) = subjects(args, &reader, &files)?;
    let stop = Stop::on_signals()?;
    stop.start();
    built_in::repeat(args, &mut subjects, &stop)?;
    for file in &files {
        file.repeat(args, &mut subjects, &stop)?;
    }
    if stop.requested() {
        anstream::eprintln!("stopped; some runs were not verified");
        return Ok(ExitCode::from(STOPPED));
    }
    if skipped > 0 {
        let noun = if skipped == 1 { "run" } else { "runs" };
        anstream::eprintln!(
            "skipped {skipped} {noun} of other programs; name the experiment file to repeat runs of \
             [program]"
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
///
/// A program is started only if the user names its experiment file: a record, which may come from
/// elsewhere, must not start anything.
fn subjects(
    args: &VerifyArgs,
    reader: &Reader,
    files: &[ExperimentFile],
) -> Result<(Vec<Subject>, usize)> {
    let mut all = Vec::new();
    for experiment in reader.experiments()? {
        all.extend(reader.all_runs(&experiment.name)?.into_iter().filter(|run| run.has_result()));
    }
    // Runs are in the order of their start, so the map keeps the last run of each trial.
    let finished = all.iter().filter(|run| run.status == Status::Finished);
    let latest: HashMap<(String, TrialId), RunId> =
        finished.map(|run| ((run.experiment.clone(), run.trial.clone()), run.id.clone())).collect();
    let in_file = |run: &RecordedRun| files.iter().any(|file| file.has(run));
    let ids: Vec<&str> = args.ids().collect();
    if args.all && !ids.is_empty() {
        bail!("--all verifies every run: leave out the ids");
    }
    let mut skipped = 0;
    let runs: Vec<RecordedRun> = if ids.is_empty() {
        all.retain(|run| args.all || in_file(run));
        let (runs, others): (Vec<_>, _) =
            all.into_iter().partition(|run| is_built_in(run) || in_file(run));
        skipped = others.len();
        if runs.is_empty() && !args.all {
            bail!(
                "no recorded run with a result has the code and the hyperparameters of these files: \
                 run them first"
            );
        }
        runs
    } else {
        let find = |id: &&str| verifiable_run(reader, id, &in_file);
        ids.iter().map(find).collect::<Result<_>>()?
    };
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
    Ok((runs.into_iter().map(subject).collect::<Result<_>>()?, skipped))
}

fn verifiable_run(
    reader: &Reader,
    id: &str,
    in_file: &dyn Fn(&RecordedRun) -> bool,
) -> Result<RecordedRun> {
    let run = reader.find(id)?;
    if !run.has_result() {
        bail!("run {} is {}: only a run with a result can be verified", run.id, run.status);
    }
    if is_built_in(&run) || in_file(&run) {
        return Ok(run);
    }
    if run.program_sha256.is_some() {
        bail!(
            "run {} is of a program, which a record cannot start: name its experiment file, with the \
             code that the run had",
            run.id
        );
    }
    bail!(
        "run {} belongs to another program: only the program that trained a run can repeat it",
        run.id
    )
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
        let subject = match &run.program_sha256 {
            Some(program) => format!("program {program}"),
            None => format!("{} {}", run.dataset, run.dataset_sha256),
        };
        for (title, invocation) in [("recorded by", invocation), ("here", &here)] {
            let line = format!("{title}: {} · {subject}", program(invocation, run));
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
