//! The columns that a comparison has, and the choice among them.

use analysis::metric::Metric;
use analysis::race::{Exit, Reason};
use tracking::{ColumnNames, ValidationSet};

use super::cells::note;
use super::column::{Column, Prominence, Role};
use crate::comparison::{Comparison, Promise, Setting};
use crate::narrative;
use crate::wording;

/// Names that hyperparameters and metrics cannot take, since every format uses them.
pub const RESERVED_NAMES: [&str; 21] = [
    "experiment",
    "dataset",
    "dataset_sha256",
    "fallback_for",
    "validation",
    "ranked_by",
    "n",
    "runs",
    "diverged",
    "failed",
    "killed",
    "running",
    "adjusted",
    "interval",
    "compared",
    "may_be_best",
    "p_best",
    "distance_to_best",
    "difference",
    "best",
    "front",
];

/// Names that hyperparameters and metrics of a race cannot take either.
pub const RACE_NAMES: [&str; 6] =
    ["left", "behind", "left_after_seeds", "left_to", "left_p", "left_without_seed"];

/// The names that hyperparameters and metrics of a comparison cannot take.
fn reserved_names<'n>(comparison: &Comparison) -> impl Iterator<Item = &'n str> + use<'n> {
    let of_race = if comparison.race.is_some() { &RACE_NAMES[..] } else { &[] };
    RESERVED_NAMES.into_iter().chain(of_race.iter().copied())
}

/// The default columns: keys, counts, metrics with the mark, and the note.
pub fn columns(comparison: &Comparison) -> Vec<Column> {
    let mut names = ColumnNames::new(reserved_names(comparison).chain(["note"]));
    let mut columns: Vec<Column> =
        comparison.keys.iter().map(|name| key(name, &mut names)).collect();
    let settings = &comparison.settings;
    let uneven = settings.windows(2).any(|pair| pair[0].n != pair[1].n);
    let is_informative = uneven || !comparison.averaged.is_empty();
    let prominence = if is_informative { Prominence::Needed } else { Prominence::Machine };
    columns.push(reserved("n", Role::Count, prominence));
    let counts = ["runs", "diverged", "failed", "killed", "running"];
    columns.extend(counts.map(|name| reserved(name, Role::Count, Prominence::Machine)));
    for metric in &comparison.metrics {
        let ranks = comparison.ranked_by.as_ref() == Some(&metric.name);
        columns.push(Column {
            name: names.claim(&metric.name, "metric_"),
            source: metric.name.clone(),
            title: wording::metric(&metric.name),
            role: Role::Metric(metric.unit),
            prominence: if ranks {
                Prominence::Needed
            } else {
                prominence_of(&metric.name, comparison)
            },
        });
        if ranks {
            columns.extend(ranking(metric, comparison));
        }
    }
    if comparison.race.is_some() {
        columns.extend(race(comparison));
    }
    columns.push(reserved("front", Role::Flag, Prominence::Machine));
    let has_notes = settings.iter().any(|setting| note(setting, comparison).is_some());
    columns.push(reserved("note", Role::Note, optional_if(has_notes, 10)));
    columns
}

/// The name that stands for all default columns.
pub const ALL_COLUMNS: &str = "all";

/// The columns with the names `wanted`, in this order. Unknown names are skipped.
pub fn chosen_columns(comparison: &Comparison, wanted: &[String]) -> Vec<Column> {
    let needed = |column: Column| Column { prominence: Prominence::Needed, ..column };
    let named = |name: &String| match name.as_str() {
        ALL_COLUMNS => columns(comparison),
        name => {
            let mut columns = available_columns(comparison);
            columns.retain(|column| column.name == name);
            columns
        }
    };
    wanted.iter().flat_map(named).map(needed).collect()
}

/// All columns that can be chosen: the default ones and the hyperparameters that all settings
/// share.
pub fn available_columns(comparison: &Comparison) -> Vec<Column> {
    let mut columns = columns(comparison);
    let known = columns.iter().map(|column| column.name.as_str());
    let mut names = ColumnNames::new(known.chain(reserved_names(comparison)));
    columns.extend(comparison.constants.iter().map(|(name, _)| key(name, &mut names)));
    columns
}

fn key(name: &str, names: &mut ColumnNames) -> Column {
    Column {
        name: names.claim(name, "param_"),
        source: name.to_owned(),
        title: wording::key(name),
        role: Role::Key,
        prominence: Prominence::Needed,
    }
}

/// A column with a reserved name. Marks and notes need no title.
fn reserved(name: &str, role: Role, prominence: Prominence) -> Column {
    let title = match role {
        Role::Mark | Role::Note => String::new(),
        _ => name.replace('_', " "),
    };
    Column { name: name.to_owned(), source: name.to_owned(), title, role, prominence }
}

fn optional_if(applies: bool, importance: u8) -> Prominence {
    if applies { Prominence::Optional(importance) } else { Prominence::Machine }
}

/// The columns about settings that left a race.
fn race(comparison: &Comparison) -> [Column; 2] {
    let settings = &comparison.settings;
    let has_left = settings.iter().any(|setting| narrative::left(comparison, setting).is_some());
    let is_beaten = |setting: &Setting| {
        matches!(setting.left, Some(Exit { reason: Reason::Beaten { .. }, .. }))
    };
    let prominence = if has_left { Prominence::Needed } else { Prominence::Machine };
    [
        reserved("left", Role::Left, prominence),
        reserved("behind", Role::Rival, optional_if(settings.iter().any(is_beaten), 11)),
    ]
}

/// The columns after the ranking metric: the mark, the level, the interval and the differences.
fn ranking(metric: &Metric, comparison: &Comparison) -> Vec<Column> {
    let (unit, settings) = (metric.unit, &comparison.settings);
    let repeated = settings.iter().any(|setting| setting.n > 1);
    let against = matches!(comparison.promise, Some(Promise::Against(_)));
    let among = comparison.promise == Some(Promise::BestIsAmong);
    let mut columns = vec![
        reserved("best", Role::Mark, Prominence::Needed),
        reserved(
            "adjusted",
            Role::Level(unit),
            optional_if(comparison.ranks_by_fit() || comparison.cells.is_some(), 8),
        ),
        reserved("interval", Role::Interval(unit), optional_if(repeated, 6)),
        reserved("distance_to_best", Role::Distance(unit), optional_if(among, 11)),
        reserved("difference", Role::Difference(unit), optional_if(against, 11)),
    ];
    if against {
        columns.retain(|column| column.name != "distance_to_best");
    }
    columns
}

/// The importance of a metric that does not rank.
fn prominence_of(metric: &str, comparison: &Comparison) -> Prominence {
    match metric {
        _ if comparison.reported_by.as_deref() == Some(metric) => Prominence::Optional(10),
        "test_accuracy" => Prominence::Optional(9),
        "val_accuracy" if comparison.validation != ValidationSet::Test => Prominence::Optional(8),
        "seconds" => Prominence::Optional(5),
        "test_loss" => Prominence::Optional(4),
        "train_accuracy" => Prominence::Optional(1),
        "train_loss" | "val_loss" | "val_accuracy" => Prominence::Machine,
        _ => Prominence::Optional(3),
    }
}
