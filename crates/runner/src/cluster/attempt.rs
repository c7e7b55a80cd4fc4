//! `--shard auto`: a part of the plan that a scheduler hands out, and the store of one attempt at it.
//!
//! Attempts never share a store: each writes `shards/<experiment>/<I>-of-<N>/<attempt>/tracking.db` in the results folder, so that
//! no lock of a network filesystem has to be trusted, and reads what the others have finished. Two attempts at one shard that
//! live at once do no harm: their results are the same bits, and collapse when they are merged.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use tracking::{DATABASE, Reader, Shard, TrialId};

/// Where the attempts of all experiments are, in a results folder.
const SHARDS: &str = "shards";

/// A part of the plan, as a scheduler names it, and which try at it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The part.
    pub shard: Shard,
    /// Unique among the attempts at it.
    pub name: String,
}

impl Attempt {
    /// What this process's environment says: Slurm's array, Kubernetes' Indexed Job, or GNU parallel.
    ///
    /// # Errors
    /// When it says nothing, or names no part of a whole.
    pub fn here(count: Option<u32>) -> Result<Self> {
        let host = tracking::Process::current().host.clone();
        let millis = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let unique = format!("{}-{}-{millis}", plain(&host), std::process::id());
        Self::of(count, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()), &unique)
    }

    fn of(
        count: Option<u32>,
        variable: &dyn Fn(&str) -> Option<String>,
        unique: &str,
    ) -> Result<Self> {
        let number = |name: &str| -> Result<Option<u32>> {
            let Some(text) = variable(name) else { return Ok(None) };
            Ok(Some(
                text.parse()
                    .with_context(|| format!("{name} is '{text}', expected a whole number"))?,
            ))
        };
        if let Some(task) = number("SLURM_ARRAY_TASK_ID")? {
            let job = variable("SLURM_ARRAY_JOB_ID")
                .map_or_else(|| "unknown".to_owned(), |job| plain(&job));
            let restarts = number("SLURM_RESTART_COUNT")?.unwrap_or(0);
            let shard = match count {
                Some(count) => part(task, count, "SLURM_ARRAY_TASK_ID")?,
                None => whole_array(task, &number)?,
            };
            return Ok(Self { shard, name: format!("slurm-{job}-{restarts}") });
        }
        for (name, first) in [("JOB_COMPLETION_INDEX", 0), ("PARALLEL_SEQ", 1)] {
            let Some(index) = number(name)? else { continue };
            let Some(count) = count else {
                bail!("{name} says which part this is, but not of how many: give --shard auto/N");
            };
            let Some(index) = index.checked_sub(first) else {
                bail!("{name} is {index}, expected a number from {first}")
            };
            return Ok(Self { shard: part(index, count, name)?, name: unique.to_owned() });
        }
        bail!(
            "--shard auto takes its part from SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or PARALLEL_SEQ, and none of these is \
             set: name the part, as in --shard 0/8"
        )
    }

    /// The results folder of this attempt, in that of all.
    pub fn folder(&self, results: &Path, experiment: &str) -> PathBuf {
        let Shard { index, count } = self.shard;
        folder(results, experiment).join(format!("{index}-of-{count}")).join(&self.name)
    }
}

/// The folder of an experiment's attempts.
pub fn folder(results: &Path, experiment: &str) -> PathBuf {
    results.join(SHARDS).join(experiment)
}

/// Task `task` of an array that is the whole plan: from 0 or 1, without gaps.
fn whole_array(task: u32, number: &dyn Fn(&str) -> Result<Option<u32>>) -> Result<Shard> {
    let given = |name: &str| {
        number(name)?.with_context(|| format!("{name} is not set: give --shard auto/N"))
    };
    let (count, least) = (given("SLURM_ARRAY_TASK_COUNT")?, given("SLURM_ARRAY_TASK_MIN")?);
    let greatest = given("SLURM_ARRAY_TASK_MAX")?;
    if least > 1 || greatest.checked_sub(least).and_then(|span| span.checked_add(1)) != Some(count)
    {
        bail!(
            "this array has {count} tasks from {least} to {greatest}, which is no whole plan: submit --array=0-{}, or say of how many \
             parts the tasks are, as in --shard auto/{}",
            count.saturating_sub(1),
            greatest.saturating_add(1)
        );
    }
    part(task.saturating_sub(least), count, "SLURM_ARRAY_TASK_ID")
}

fn part(index: u32, count: u32, name: &str) -> Result<Shard> {
    if index >= count {
        bail!("{name} names part {index}, from 0, but there are {count}");
    }
    Ok(Shard { index, count })
}

/// Fit for the name of a folder.
fn plain(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.chars().map(|c| if fits(c) { c } else { '_' }).take(64).collect()
}

/// An attempt that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// At which part.
    pub shard: Shard,
    /// Its results folder.
    pub folder: PathBuf,
}

/// All attempts at parts of `experiment`, in the order of their names.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn found(results: &Path, experiment: &str) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for part in folders(&folder(results, experiment))? {
        let name = part
            .file_name()
            .and_then(|name| name.to_str())
            .map(|name| name.replacen("-of-", "/", 1));
        let Some(shard) = name.and_then(|name| crate::experiment::shard::parse(&name).ok()) else {
            continue;
        };
        let attempts =
            folders(&part)?.into_iter().filter(|attempt| attempt.join(DATABASE).is_file());
        found.extend(attempts.map(|folder| Found { shard, folder }));
    }
    Ok(found)
}

fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot look into {}", of.display());
    let entries = match std::fs::read_dir(of) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(cannot),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(cannot)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Trials of `experiment`, of part `shard`, that have their result anywhere: in the results folder itself, or in an attempt
/// (other parts of the same cut have none of them, and are not asked). One whose store is being written, or cannot be read, has
/// none for now: at the worst a trial is run twice, to the same bits.
///
/// # Errors
/// When the folder of attempts cannot be read.
pub fn done(results: &Path, experiment: &str, shard: Option<Shard>) -> Result<HashSet<TrialId>> {
    let may_have =
        |it: &Found| shard.is_none_or(|mine| it.shard == mine || it.shard.count != mine.count);
    let attempts = found(results, experiment)?.into_iter().filter(may_have).map(|it| it.folder);
    let readable = |folder: PathBuf| {
        Reader::open(&folder).and_then(|reader| reader.completed_trials(experiment)).ok()
    };
    Ok(attempts.chain([results.to_owned()]).filter_map(readable).flatten().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(count: Option<u32>, variables: &[(&str, &str)]) -> Result<Attempt, String> {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Attempt::of(count, &variable, "host-1-2").map_err(|error| format!("{error:#}"))
    }

    fn array<'a>(
        id: &'a str,
        least: &'a str,
        greatest: &'a str,
        count: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        vec![
            ("SLURM_ARRAY_JOB_ID", "71"),
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", least),
            ("SLURM_ARRAY_TASK_MAX", greatest),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    }

    #[test]
    fn a_scheduler_says_which_part_and_which_try() {
        let attempt = |index, count, name: &str| {
            Ok(Attempt { shard: Shard { index, count }, name: name.to_owned() })
        };
        assert_eq!(of(None, &array("3", "0", "7", "8")), attempt(3, 8, "slurm-71-0"));
        assert_eq!(of(None, &array("8", "1", "8", "8")), attempt(7, 8, "slurm-71-0"));
        let requeued = [array("3", "0", "7", "8"), vec![("SLURM_RESTART_COUNT", "2")]].concat();
        assert_eq!(of(None, &requeued), attempt(3, 8, "slurm-71-2"));
        assert_eq!(of(Some(8), &array("3", "3", "3", "1")), attempt(3, 8, "slurm-71-0"));
        assert_eq!(of(Some(4), &[("JOB_COMPLETION_INDEX", "0")]), attempt(0, 4, "host-1-2"));
        assert_eq!(of(Some(4), &[("PARALLEL_SEQ", "4")]), attempt(3, 4, "host-1-2"));
    }

    #[test]
    fn what_is_no_whole_is_refused() {
        let refused = |count, variables: &[(&str, &str)], words: &str| {
            let error = of(count, variables).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(None, &array("3", "3", "3", "1"), "no whole plan");
        refused(None, &array("4", "0", "6", "4"), "no whole plan");
        refused(None, &array("2", "2", "9", "8"), "--shard auto/10");
        refused(None, &[("SLURM_ARRAY_TASK_ID", "1")], "SLURM_ARRAY_TASK_COUNT is not set");
        refused(Some(3), &array("3", "0", "7", "8"), "names part 3, from 0, but there are 3");
        refused(None, &[("JOB_COMPLETION_INDEX", "0")], "give --shard auto/N");
        refused(Some(2), &[("PARALLEL_SEQ", "0")], "expected a number from 1");
        refused(Some(2), &[("PARALLEL_SEQ", "3")], "names part 2, from 0, but there are 2");
        refused(Some(2), &[("JOB_COMPLETION_INDEX", "x")], "JOB_COMPLETION_INDEX is 'x'");
        refused(None, &[], "none of these is set");
    }
}
