//! `runner submit EXPERIMENT.toml`: an experiment as a job array of shards, and a job that merges them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use model::EngineKind;
use tracking::{Reader, Shard};

use crate::cli::SubmitArgs;
use crate::cluster::attempt;
use crate::cluster::plan_status::{Coverage, quoted};
use crate::executor::built_in::estimate::Estimate;
use crate::experiment::group::{Course, courses};
use crate::experiment::plan::Trial;
use crate::output::output;

/// How long a task had better last, in seconds: to start one takes Slurm a quarter of one.
const TASK: f64 = 300.0;
/// Most tasks of an array, as Slurm has it unless told otherwise.
const MOST: u32 = 1000;

/// A job: options of `sbatch`, and what it runs.
struct Job {
    options: Vec<String>,
    script: String,
}

/// Submits what is missing of an experiment, or shows how.
pub fn submit(args: &SubmitArgs) -> Result<ExitCode> {
    let coverage = Coverage::of(&args.experiment, &args.sets, &args.places)?;
    let (name, results) = (&coverage.spec.name, std::path::absolute(&args.places.results)?);
    let whole = coverage.whole();
    if coverage.is_merged() {
        anstream::eprintln!(
            "all {} trials of {name} have their result; nothing to submit",
            whole.trials
        );
        return Ok(ExitCode::SUCCESS);
    }
    let logs = attempt::folder(&results, name).join("logs");
    if whole.done == whole.trials {
        let merge = merge(args, name, None, &results, &logs)?;
        if args.dry_run {
            return show(&[&merge]);
        }
        let id = sbatch(&merge)?;
        writeln!(output(), "merge {id}: all {} trials of {name} are done", whole.trials)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shards = args.shards.map_or_else(|| suited(args, &coverage), Ok)?;
    let array = array(args, &coverage, shards, &results, &logs)?;
    let merge = |array: &str| merge(args, name, Some(array), &results, &logs);
    if args.dry_run {
        return show(&[&array, &merge("<array>")?]);
    }
    let mut out = output();
    std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
    coverage.submitted(&results, &again(args)?)?;
    let array_id = sbatch(&array)?;
    let merge_id = sbatch(&merge(&array_id)?).with_context(|| {
        format!(
            "the array {array_id} is submitted, but not its merge: after it, {}",
            merge_command(args, &results).unwrap_or_default()
        )
    })?;
    let missing = whole.trials - whole.done;
    writeln!(out, "array {array_id}: {missing} trials of {name}, in tasks of {shards} shards")?;
    writeln!(out, "merge {merge_id}: after all of them, whatever becomes of them")?;
    writeln!(out, "logs:  {}", logs.join(format!("{array_id}_*.log")).display())?;
    writeln!(out, "look:  {}", status_command(args)?)?;
    writeln!(out, "after a loss, this runs what is missing: {}", again(args)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What would be submitted.
fn show(jobs: &[&Job]) -> Result<ExitCode> {
    let mut out = output();
    for job in jobs {
        let words: Vec<String> = job.options.iter().map(|it| quoted(it)).collect();
        writeln!(out, "sbatch {} <<'end'\n{}end\n", words.join(" "), job.script)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// So many shards that each lasts some minutes on one core; no more than there are trainings.
fn suited(args: &SubmitArgs, coverage: &Coverage) -> Result<u32> {
    let plan = &coverage.plan;
    let missing: Vec<&Trial> =
        plan.trials.iter().filter(|trial| !coverage.is_done(trial)).collect();
    let courses: Vec<Course<'_>> = courses(plan, &missing);
    let engine = EngineKind::fastest_on(args.device);
    let runs = Reader::open(&args.places.results)
        .and_then(|reader| reader.runs(&coverage.spec.name))
        .unwrap_or_default();
    let time = Estimate::from_runs(engine, &runs, plan.examples).time(plan, &courses, 1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let wanted = (time.as_secs_f64() / TASK).ceil().clamp(1.0, f64::from(MOST)) as u32;
    let shards = wanted.min(u32::try_from(courses.len()).unwrap_or(MOST));
    let noun = if shards == 1 { "shard" } else { "shards" };
    anstream::eprintln!(
        "{} on one core: {shards} {noun} (--shards N for others)",
        tracking::about(time)
    );
    Ok(shards)
}

/// The array: of `shards` parts of the plan those that miss trials.
fn array(
    args: &SubmitArgs,
    coverage: &Coverage,
    shards: u32,
    results: &Path,
    logs: &Path,
) -> Result<Job> {
    let unfinished: Vec<u32> = (0..shards)
        .filter(|index| coverage.misses(Shard { index: *index, count: shards }))
        .collect();
    if shards > MOST {
        anstream::eprintln!(
            "warning: Slurm takes {MOST} tasks in an array unless its MaxArraySize says otherwise"
        );
    }
    let at_a_time = args.concurrent.map_or_else(String::new, |most| format!("%{most}"));
    let mut options = vec![
        "--parsable".to_owned(),
        format!("--array={}{at_a_time}", ranges(&unfinished)),
        format!("--job-name={}", coverage.spec.name),
        format!("--output={}/%A_%a.log", pattern(logs)),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
    ];
    options.extend(args.options.iter().cloned());
    let mut words = vec![
        program()?,
        absolute(&args.experiment)?,
        "--shard".to_owned(),
        format!("auto/{shards}"),
    ];
    words.extend(["--results".to_owned(), text(results)?, "--quiet".to_owned()]);
    words.extend(["--device".to_owned(), args.device.to_string()]);
    if args.requeue > 0 {
        words.extend(["--requeue".to_owned(), args.requeue.to_string()]);
    }
    words.extend(common(args)?);
    // The runner takes the shell's place, so that Slurm's signals are its own.
    let script =
        format!("#!/bin/sh\nexec {} --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"\n", shell(&words));
    Ok(Job { options, script })
}

/// A folder in which Slurm finds none of its own signs.
fn pattern(folder: &Path) -> String {
    folder.display().to_string().replace('%', "%%")
}

/// `0-3,7`.
fn ranges(indices: &[u32]) -> String {
    let runs =
        indices.chunk_by(|a, b| a + 1 == *b).filter_map(|run| Some((run.first()?, run.last()?)));
    let text = |(first, last): (&u32, &u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

/// The merge, after `array` where there is one.
fn merge(
    args: &SubmitArgs,
    name: &str,
    array: Option<&str>,
    results: &Path,
    logs: &Path,
) -> Result<Job> {
    let mut options = vec![
        "--parsable".to_owned(),
        format!("--job-name={name}-merge"),
        format!("--output={}/%j_merge.log", pattern(logs)),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
    ];
    options.extend(array.map(|array| format!("--dependency=afterany:{array}")));
    options.extend(args.options.iter().cloned());
    Ok(Job { options, script: format!("#!/bin/sh\nexec {}\n", merge_command(args, results)?) })
}

fn merge_command(args: &SubmitArgs, results: &Path) -> Result<String> {
    let mut words =
        vec![program()?, "merge".to_owned(), "--attempts".to_owned(), absolute(&args.experiment)?];
    words.extend(["--results".to_owned(), text(results)?]);
    words.extend(common(args)?);
    Ok(shell(&words))
}

fn status_command(args: &SubmitArgs) -> Result<String> {
    let mut words = vec!["runner".to_owned(), "status".to_owned(), text(&args.experiment)?];
    words.extend(["--results".to_owned(), text(&args.places.results)?]);
    words.extend(common(args)?);
    Ok(shell(&words))
}

/// The command that submits what is missing, wherever it is typed.
fn again(args: &SubmitArgs) -> Result<String> {
    let mut words = vec![program()?, "submit".to_owned(), absolute(&args.experiment)?];
    words.extend(["--results".to_owned(), absolute(&args.places.results)?]);
    let numbers = [
        ("--shards", args.shards),
        ("--concurrent", args.concurrent),
        ("--requeue", Some(args.requeue).filter(|it| *it > 0)),
    ];
    for (option, number) in numbers {
        words.extend(number.into_iter().flat_map(|number| [option.to_owned(), number.to_string()]));
    }
    if args.device.to_string() != "cpu" {
        words.extend(["--device".to_owned(), args.device.to_string()]);
    }
    words.extend(common(args)?);
    if !args.options.is_empty() {
        words.push("--".to_owned());
        words.extend(args.options.iter().cloned());
    }
    Ok(shell(&words))
}

/// What every command needs to find the same plan.
fn common(args: &SubmitArgs) -> Result<Vec<String>> {
    let mut words: Vec<String> =
        args.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]).collect();
    if let Some(folder) = &args.places.data_dir {
        words.extend(["--data-dir".to_owned(), absolute(folder)?]);
    }
    words.extend(
        args.places.mirrors.iter().flat_map(|mirror| ["--mirror".to_owned(), mirror.clone()]),
    );
    words.extend(args.places.offline.then(|| "--offline".to_owned()));
    Ok(words)
}

fn shell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn program() -> Result<String> {
    text(&std::env::current_exe().context("this program does not find itself")?)
}

fn absolute(path: &Path) -> Result<String> {
    text(
        &std::path::absolute(path)
            .with_context(|| format!("no absolute path for {}", path.display()))?,
    )
}

fn text(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .with_context(|| format!("{} is no Unicode, as a job's script must be", path.display()))
}

/// Submits, and gives the id.
fn sbatch(job: &Job) -> Result<String> {
    let mut child = Command::new("sbatch")
        .args(&job.options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("sbatch cannot be run: is this a machine of the cluster? --dry-run shows what would be submitted")?;
    if let Some(mut stdin) = child.stdin.take() {
        // What sbatch does not read it has no use for: it says why below.
        let _ = stdin.write_all(job.script.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("sbatch: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    // `id`, or `id;cluster`.
    let id = String::from_utf8_lossy(&output.stdout)
        .trim()
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    if id.is_empty() || !id.bytes().all(|c| c.is_ascii_digit()) {
        bail!("sbatch gave no job id: '{id}'");
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn tasks_are_named_as_slurm_does() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), "0-3,7,9-10");
        assert_eq!(ranges(&[5]), "5");
    }
}
