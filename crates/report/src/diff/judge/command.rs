//! The command that adds replicates to a side, made from the recorded command.

use tracking::{Value, shell};

use crate::diff::run_set::RunSet;
use crate::diff::version::Version;

/// A command that adds replicates to one side, or to both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// `left`, `right` or both.
    pub sides: Vec<&'static str>,
    /// The command line; empty if the record has none.
    pub line: String,
    pub kind: Kind,
    /// The version of the code with which to run it; `None` for the newest.
    pub version: Option<Version>,
    /// The replicates without a finished run.
    pub seeds: Vec<i64>,
}

/// The effect of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It adds the replicates.
    AddsSeeds,
    /// It is the recorded command of another program, or incomplete.
    Recorded,
    /// There is none, because the side is an older version of a program.
    OlderProgram,
}

/// Options of the runner with which the command would run something else than the missing trials.
const DROPPED: [&str; 6] =
    ["--plan", "--dry-run", "--race", "--rerun", "--retry-failed", "--take-over"];
/// Such options with a value.
const DROPPED_WITH_VALUE: [&str; 4] = ["--shard", "--requeue", "--results", "-r"];

impl Command {
    /// The command that runs `missing` of the replicates `all` of a side.
    pub fn new(
        side: &'static str,
        set: &RunSet,
        replicate: &str,
        all: &[i64],
        missing: Vec<i64>,
    ) -> Self {
        let newest = set.invocations.last();
        let recorded = newest.map_or_else(String::new, |newest| newest.command_line.clone());
        let words = shell::words(&recorded);
        let file = newest.and_then(|newest| newest.experiment_file.as_deref()).unwrap_or_default();
        let kind = match &set.version {
            Some(Version::Program(_)) => Kind::OlderProgram,
            _ => kind(file, &words),
        };
        let line = match kind {
            Kind::AddsSeeds => {
                // A trial that has a result of another commit runs again only with --rerun, which
                // must not repeat the replicates of this commit.
                let seeds = if set.version.is_some() { &missing } else { all };
                let mut words = with_seeds(words, file, set, replicate, seeds);
                words.extend(set.version.is_some().then(|| "--rerun".to_owned()));
                shell::command(&words)
            }
            Kind::Recorded => recorded,
            Kind::OlderProgram => String::new(),
        };
        Self { sides: vec![side], line, kind, version: set.version.clone(), seeds: missing }
    }
}

/// The kind of a recorded command. The runner records the text of its experiment file.
fn kind(file: &str, words: &[String]) -> Kind {
    let has_word = |is_wanted: fn(&str) -> bool| words.iter().any(|word| is_wanted(word));
    // The values of environment variables are not recorded.
    let is_incomplete = has_word(|word| word.contains("\"not recorded\""));
    if file.is_empty() || is_incomplete || !has_word(|word| word.ends_with(".toml")) {
        Kind::Recorded
    } else {
        Kind::AddsSeeds
    }
}

/// The words of a recorded command of the runner, changed to run these replicates of the side.
fn with_seeds(
    words: Vec<String>,
    file: &str,
    set: &RunSet,
    replicate: &str,
    seeds: &[i64],
) -> Vec<String> {
    let is_raced = has_line(file, &["[race", "race"]) || words.iter().any(|word| is_race(word));
    let mut words = without_options(words);
    words.extend(shell::results_option(&set.folder.path));
    // A hyperparameter has a list of its own if the file has one sweep, of all combinations.
    if !has_line(file, &["[[sweep", "[sweep.zip", "zip", "sample"]) {
        for (name, value) in &set.fixed {
            set_sweep(&mut words, name, &format!("[{}]", toml(value)));
        }
    }
    set_sweep(&mut words, replicate, &seed_list(seeds));
    // A race chooses its own replicates.
    remove_settings(&mut words, "race.");
    remove_settings(&mut words, "race=");
    if is_raced {
        words.extend(["--set".to_owned(), "race=false".to_owned()]);
    }
    words
}

/// Whether a word of a command asks for a race.
fn is_race(word: &str) -> bool {
    let set = word.strip_prefix("--set=").unwrap_or(word);
    word == "--race" || set.starts_with("race.") || set.starts_with("race=")
}

/// Whether a line of the experiment file starts with one of these tables or keys.
fn has_line(file: &str, starts: &[&str]) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || "_-".contains(c));
    let has_start =
        |line: &str| starts.iter().any(|start| line.strip_prefix(start).is_some_and(is_end));
    file.lines().any(|line| has_start(line.trim_start()))
}

/// The words without [`DROPPED`] and [`DROPPED_WITH_VALUE`].
fn without_options(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let name = match word.split_once('=') {
            Some((name, _)) => name,
            // The folder can follow the short option in one word.
            None if word.starts_with("-r") => "-r",
            None => word.as_str(),
        };
        let has_value = DROPPED_WITH_VALUE.contains(&name);
        if has_value && name == word {
            words.next();
        } else if !has_value && !DROPPED.contains(&name) {
            kept.push(word);
        }
    }
    kept
}

/// Sets a hyperparameter of the sweep, instead of an earlier `--set` of it.
fn set_sweep(words: &mut Vec<String>, name: &str, value: &str) {
    let setting = format!("sweep.{name}=");
    remove_settings(words, &setting);
    words.extend(["--set".to_owned(), setting + value]);
}

/// Removes each `--set` whose text starts with `start`.
fn remove_settings(words: &mut Vec<String>, start: &str) {
    while let Some(index) = words.iter().position(|word| word.starts_with(start)) {
        words.drain(index.saturating_sub(1)..=index);
    }
    words.retain(|word| !word.strip_prefix("--set=").is_some_and(|set| set.starts_with(start)));
}

fn toml(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        number => number.to_string(),
    }
}

/// A range if the integers follow each other, else a list.
fn seed_list(seeds: &[i64]) -> String {
    match seeds {
        [first, .., last] if ranges(seeds).len() == 1 => format!("{{from={first},to={last}}}"),
        _ => {
            let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
            format!("[{}]", seeds.join(","))
        }
    }
}

/// The ranges of consecutive integers in `seeds`, each with its first and last.
pub fn ranges(seeds: &[i64]) -> Vec<(i64, i64)> {
    let follows = |a: &i64, b: &i64| a.checked_add(1) == Some(*b);
    seeds.chunk_by(follows).filter_map(|run| Some((*run.first()?, *run.last()?))).collect()
}
