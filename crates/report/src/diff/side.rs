//! What a side of `report diff` means: a run, an experiment, or an experiment at a commit.

use std::path::Path;

use anyhow::{Result, bail};
use tracking::{FindError, Reader, RecordedRun};

use crate::suggestion::{nearest, unknown};
use crate::wording::count;

/// How many of several commits an error names.
const SHOWN: usize = 5;

/// One side.
#[derive(Debug)]
pub enum Side {
    /// A run, by its id or that of its trial.
    Run(Box<RecordedRun>),
    /// The runs that count of an experiment.
    Experiment(String),
    /// The runs that count of an experiment, of those made at a commit.
    Commit(String, String),
}

/// The side that `text` names: an experiment goes before an id.
pub fn side(reader: &Reader, results: &Path, text: &str) -> Result<Side> {
    let experiments = reader.experiments()?;
    let known: Vec<&str> = experiments.iter().map(|it| it.name.as_str()).collect();
    if known.contains(&text) {
        return Ok(Side::Experiment(text.to_owned()));
    }
    if let Some((experiment, prefix)) = text.split_once('@') {
        if !known.contains(&experiment) {
            bail!("{}", unknown("experiment", experiment, &known));
        }
        return Ok(Side::Commit(experiment.to_owned(), commit(reader, experiment, prefix)?));
    }
    match reader.find(text) {
        Ok(run) => Ok(Side::Run(Box::new(run))),
        Err(error @ FindError::NotFound(_)) => {
            bail!(
                "{error} in {}, and no experiment has that name: {}",
                results.display(),
                meant(reader, text, &known)?
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// The commit of `experiment` that begins with `prefix`; one that is all of it goes before others.
fn commit(reader: &Reader, experiment: &str, prefix: &str) -> Result<String> {
    let known = reader.commits(experiment)?;
    let begins =
        |commit: &str| commit.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
    let found: Vec<_> =
        known.iter().filter(|(commit, _)| !prefix.is_empty() && begins(commit)).collect();
    let exact = || found.iter().find(|(commit, _)| commit.len() == prefix.len());
    match (found.as_slice(), exact()) {
        ([(only, _)], _) | (_, Some((only, _))) => Ok(only.clone()),
        _ if known.is_empty() => bail!("of no run of '{experiment}' the commit is known"),
        ([], _) => {
            bail!(
                "no commit of '{experiment}' begins with '{prefix}': expected one of {}",
                listed(known.iter())
            )
        }
        (several, _) => {
            let several = listed(several.iter().copied());
            bail!("'{prefix}' is the beginning of several commits of '{experiment}': {several}")
        }
    }
}

/// The newest commits, and how many runs each has.
fn listed<'a>(commits: impl DoubleEndedIterator<Item = &'a (String, u32)>) -> String {
    let one = |(commit, runs): &(String, u32)| {
        format!("{} ({})", short(commit), count(*runs as usize, "run"))
    };
    let mut listed: Vec<String> = commits.rev().map(one).collect();
    let older = listed.len().saturating_sub(SHOWN);
    listed.truncate(SHOWN);
    listed.join(", ") + &if older > 0 { format!(" and {older} older") } else { String::new() }
}

/// What somebody could have meant by `text`, which is no side.
fn meant(reader: &Reader, text: &str, experiments: &[&str]) -> Result<String> {
    for experiment in experiments {
        if !text.is_empty() && commit(reader, experiment, text).is_ok() {
            return Ok(format!("did you mean '{experiment}@{text}'?"));
        }
    }
    let hint = nearest(text, experiments.iter().copied())
        .map_or_else(String::new, |it| format!("; did you mean '{it}'?"));
    Ok(format!(
        "expected an id, an experiment (one of {}), or EXPERIMENT@COMMIT{hint}",
        experiments.join(", ")
    ))
}

/// A commit as people write it.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
