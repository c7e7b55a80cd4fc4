//! Rows and columns of a comparison, chosen once: each format only writes them down.

use tracking::{Status, Value};

use crate::comparison::{Comparison, Group, Summary};

/// A comparison laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// `name · description`.
    pub title: String,
    /// What is the same for every row.
    pub subtitle: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// What to keep in mind.
    pub notes: Vec<String>,
    /// Experiment, dataset and validation, for formats that put several tables into one.
    pub identity: [String; 3],
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub heading: String,
    /// Columns of the greatest number go first where the table is too wide; 0 never goes.
    pub dispensable: u8,
}

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub best: bool,
    pub cells: Vec<Cell>,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A hyperparameter; a run of another program may lack it.
    Key(Option<Value>),
    /// A number of runs.
    Count(usize),
    /// A metric; absent where nothing was measured.
    Metric(Option<Summary>, Unit),
    /// Words.
    Note(String),
}

/// How a metric is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share, shown in per cent.
    Share,
    /// A bare number.
    Number,
    /// Seconds.
    Seconds,
}

impl Unit {
    fn of(metric: &str) -> Self {
        match metric {
            "seconds" => Self::Seconds,
            _ if metric.ends_with("accuracy") => Self::Share,
            _ => Self::Number,
        }
    }
}

/// Metrics that have a column, with heading and how dispensable they are.
const METRICS: [(&str, &str, u8); 7] = [
    ("val_accuracy", "validation accuracy", 1),
    ("val_loss", "validation loss", 6),
    ("test_accuracy", "test accuracy", 1),
    ("test_loss", "test loss", 2),
    ("train_accuracy", "train accuracy", 4),
    ("train_loss", "train loss", 7),
    ("seconds", "time", 3),
];

/// Lays `comparison` out. `train_loss` and `val_loss` are for the formats of full precision, or to sort by.
pub fn lay_out(comparison: &Comparison, everything: Everything) -> Table {
    let metrics = metrics(comparison, everything);
    let counted =
        everything == Everything::Yes || comparison.groups.windows(2).any(|pair| pair[0].runs != pair[1].runs);
    let mut columns: Vec<Column> = comparison.keys.iter().map(|key| column(key, &heading(key), 0)).collect();
    if counted {
        columns.push(column("n", "n", 0));
    }
    columns.extend(metrics.iter().map(|(name, heading, dispensable)| {
        // What the table is ranked by always stays.
        column(name, heading, if *name == comparison.ranked_by { 0 } else { *dispensable })
    }));
    let noted = comparison.groups.iter().any(|group| !group.without.is_empty());
    if noted {
        columns.push(column("note", "", 0));
    }
    let has_best = comparison.groups.first().is_some_and(|group| group.metrics.contains_key(&comparison.ranked_by));
    let rows = comparison.groups.iter().enumerate().map(|(i, group)| {
        let mut cells: Vec<Cell> = group.key.iter().map(|value| Cell::Key(value.clone())).collect();
        if counted {
            cells.push(Cell::Count(group.runs));
        }
        cells.extend(metrics.iter().map(|(name, ..)| Cell::Metric(group.metrics.get(*name).copied(), Unit::of(name))));
        if noted {
            cells.push(Cell::Note(without_results(group)));
        }
        Row { best: i == 0 && has_best && comparison.groups.len() > 1, cells }
    });
    Table {
        title: title(comparison),
        subtitle: subtitle(comparison),
        columns,
        rows: rows.collect(),
        notes: notes(comparison),
        identity: [comparison.experiment.clone(), comparison.dataset.clone(), comparison.validation.clone()],
    }
}

/// Whether every measured metric gets a column, or those that people ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Everything {
    Yes,
    No,
}

fn metrics(comparison: &Comparison, everything: Everything) -> Vec<(&str, String, u8)> {
    let measured = |name: &str| comparison.groups.iter().any(|group| group.metrics.contains_key(name));
    let wanted = |name: &str| {
        everything == Everything::Yes || name == comparison.ranked_by || !matches!(name, "train_loss" | "val_loss")
    };
    let mut metrics: Vec<(&str, String, u8)> = METRICS
        .into_iter()
        .filter(|(name, ..)| measured(name) && wanted(name))
        .map(|(name, heading, dispensable)| (name, heading.to_owned(), dispensable))
        .collect();
    // Metrics of other programs.
    for name in comparison.groups.iter().flat_map(|group| group.metrics.keys()) {
        let known = METRICS.iter().any(|(known, ..)| known == name);
        if !known && !metrics.iter().any(|(seen, ..)| seen == name) {
            metrics.push((name, heading(name), 5));
        }
    }
    metrics
}

fn column(name: &str, heading: &str, dispensable: u8) -> Column {
    Column { name: name.to_owned(), heading: heading.to_owned(), dispensable }
}

/// `batch_size` reads `batch` at the head of a column; other names lose their underscores.
fn heading(name: &str) -> String {
    if name == "batch_size" { "batch".to_owned() } else { name.replace('_', " ") }
}

fn title(comparison: &Comparison) -> String {
    if comparison.description.is_empty() {
        comparison.experiment.clone()
    } else {
        format!("{} · {}", comparison.experiment, comparison.description)
    }
}

fn subtitle(comparison: &Comparison) -> String {
    let mut parts = vec![match &comparison.fallback_for {
        Some(asked) => format!("{} IN PLACE OF {asked}, which could not be had", comparison.dataset),
        None => comparison.dataset.clone(),
    }];
    parts.extend(comparison.constants.iter().map(|(name, value)| constant(name, value)));
    if comparison.seeds > 0 {
        parts.push(format!("{} seed{}", comparison.seeds, if comparison.seeds == 1 { "" } else { "s" }));
    }
    let unfinished = unfinished(comparison);
    let how = if unfinished.is_empty() { "none failed".to_owned() } else { unfinished.join(", ") };
    parts.push(format!("{} run{}, {how}", comparison.runs, if comparison.runs == 1 { "" } else { "s" }));
    parts.push(ranking(comparison));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `5 epochs`, `batch 32`, `learning rate 0.01`, `glorot uniform weights`.
fn constant(name: &str, value: &Value) -> String {
    match (name, value) {
        ("epochs", Value::Integer(1)) => "1 epoch".to_owned(),
        ("epochs", value) => format!("{value} epochs"),
        // The defaults go without saying.
        ("init", Value::Text(word)) if word == "glorot_uniform" => String::new(),
        ("last_batch", Value::Text(word)) if word == "keep" => String::new(),
        ("decay", Value::Real(decay)) if *decay == 0.0 => "no decay".to_owned(),
        ("init", value) => format!("weights from {value}"),
        ("last_batch", value) => format!("last batch: {value}"),
        (name, value) => format!("{} {}", heading(name), show_value(value)),
    }
}

/// A hyperparameter as people write it: `0`, `1e-4`, `0.01`, `32`.
pub fn show_value(value: &Value) -> String {
    match value {
        Value::Real(real) if *real == 0.0 => "0".to_owned(),
        Value::Real(real) if real.abs() < 1e-2 || real.abs() >= 1e6 => format!("{real:e}"),
        Value::Real(real) => {
            let short = format!("{real}");
            if short.len() > 10 { format!("{real:.4}") } else { short }
        }
        other => other.to_string(),
    }
}

fn ranking(comparison: &Comparison) -> String {
    let optimistic = comparison.validation == "test" || comparison.ranked_by.starts_with("test");
    let default = matches!(comparison.ranked_by.as_str(), "test_accuracy" | "val_accuracy");
    match (default, optimistic) {
        (true, true) => "ranked on the test set (optimistic)".to_owned(),
        (true, false) => {
            format!("ranked on validation: {} of the training set held out, by class", comparison.validation)
        }
        (false, _) => format!("ranked by {}", heading(&comparison.ranked_by)),
    }
}

fn unfinished(comparison: &Comparison) -> Vec<String> {
    let count = |status| comparison.groups.iter().filter_map(|group| group.without.get(&status)).sum::<usize>();
    let words = [
        (Status::Diverged, "diverged"),
        (Status::Failed, "failed"),
        (Status::Killed, "stopped"),
        (Status::Running, "running"),
    ];
    words
        .into_iter()
        .map(|(status, word)| (count(status), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect()
}

fn without_results(group: &Group) -> String {
    let parts: Vec<String> =
        group.without.iter().map(|(status, count)| format!("{count} of {} {status}", group.runs)).collect();
    parts.join(", ")
}

fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    if comparison.left_out > 0 {
        notes.push(format!("{} more settings below these", comparison.left_out));
    }
    if comparison.groups.iter().flat_map(|group| group.metrics.values()).any(|summary| summary.sd.is_some()) {
        notes.push("± one standard deviation between the runs of a setting".to_owned());
    }
    notes
}
