//! `runner submit EXPERIMENT.toml`: run an experiment on a cluster.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::EngineKind;
use tracking::Reader;

use crate::cli::SubmitArgs;
use crate::cluster::attempt;
use crate::cluster::plan_status::{PlanStatus, Scope};
use crate::cluster::slurm::{self, Job, MAX_TASKS};
use crate::executor::description::TimeEstimate;
use crate::experiment::file::without_env_values;
use crate::experiment::group::groups;
use crate::output::output;

/// The aim for the time of a task, in seconds: much longer than Slurm needs to start one.
const TASK_SECONDS: f64 = 300.0;

/// Submits the missing trials of an experiment, or shows what would be submitted.
pub fn submit(args: &SubmitArgs) -> Result<ExitCode> {
    reject_secrets(&args.settings.sets())?;
    let status = PlanStatus::read(&args.experiment, &args.settings, &args.paths, Scope::All)?;
    let (name, results) = (&status.spec.name, std::path::absolute(&args.paths.results)?);
    let (subject, counts) = (status.subject(), status.counts());
    if status.is_merged() {
        anstream::eprintln!("{}; nothing to submit", status.completion());
        return Ok(ExitCode::SUCCESS);
    }
    let logs = attempt::folder(&results, name).join("logs");
    let merge = |array: Option<&str>| Job::merge(args, name, array, &results, &logs);
    if counts.done == counts.trials {
        let merge = merge(None)?;
        if args.dry_run {
            return show(&[&merge]);
        }
        let id = merge.submit()?;
        writeln!(output(), "merge {id}: all {} trials of {subject} are done", counts.trials)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shards = args.shards.map_or_else(|| suitable_shards(args, &status), Ok)?;
    if shards > MAX_TASKS {
        anstream::eprintln!(
            "warning: Slurm's default limit is {MAX_TASKS} tasks in an array (MaxArraySize)"
        );
    }
    let array = Job::array(args, &status, shards, &results, &logs)?;
    if args.dry_run {
        return show(&[&array, &merge(Some("<array>"))?]);
    }
    std::fs::create_dir_all(&logs)
        .with_context(|| format!("cannot create the folder {}", logs.display()))?;
    status.save_command(&results, &slurm::submit_command(args)?)?;
    let array_id = array.submit()?;
    let merge_id = merge(Some(&array_id))?.submit().with_context(|| {
        format!(
            "the array {array_id} is submitted, but its merge is not; after the array, run {}",
            slurm::merge_command(args, &results).unwrap_or_default()
        )
    })?;
    let mut out = output();
    let missing = counts.trials - counts.done;
    writeln!(
        out,
        "array {array_id}: {missing} trials of {subject}, one task per incomplete shard of {shards}"
    )?;
    writeln!(out, "merge {merge_id}: after all tasks, whether they succeed or fail")?;
    writeln!(out, "logs:   {}", logs.join(format!("{array_id}_*.log")).display())?;
    writeln!(out, "status: {}", slurm::status_command(args)?)?;
    writeln!(out, "to run missing trials after a failure: {}", slurm::submit_command(args)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Rejects settings that may be secrets: the script of a job and the record of the submission are
/// files.
fn reject_secrets(sets: &[String]) -> Result<()> {
    if sets.iter().any(|set| without_env_values(set) != *set) {
        bail!(
            "--set program.env would store the value in the script of the jobs: set the variable in \
             the environment of the jobs instead"
        );
    }
    Ok(())
}

/// Prints the commands that would submit `jobs`.
fn show(jobs: &[&Job]) -> Result<ExitCode> {
    let mut out = output();
    for job in jobs {
        writeln!(out, "{}", job.command())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A number of shards that take some minutes each on one core; at most one per trial group.
fn suitable_shards(args: &SubmitArgs, status: &PlanStatus) -> Result<u32> {
    let groups = groups(status.trials().into_iter().filter(|trial| !status.is_done(trial)));
    let engine = EngineKind::fastest_on(args.device);
    let runs = Reader::open(&args.paths.results)
        .and_then(|reader| reader.runs(&status.spec.name))
        .unwrap_or_default();
    let most = u32::try_from(groups.len()).unwrap_or(MAX_TASKS);
    let Some(TimeEstimate { time, .. }) = status.description.time(engine, &runs, &groups, 1) else {
        let shards = most.min(MAX_TASKS);
        anstream::eprintln!(
            "no earlier run to estimate the time from: {shards} shards, about one per trial \
             (--shards N to choose another number)"
        );
        return Ok(shards);
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let wanted = (time.as_secs_f64() / TASK_SECONDS).ceil().clamp(1.0, f64::from(MAX_TASKS)) as u32;
    let shards = wanted.min(most);
    let noun = if shards == 1 { "shard" } else { "shards" };
    anstream::eprintln!(
        "{} on one core: {shards} {noun} (--shards N to choose another number)",
        tracking::about(time)
    );
    Ok(shards)
}
