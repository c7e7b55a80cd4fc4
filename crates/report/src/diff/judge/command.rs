//! The command that adds replicates to one side, made from the recorded command.

use tracking::{Invocation, Value, shell};

use crate::diff::run_set::RunSet;

/// What to run on one side.
pub struct Command {
    /// The command line. It adds the replicates if it starts the runner; another program is shown
    /// as it was recorded. Empty if the record has none.
    pub line: String,
    pub adds_seeds: bool,
    /// The commit at which to run it.
    pub commit: Option<String>,
    /// The replicates without a finished run.
    pub seeds: Vec<i64>,
}

/// Options of the runner that would run something else than the missing trials.
const DROPPED: [&str; 6] =
    ["--plan", "--dry-run", "--rerun", "--retry-failed", "--race", "--take-over"];
/// Such options with a value.
const DROPPED_WITH_VALUE: [&str; 4] = ["--shard", "--requeue", "--results", "-r"];

/// The command that runs `missing` of the replicates `all` of a side.
pub fn command(set: &RunSet, replicate: &str, all: &[i64], missing: Vec<i64>) -> Command {
    let newest = set.invocations.last();
    let recorded = newest.map_or_else(String::new, |newest| newest.command_line.clone());
    let mut words = shell::words(&recorded);
    let adds_seeds = newest.is_some_and(|newest| is_of_runner(newest, &words));
    let line = match newest {
        Some(newest) if adds_seeds => {
            words = without_options(words);
            words.extend(shell::results_option(&set.folder.path));
            if can_narrow(newest) {
                for (name, value) in &set.fixed {
                    set_sweep(&mut words, name, &format!("[{}]", toml(value)));
                }
            }
            set_sweep(&mut words, replicate, &seed_list(all));
            shell::command(&words)
        }
        _ => recorded,
    };
    Command { line, adds_seeds, commit: set.commit.clone(), seeds: missing }
}

/// Whether the runner made the record, with an experiment file.
fn is_of_runner(invocation: &Invocation, words: &[String]) -> bool {
    invocation.experiment_file.is_some() && words.iter().any(|word| word.ends_with(".toml"))
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
    let prefix = format!("sweep.{name}=");
    let of_equals = format!("--set={prefix}");
    while let Some(index) = words.iter().position(|word| word.starts_with(&prefix)) {
        words.drain(index.saturating_sub(1)..=index);
    }
    words.retain(|word| !word.starts_with(&of_equals));
    words.extend(["--set".to_owned(), prefix + value]);
}

/// Whether the values of one hyperparameter can be set without the others: the file has one sweep,
/// of all combinations.
fn can_narrow(invocation: &Invocation) -> bool {
    let starts = |line: &str| {
        ["[[sweep", "[sweep.zip", "zip", "sample"]
            .iter()
            .any(|start| line.trim_start().starts_with(start))
    };
    !invocation.experiment_file.iter().flat_map(|text| text.lines()).any(starts)
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
        [first, .., last] if last - first == seeds.len() as i64 - 1 => {
            format!("{{from={first},to={last}}}")
        }
        _ => {
            let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
            format!("[{}]", seeds.join(","))
        }
    }
}
