//! The `[program]` section: a command in the place of the built-in model.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use crate::experiment::command_template::{CommandTemplate, PARAMS};
use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Entries, Key, Node, Value};
use crate::experiment::section::{Section, table, text, wrong_type};

/// Variables that the runner sets for a program.
pub const SLOT: &str = "SWEEP_SLOT";
pub const CHECKPOINT_DIR: &str = "SWEEP_CHECKPOINT_DIR";

/// The `[program]` section.
#[derive(Debug, Clone)]
pub struct ProgramSection {
    pub command: CommandTemplate,
    /// The folder that the command runs in, and `files` start at.
    pub directory: PathBuf,
    /// The same as the file writes it.
    pub written_directory: String,
    /// The files that the program consists of.
    pub files: Vec<NamedFile>,
    /// The number of programs at a time.
    pub jobs: u32,
    pub timeout: Option<Duration>,
    /// Variables, sorted by name.
    pub env: Vec<(String, String)>,
    /// The lines of standard output that are metrics.
    pub pattern: Option<Regex>,
    /// Where the file has the section.
    pub span: SourceSpan,
    /// Numbers and booleans of hyperparameters as the file writes them, by name and value.
    written: HashMap<(String, String), String>,
}

/// A file of a program.
#[derive(Debug, Clone)]
pub struct NamedFile {
    /// The path as the experiment file writes it.
    pub name: String,
    pub path: PathBuf,
}

impl ProgramSection {
    /// Reads the section. A relative directory starts at `folder`, the folder of the experiment
    /// file. The hyperparameters are the keys of `train` and `swept`.
    pub fn read(
        node: &Node,
        folder: &Path,
        train: &Entries,
        swept: &Entries,
    ) -> Result<Self, Diagnostic> {
        const KEYS: [&str; 7] =
            ["command", "files", "directory", "jobs", "timeout", "env", "output"];
        let section = Section::new("[program]", node, &KEYS)?;
        let hyperparameters = || train.iter().chain(swept).map(|(key, _)| key);
        let known: Vec<&str> = hyperparameters().map(|key| key.name.as_str()).collect();
        hyperparameters().try_for_each(check_name)?;
        let command = section.required("command", "command = [\"python\", \"train.py\"]")?;
        let command = CommandTemplate::read(command, &known)?;
        let used: Vec<&str> = command.placeholders().collect();
        let is_unused = |name: &str| !used.contains(&name) && !used.contains(&PARAMS);
        if let Some(key) = hyperparameters().find(|key| is_unused(&key.name)) {
            let message = format!("the command does not use the hyperparameter '{}'", key.name);
            let label = format!("expected {{{}}} or {{{PARAMS}}} in the command", key.name);
            return Err(Diagnostic::new(message, &key.span, label));
        }
        let directory = section.get("directory").map(|node| text("directory", node)).transpose()?;
        let written_directory = directory.unwrap_or(".").to_owned();
        let path: PathBuf = folder.join(&written_directory).components().collect();
        if let (Some(node), false) = (section.get("directory"), path.is_dir()) {
            let label = format!("expected a folder: {} is none", path.display());
            return Err(Diagnostic::new("the directory does not exist", &node.span, label));
        }
        // An empty path is no folder for a process.
        let directory = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        let mut written = HashMap::new();
        for (key, node) in train.iter().chain(swept) {
            collect_written(&key.name, node, &mut written);
        }
        Ok(Self {
            files: section.get("files").map_or(Ok(Vec::new()), |node| files(node, &directory))?,
            jobs: section.get("jobs").map_or(Ok(1), jobs)?,
            timeout: section.get("timeout").map(timeout).transpose()?,
            env: section.get("env").map_or(Ok(Vec::new()), env)?,
            pattern: section.get("output").map_or(Ok(None), pattern)?,
            span: node.span.clone(),
            command,
            directory,
            written_directory,
            written,
        })
    }

    /// The program in a few words: those before the first placeholder and its option.
    pub fn title(&self) -> String {
        let words = self.command.words.iter();
        let words = words.take_while(|word| !word.contains('{') && !word.starts_with('-'));
        let title = tracking::shell::command(&words.cloned().collect::<Vec<_>>());
        if title.is_empty() { "program".to_owned() } else { title }
    }

    /// The files in the command whose changes would not be noticed.
    pub fn unlisted_files(&self) -> Vec<&str> {
        let words = self.command.words.iter().map(String::as_str);
        let is_listed =
            |word: &str| self.files.iter().any(|file| file.path == self.directory.join(word));
        // The first word is often a program of the system.
        let is_script = |(index, word): &(usize, &str)| *index > 0 || word.contains('/');
        words
            .enumerate()
            .filter(is_script)
            .map(|(_, word)| word)
            .filter(|word| !is_listed(word) && self.directory.join(word).is_file())
            .collect()
    }

    /// A number or boolean as the file writes it, if the file writes it: a range does not.
    pub fn written(&self, name: &str, value: &tracking::Value) -> Option<&str> {
        self.written.get(&(name.to_owned(), value.to_string())).map(String::as_str)
    }
}

/// A value as JSON. The record stores booleans as texts; the text of the file distinguishes them.
pub fn json_value(value: &tracking::Value, written: Option<&str>) -> serde_json::Value {
    match (value, written) {
        (tracking::Value::Integer(integer), _) => (*integer).into(),
        (tracking::Value::Real(real), _) => (*real).into(),
        (tracking::Value::Text(_), Some("true")) => true.into(),
        (tracking::Value::Text(_), Some("false")) => false.into(),
        (tracking::Value::Text(text), _) => text.as_str().into(),
    }
}

/// Rejects names of hyperparameters that the command, a condition or the record cannot have.
fn check_name(key: &Key) -> Result<(), Diagnostic> {
    const OF_RUNS: [&str; 5] = ["status", "trial", "run", "started_at", "ended_at"];
    let label = match key.name.as_str() {
        PARAMS => format!("expected another name: {{{PARAMS}}} is the file of all of them"),
        name if OF_RUNS.contains(&name) => {
            "expected another name: conditions such as --where use it for the run".to_owned()
        }
        name => match tracking::check_name("hyperparameter", name) {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        },
    };
    let message = format!("'{}' cannot be a hyperparameter", key.name);
    Err(Diagnostic::new(message, &key.span, label))
}

/// Collects the numbers and booleans in the value of a hyperparameter.
fn collect_written(name: &str, node: &Node, written: &mut HashMap<(String, String), String>) {
    let value = match &node.value {
        Value::Array(items) => {
            return items.iter().for_each(|item| collect_written(name, item, written));
        }
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => tracking::Value::Real(*float).to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Text(_) | Value::Datetime | Value::Table(_) => return,
    };
    if let Some(text) = node.span.source.text.get(node.span.range.clone()) {
        written.insert((name.to_owned(), value), text.replace('_', ""));
    }
}

fn files(node: &Node, directory: &Path) -> Result<Vec<NamedFile>, Diagnostic> {
    let Value::Array(items) = &node.value else {
        return Err(wrong_type("files", node, "a list of paths, such as [\"train.py\"]"));
    };
    let mut files: Vec<NamedFile> = Vec::with_capacity(items.len());
    for item in items {
        let name = text("files", item)?;
        let wrong = |message: &str, label: String| Err(Diagnostic::new(message, &item.span, label));
        if files.iter().any(|file| file.name == name) {
            return wrong("duplicate value in 'files'", "expected each file once".to_owned());
        }
        let path = directory.join(name);
        match std::fs::metadata(&path) {
            Ok(file) if file.is_file() => {}
            Ok(_) => return wrong("not a file", "expected a file, found a folder".to_owned()),
            Err(error) => {
                let label = format!("cannot read {}: {error}", path.display());
                return wrong("a file of the program is missing", label);
            }
        }
        files.push(NamedFile { name: name.to_owned(), path });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn jobs(node: &Node) -> Result<u32, Diagnostic> {
    match node.value {
        Value::Integer(jobs @ 1..) => u32::try_from(jobs).ok(),
        _ => None,
    }
    .ok_or_else(|| {
        Diagnostic::new("invalid value of 'jobs'", &node.span, "expected a whole number from 1")
    })
}

fn timeout(node: &Node) -> Result<Duration, Diagnostic> {
    let Value::Text(text) = &node.value else {
        return Err(wrong_type("timeout", node, "a string such as \"30m\""));
    };
    let parsed = humantime::parse_duration(text).ok();
    parsed.filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
        let label = "expected a time above 0 such as \"30m\", \"90s\" or \"2h 15m\"";
        Diagnostic::new("invalid value of 'timeout'", &node.span, label)
    })
}

fn env(node: &Node) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut variables = Vec::new();
    for (key, node) in table("env", node)? {
        let value = text(&key.name, node)?;
        let label = match key.name.as_str() {
            SLOT | CHECKPOINT_DIR => "the runner sets this variable",
            name if name.is_empty() || name.contains(['=', '\0']) => "expected a name without '='",
            _ if value.contains('\0') => "expected a value without the character NUL",
            _ => {
                variables.push((key.name.clone(), value.to_owned()));
                continue;
            }
        };
        return Err(Diagnostic::new("invalid variable in 'env'", &key.span, label));
    }
    variables.sort();
    Ok(variables)
}

fn pattern(node: &Node) -> Result<Option<Regex>, Diagnostic> {
    let section = Section::new("[program.output]", node, &["pattern"])?;
    let Some(node) = section.get("pattern") else { return Ok(None) };
    let wrong = |label: String| Diagnostic::new("invalid value of 'pattern'", &node.span, label);
    let pattern = Regex::new(text("pattern", node)?).map_err(|error| {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default().trim();
        wrong(reason.trim_start_matches("error: ").to_owned())
    })?;
    if pattern.capture_names().flatten().any(|name| !matches!(name, "epoch" | "step")) {
        return Ok(Some(pattern));
    }
    let example = "(?<val_accuracy>[0-9.]+)";
    Err(wrong(format!("expected a group with the name of a metric, such as {example}")))
}
