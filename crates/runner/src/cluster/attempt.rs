//! Attempts of `--shard auto`: a scheduler names the shard, and each attempt has its own store.
//!
//! An attempt writes `shards/<experiment>/<I>-of-<N>/<attempt>/tracking.db` in the results folder
//! and only reads the stores of other attempts, so that no lock of a network filesystem must work.
//! Two simultaneous attempts at one shard do no harm: they compute the same bits, which the merge
//! combines.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use tracking::{DATABASE, Reader, Shard, TrialId};

use crate::experiment::shard;

/// The folder of all attempts in a results folder.
const SHARDS: &str = "shards";

/// One attempt at a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub shard: Shard,
    /// Unique among the attempts at the shard.
    pub name: String,
}

impl Attempt {
    /// The attempt that the environment of this process names: a task of a Slurm array, of a
    /// Kubernetes Indexed Job, or of GNU parallel. `count` is the number of shards, if given.
    ///
    /// # Errors
    /// If the environment names no shard of the plan.
    pub fn from_environment(count: Option<u32>) -> Result<Self> {
        let host = tracking::Process::current().host.clone();
        let millis = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let unique = format!("{}-{}-{millis}", file_name(&host), std::process::id());
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::from_variables(count, &variable, &unique)
    }

    fn from_variables(
        count: Option<u32>,
        variable: &dyn Fn(&str) -> Option<String>,
        unique: &str,
    ) -> Result<Self> {
        let number = |name: &str| -> Result<Option<u32>> {
            let Some(text) = variable(name) else { return Ok(None) };
            let number = text.parse();
            let number =
                number.with_context(|| format!("{name} is '{text}', expected a whole number"))?;
            Ok(Some(number))
        };
        if let Some(task) = number("SLURM_ARRAY_TASK_ID")? {
            let job = variable("SLURM_ARRAY_JOB_ID")
                .map_or_else(|| "unknown".to_owned(), |job| file_name(&job));
            let restarts = number("SLURM_RESTART_COUNT")?.unwrap_or(0);
            let shard = match count {
                Some(count) => checked_shard(task, count, "SLURM_ARRAY_TASK_ID")?,
                None => shard_of_array(task, &number)?,
            };
            return Ok(Self { shard, name: format!("slurm-{job}-{restarts}") });
        }
        for (name, first) in [("JOB_COMPLETION_INDEX", 0), ("PARALLEL_SEQ", 1)] {
            let Some(index) = number(name)? else { continue };
            let Some(count) = count else {
                bail!("{name} names a shard, but not the number of shards: use --shard auto/N");
            };
            let Some(index) = index.checked_sub(first) else {
                bail!("{name} is {index}, expected a number from {first}")
            };
            return Ok(Self { shard: checked_shard(index, count, name)?, name: unique.to_owned() });
        }
        bail!(
            "--shard auto needs SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or PARALLEL_SEQ, and \
             none of these is set: name the shard, as in --shard 0/8"
        )
    }

    /// The results folder of this attempt in the shared results folder.
    pub fn folder(&self, results: &Path, experiment: &str) -> PathBuf {
        let Shard { index, count } = self.shard;
        folder(results, experiment).join(format!("{index}-of-{count}")).join(&self.name)
    }
}

/// The folder of an experiment's attempts.
pub fn folder(results: &Path, experiment: &str) -> PathBuf {
    results.join(SHARDS).join(experiment)
}

/// The shard of task `task` in an array whose tasks, from 0 or 1 without gaps, are all shards.
fn shard_of_array(task: u32, number: &dyn Fn(&str) -> Result<Option<u32>>) -> Result<Shard> {
    let required = |name: &str| {
        number(name)?.with_context(|| format!("{name} is not set: use --shard auto/N"))
    };
    let count = required("SLURM_ARRAY_TASK_COUNT")?;
    let (min, max) = (required("SLURM_ARRAY_TASK_MIN")?, required("SLURM_ARRAY_TASK_MAX")?);
    let has_no_gaps = max.checked_sub(min).and_then(|span| span.checked_add(1)) == Some(count);
    if min > 1 || !has_no_gaps {
        bail!(
            "the array has {count} tasks from {min} to {max}, which are not all shards of a plan: \
             submit --array=0-{}, or give the number of shards, as in --shard auto/{}",
            count.saturating_sub(1),
            max.saturating_add(1)
        );
    }
    checked_shard(task.saturating_sub(min), count, "SLURM_ARRAY_TASK_ID")
}

fn checked_shard(index: u32, count: u32, name: &str) -> Result<Shard> {
    if index >= count {
        bail!("{name} names shard {index} (counted from 0), expected 0 to {}", count - 1);
    }
    Ok(Shard { index, count })
}

/// Replaces the characters that do not belong in a file name.
fn file_name(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.chars().map(|c| if fits(c) { c } else { '_' }).take(64).collect()
}

/// The folder of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFolder {
    pub shard: Shard,
    /// Its results folder.
    pub path: PathBuf,
}

/// All attempts at shards of `experiment`, in the order of their names.
///
/// # Errors
/// If the folder exists and cannot be read.
pub fn find(results: &Path, experiment: &str) -> Result<Vec<AttemptFolder>> {
    let mut attempts = Vec::new();
    for part in subfolders(&folder(results, experiment))? {
        let name = part.file_name().and_then(|name| name.to_str());
        let name = name.map(|name| name.replacen("-of-", "/", 1));
        let Some(shard) = name.and_then(|name| shard::parse(&name).ok()) else { continue };
        let with_store = subfolders(&part)?.into_iter();
        let with_store = with_store.filter(|attempt| attempt.join(DATABASE).is_file());
        attempts.extend(with_store.map(|path| AttemptFolder { shard, path }));
    }
    Ok(attempts)
}

/// The folders in a folder, sorted by name; none if it does not exist.
///
/// # Errors
/// If the folder exists and cannot be read.
pub fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read the folder {}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(cannot_read),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(cannot_read)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Trials of `experiment` that have a result in the shared results folder or in an attempt.
///
/// If the plan has equally many shards in an attempt, only `shard` itself has the same trials, so
/// attempts at the other shards are skipped. A store that cannot be read, for example while it is
/// written, counts as empty: at worst a trial runs twice and gives the same bits.
///
/// # Errors
/// If the folder of attempts cannot be read.
pub fn done_trials(
    results: &Path,
    experiment: &str,
    shard: Option<Shard>,
) -> Result<HashSet<TrialId>> {
    let may_share_trials = |attempt: &AttemptFolder| {
        shard.is_none_or(|own| attempt.shard == own || attempt.shard.count != own.count)
    };
    let attempts = find(results, experiment)?.into_iter().filter(may_share_trials);
    let folders = attempts.map(|attempt| attempt.path).chain([results.to_owned()]);
    let done = |folder: PathBuf| {
        Reader::open(&folder).and_then(|reader| reader.completed_trials(experiment)).ok()
    };
    Ok(folders.filter_map(done).flatten().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attempt_at(count: Option<u32>, variables: &[(&str, &str)]) -> Result<Attempt, String> {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Attempt::from_variables(count, &variable, "host-1-2").map_err(|error| format!("{error:#}"))
    }

    fn array<'a>(
        id: &'a str,
        min: &'a str,
        max: &'a str,
        count: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        vec![
            ("SLURM_ARRAY_JOB_ID", "71"),
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    }

    #[test]
    fn environment_names_shard_and_attempt() {
        let attempt = |index, count, name: &str| {
            Ok(Attempt { shard: Shard { index, count }, name: name.to_owned() })
        };
        assert_eq!(attempt_at(None, &array("3", "0", "7", "8")), attempt(3, 8, "slurm-71-0"));
        assert_eq!(attempt_at(None, &array("8", "1", "8", "8")), attempt(7, 8, "slurm-71-0"));
        let requeued = [array("3", "0", "7", "8"), vec![("SLURM_RESTART_COUNT", "2")]].concat();
        assert_eq!(attempt_at(None, &requeued), attempt(3, 8, "slurm-71-2"));
        assert_eq!(attempt_at(Some(8), &array("3", "3", "3", "1")), attempt(3, 8, "slurm-71-0"));
        assert_eq!(
            attempt_at(Some(4), &[("JOB_COMPLETION_INDEX", "0")]),
            attempt(0, 4, "host-1-2")
        );
        assert_eq!(attempt_at(Some(4), &[("PARALLEL_SEQ", "4")]), attempt(3, 4, "host-1-2"));
    }

    #[test]
    fn invalid_environment_is_rejected() {
        let rejected = |count, variables: &[(&str, &str)], words: &str| {
            let error = attempt_at(count, variables).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        rejected(None, &array("3", "3", "3", "1"), "not all shards of a plan");
        rejected(None, &array("4", "0", "6", "4"), "not all shards of a plan");
        rejected(None, &array("2", "2", "9", "8"), "--shard auto/10");
        rejected(None, &[("SLURM_ARRAY_TASK_ID", "1")], "SLURM_ARRAY_TASK_COUNT is not set");
        rejected(
            Some(3),
            &array("3", "0", "7", "8"),
            "names shard 3 (counted from 0), expected 0 to 2",
        );
        rejected(None, &[("JOB_COMPLETION_INDEX", "0")], "use --shard auto/N");
        rejected(Some(2), &[("PARALLEL_SEQ", "0")], "expected a number from 1");
        rejected(
            Some(2),
            &[("PARALLEL_SEQ", "3")],
            "names shard 2 (counted from 0), expected 0 to 1",
        );
        rejected(Some(2), &[("JOB_COMPLETION_INDEX", "x")], "JOB_COMPLETION_INDEX is 'x'");
        rejected(None, &[], "none of these is set");
    }
}
