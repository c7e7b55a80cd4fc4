//! An operand of `report diff`: a run, an experiment, or an experiment at a commit.

use std::path::Path;

use anyhow::{Result, bail};
use tracking::typed_name::{nearest, unknown};
use tracking::{FindError, Reader, RecordedRun};

use crate::wording::count;

/// Maximum number of commits in an error.
const MAX_LISTED: usize = 5;

/// What to compare.
#[derive(Debug)]
pub enum Operand {
    /// A run, named by its id or by the id of its trial.
    Run(Box<RecordedRun>),
    /// The effective runs of an experiment.
    Experiment(String),
    /// The effective runs of an experiment among those made at a commit.
    Commit(String, String),
}

impl Operand {
    /// Resolves `text`. The name of an experiment takes precedence over an id.
    pub fn parse(reader: &Reader, results: &Path, text: &str) -> Result<Self> {
        let experiments = reader.experiments()?;
        let names: Vec<&str> =
            experiments.iter().map(|experiment| experiment.name.as_str()).collect();
        if names.contains(&text) {
            return Ok(Self::Experiment(text.to_owned()));
        }
        if let Some((experiment, prefix)) = text.split_once('@') {
            if !names.contains(&experiment) {
                bail!("{}", unknown("experiment", experiment, &names));
            }
            let commit = find_commit(reader, experiment, prefix)?;
            return Ok(Self::Commit(experiment.to_owned(), commit));
        }
        match reader.find(text) {
            Ok(run) => Ok(Self::Run(Box::new(run))),
            Err(error @ FindError::NotFound(_)) => {
                bail!(
                    "{error} in {}, and no experiment has that name: {}",
                    results.display(),
                    suggestion(reader, text, &names)?
                )
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Finds the commit of `experiment` that starts with `prefix`. An exact match takes precedence.
fn find_commit(reader: &Reader, experiment: &str, prefix: &str) -> Result<String> {
    let commits = reader.commits(experiment)?;
    let has_prefix = |commit: &str| {
        commit.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let found: Vec<_> =
        commits.iter().filter(|(commit, _)| !prefix.is_empty() && has_prefix(commit)).collect();
    let exact = || found.iter().find(|(commit, _)| commit.len() == prefix.len());
    match (found.as_slice(), exact()) {
        ([(only, _)], _) | (_, Some((only, _))) => Ok(only.clone()),
        _ if commits.is_empty() => bail!("no run of '{experiment}' has a known commit"),
        ([], _) => {
            bail!(
                "no commit of '{experiment}' starts with '{prefix}': expected one of {}",
                list(commits.iter())
            )
        }
        (several, _) => {
            let several = list(several.iter().copied());
            bail!("several commits of '{experiment}' start with '{prefix}': {several}")
        }
    }
}

/// Lists the newest commits and their numbers of runs.
fn list<'a>(commits: impl DoubleEndedIterator<Item = &'a (String, u32)>) -> String {
    let item = |(commit, runs): &(String, u32)| {
        format!("{} ({})", short(commit), count(*runs as usize, "run"))
    };
    let mut items: Vec<String> = commits.rev().map(item).collect();
    let older = items.len().saturating_sub(MAX_LISTED);
    items.truncate(MAX_LISTED);
    items.join(", ") + &if older > 0 { format!(" and {older} older") } else { String::new() }
}

/// Suggests operands similar to `text`, which is none.
fn suggestion(reader: &Reader, text: &str, experiments: &[&str]) -> Result<String> {
    for experiment in experiments {
        if !text.is_empty() && find_commit(reader, experiment, text).is_ok() {
            return Ok(format!("did you mean '{experiment}@{text}'?"));
        }
    }
    let hint = nearest(text, experiments.iter().copied())
        .map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
    Ok(format!(
        "expected an id, an experiment (one of {}), or EXPERIMENT@COMMIT{hint}",
        experiments.join(", ")
    ))
}

/// The first digits of a commit.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
