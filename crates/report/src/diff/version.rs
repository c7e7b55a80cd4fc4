//! What distinguishes runs of one experiment: the git commit or the program that made them.

use anyhow::{Result, bail};
use tracking::Reader;

use crate::wording::{count, short_digest};

/// Maximum number of versions of each kind in an error.
const MAX_LISTED: usize = 5;

/// A commit or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The git commit at which the runs were made.
    Commit(String),
    /// The digest of the program that the runs ran.
    Program(String),
}

impl Version {
    /// The digits of the commit or digest.
    pub fn digits(&self) -> &str {
        match self {
            Self::Commit(digits) | Self::Program(digits) => digits,
        }
    }

    /// The commit, unless the version is a program.
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Commit(commit) => Some(commit),
            Self::Program(_) => None,
        }
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        let start = self.digits().get(..prefix.len());
        !prefix.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

/// Finds the version of `experiment` that starts with `prefix`. An exact match takes precedence.
pub fn find_version(reader: &Reader, experiment: &str, prefix: &str) -> Result<Version> {
    let versions = versions(reader, experiment)?;
    let found: Vec<_> = versions.iter().filter(|(version, _)| version.has_prefix(prefix)).collect();
    let exact = || found.iter().find(|(version, _)| version.digits().len() == prefix.len());
    match (found.as_slice(), exact()) {
        ([(only, _)], _) | (_, Some((only, _))) => Ok(only.clone()),
        _ if versions.is_empty() => bail!("no run of '{experiment}' has a known commit or program"),
        ([], _) => {
            let (kinds, all) = list(versions.iter());
            bail!(
                "no {} of '{experiment}' starts with '{prefix}': expected one of {all}",
                kinds.join(" or ")
            )
        }
        (several, _) => {
            let (kinds, several) = list(several.iter().copied());
            bail!(
                "several {}s of '{experiment}' start with '{prefix}': {several}",
                kinds.join("s or ")
            )
        }
    }
}

/// The commits and programs of `experiment`, each with its number of runs and the oldest first.
fn versions(reader: &Reader, experiment: &str) -> Result<Vec<(Version, usize)>> {
    let commits = reader.commits(experiment)?.into_iter();
    let commits = commits.map(|(commit, runs)| (Version::Commit(commit), runs as usize));
    let programs = reader.runs_by_program(experiment)?.into_iter().rev();
    let programs = programs.filter_map(|program| {
        Some((Version::Program(program.program_sha256?), program.runs.len()))
    });
    Ok(commits.chain(programs).collect())
}

/// The kinds of `versions`, and a list of the newest of each kind with their numbers of runs.
fn list<'a>(versions: impl Iterator<Item = &'a (Version, usize)>) -> (Vec<&'static str>, String) {
    let (commits, programs): (Vec<_>, Vec<_>) =
        versions.partition(|(version, _)| matches!(version, Version::Commit(_)));
    let item = |(version, runs): &&(Version, usize)| {
        format!("{} ({})", short_digest(version.digits()), count(*runs, "run"))
    };
    let listed = |versions: &[&(Version, usize)]| {
        let items: Vec<String> = versions.iter().rev().take(MAX_LISTED).map(item).collect();
        let older = versions.len() - items.len();
        items.join(", ") + &if older > 0 { format!(" and {older} older") } else { String::new() }
    };
    match (commits.is_empty(), programs.is_empty()) {
        (_, true) => (vec!["commit"], listed(&commits)),
        (true, _) => (vec!["program"], listed(&programs)),
        _ => {
            let list = format!("commits {}, or programs {}", listed(&commits), listed(&programs));
            (vec!["commit", "program"], list)
        }
    }
}
