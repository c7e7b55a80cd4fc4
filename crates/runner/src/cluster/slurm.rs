//! Slurm: an experiment as a job array of shards, and a job that merges them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tracking::{Shard, shell};

use crate::cli::SubmitArgs;
use crate::cluster::plan_status::PlanStatus;
use crate::experiment::spec::Trained;

/// Slurm's default limit of tasks in an array.
pub const MAX_TASKS: u32 = 1000;

/// A batch job: options of `sbatch` and the script.
pub struct Job {
    options: Vec<String>,
    script: String,
}

impl Job {
    /// The job array that runs the missing trials of a plan with `shards` shards: one task per shard
    /// that is not complete.
    pub fn array(
        args: &SubmitArgs,
        status: &PlanStatus,
        shards: u32,
        results: &Path,
        logs: &Path,
    ) -> Result<Self> {
        let incomplete = |index: &u32| status.is_incomplete(Shard { index: *index, count: shards });
        let indices: Vec<u32> = (0..shards).filter(incomplete).collect();
        let limit = args.concurrent.map_or_else(String::new, |most| format!("%{most}"));
        let mut options = vec![
            "--parsable".to_owned(),
            format!("--array={}{limit}", ranges(&indices)),
            format!("--job-name={}", status.spec.name),
            format!("--output={}/%A_%a.log", escaped(logs)),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
        ];
        options.extend(args.options.iter().cloned());
        let mut words = this_program("run")?;
        words.extend([
            absolute(&args.experiment)?,
            "--shard".to_owned(),
            format!("auto/{shards}"),
            "--results".to_owned(),
            text(results)?,
            "--quiet".to_owned(),
            "--device".to_owned(),
            args.device.to_string(),
        ]);
        if args.requeue > 0 {
            words.extend(["--requeue".to_owned(), args.requeue.to_string()]);
        }
        words.extend(plan_options(args)?);
        // `exec` replaces the shell, so that the runner receives Slurm's signals.
        let jobs = match &status.spec.trained {
            Trained::BuiltIn(_) => " --jobs \"${SLURM_CPUS_PER_TASK:-1}\"",
            // Only the experiment file knows how many cores a program uses.
            Trained::Program(_) => "",
        };
        let script = format!("#!/bin/sh\nexec {}{jobs}\n", shell::command(&words));
        Ok(Self { options, script })
    }

    /// The job that merges the attempts, after `array` if there is one.
    pub fn merge(
        args: &SubmitArgs,
        name: &str,
        array: Option<&str>,
        results: &Path,
        logs: &Path,
    ) -> Result<Self> {
        let mut options = vec![
            "--parsable".to_owned(),
            format!("--job-name={name}-merge"),
            format!("--output={}/%j_merge.log", escaped(logs)),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
        ];
        options.extend(array.map(|array| format!("--dependency=afterany:{array}")));
        options.extend(args.options.iter().cloned());
        let script = format!("#!/bin/sh\nexec {}\n", merge_command(args, results)?);
        Ok(Self { options, script })
    }

    /// Submits the job and returns its id.
    pub fn submit(&self) -> Result<String> {
        let mut child = Command::new("sbatch")
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(
                "cannot run sbatch: is this a machine of the cluster? --dry-run shows what would \
                 be submitted",
            )?;
        if let Some(mut stdin) = child.stdin.take() {
            // If sbatch does not read the script, it fails below with its own message.
            let _ = stdin.write_all(self.script.as_bytes());
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("sbatch: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        // The output is `id` or `id;cluster`.
        let printed = String::from_utf8_lossy(&output.stdout);
        let id = printed.trim().split(';').next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("sbatch printed no job id: '{id}'");
        }
        Ok(id.to_owned())
    }

    /// The shell command that submits the job.
    pub fn command(&self) -> String {
        format!("sbatch {} <<'end'\n{}end\n", shell::command(&self.options), self.script)
    }
}

/// Escapes Slurm's patterns in the name of a folder.
fn escaped(folder: &Path) -> String {
    folder.display().to_string().replace('%', "%%")
}

/// Indices as Slurm writes them, such as `0-3,7`.
fn ranges(indices: &[u32]) -> String {
    let runs =
        indices.chunk_by(|a, b| a + 1 == *b).filter_map(|run| Some((run.first()?, run.last()?)));
    let text = |(first, last): (&u32, &u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

/// The command that merges the attempts.
pub fn merge_command(args: &SubmitArgs, results: &Path) -> Result<String> {
    let mut words = this_program("merge")?;
    words.extend(["--attempts".to_owned(), absolute(&args.experiment)?]);
    words.extend(["--results".to_owned(), text(results)?]);
    words.extend(plan_options(args)?);
    Ok(shell::command(&words))
}

/// The command that shows the status.
pub fn status_command(args: &SubmitArgs) -> Result<String> {
    let mut words = shell::invocation_of("runner", "status");
    words.push(text(&args.experiment)?);
    words.extend(shell::results_option(&args.paths.results));
    words.extend(plan_options(args)?);
    Ok(shell::command(&words))
}

/// The command that submits the missing trials again, from any folder.
pub fn submit_command(args: &SubmitArgs) -> Result<String> {
    let mut words = this_program("submit")?;
    words.push(absolute(&args.experiment)?);
    words.extend(["--results".to_owned(), absolute(&args.paths.results)?]);
    let numbers = [
        ("--shards", args.shards),
        ("--concurrent", args.concurrent),
        ("--requeue", Some(args.requeue).filter(|count| *count > 0)),
    ];
    for (option, number) in numbers {
        words.extend(number.into_iter().flat_map(|number| [option.to_owned(), number.to_string()]));
    }
    if args.device.to_string() != "cpu" {
        words.extend(["--device".to_owned(), args.device.to_string()]);
    }
    words.extend(plan_options(args)?);
    if !args.options.is_empty() {
        words.push("--".to_owned());
        words.extend(args.options.iter().cloned());
    }
    Ok(shell::command(&words))
}

/// The options by which any command finds the same plan.
fn plan_options(args: &SubmitArgs) -> Result<Vec<String>> {
    let mut words = args.settings.words();
    if let Some(folder) = &args.paths.data_dir {
        words.extend(["--data-dir".to_owned(), absolute(folder)?]);
    }
    words.extend(args.paths.mirrors.iter().flat_map(|url| ["--mirror".to_owned(), url.clone()]));
    words.extend(args.paths.offline.then(|| "--offline".to_owned()));
    Ok(words)
}

/// The words that start a command of this program in a job.
fn this_program(verb: &str) -> Result<Vec<String>> {
    let path = std::env::current_exe().context("cannot find the path of this program")?;
    let mut words = vec![text(&path)?];
    words.extend(shell::word_of(verb));
    Ok(words)
}

fn absolute(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path);
    text(&absolute.with_context(|| format!("{} has no absolute path", path.display()))?)
}

/// A path as text: a job's script is text.
fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).with_context(|| {
        format!("the path {} is not UTF-8, which the script of a job requires", path.display())
    })
}

/// Asks Slurm to start this task again, at most `limit` times.
pub fn requeue(limit: u32) {
    let variable = |name| std::env::var(name).ok();
    let restarts =
        variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
    let (Some(job), true) = (variable("SLURM_JOB_ID"), restarts < limit) else { return };
    match Command::new("scontrol").args(["requeue", &job]).status() {
        Ok(status) if status.success() => {
            anstream::eprintln!("asked Slurm for another attempt ({} of {limit})", restarts + 1)
        }
        Ok(status) => anstream::eprintln!("warning: scontrol requeue {job}: {status}"),
        Err(error) => anstream::eprintln!("warning: cannot run scontrol: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn indices_are_written_as_slurm_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), "0-3,7,9-10");
        assert_eq!(ranges(&[5]), "5");
    }
}
