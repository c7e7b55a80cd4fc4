//! The page and its sections.

use serde::Serialize;
use tracking::Value;

use super::answer::{Answer, answer};
use super::details::Details;
use super::effects::{Effects, effects};
use super::figures::{self, Figure};
use super::page_table::{PageTable, page_table};
use super::provenance::provenance;
use super::text::{safe, safe_file, truncated};
use super::trial::{Trial, trial};
use crate::comparison::Comparison;
use crate::table::Table;

/// The page.
#[derive(Debug, Serialize)]
pub struct Page {
    pub title: String,
    pub warnings: Vec<String>,
    pub sections: Vec<Section>,
}

/// A comparison.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Unique, and valid in a link.
    pub id: String,
    pub heading: String,
    pub description: String,
    pub warning: Option<String>,
    pub facts: String,
    pub answer: Option<Answer>,
    pub table: PageTable,
    /// An example of a filter condition.
    pub filter_example: String,
    pub effects: Option<Effects>,
    pub figures: Vec<Figure>,
    pub trial: Option<Trial>,
    pub provenance: Vec<Named>,
    pub file: Option<String>,
}

/// A fact with its name.
#[derive(Debug, Serialize)]
pub struct Named {
    pub name: String,
    pub value: String,
}

/// Makes a page with one section per table.
pub fn page(tables: &[(Table, Details)], warnings: Vec<String>) -> Page {
    let sections: Vec<Section> = (1..)
        .zip(tables)
        .map(|(number, (table, details))| section(number, table, details))
        .collect();
    let title = match tables {
        [(table, _)] => format!("{} · results", safe(&table.comparison.experiment.name)),
        _ => "Results".to_owned(),
    };
    Page { title, warnings, sections }
}

impl Page {
    /// The page of an empty results folder.
    pub fn empty() -> Self {
        page(&[], Vec::new())
    }
}

fn section(number: usize, table: &Table, details: &Details) -> Section {
    let comparison = &table.comparison;
    let id = format!("e{number}");
    Section {
        heading: safe(&comparison.experiment.name),
        description: safe(&comparison.experiment.description),
        warning: table.warning().map(|warning| truncated(&warning).into_owned()),
        facts: table.facts().iter().map(|fact| truncated(fact)).collect::<Vec<_>>().join(" · "),
        answer: answer(table),
        table: page_table(table),
        filter_example: filter_example(comparison),
        effects: effects(comparison),
        figures: figures::figures(&id, comparison, details),
        trial: details.best.as_ref().map(|best| trial(&id, best, comparison.epoch)),
        provenance: origin(comparison, details),
        file: details
            .invocation
            .as_ref()
            .and_then(|invocation| invocation.experiment_file.as_deref())
            .map(safe_file),
        id,
    }
}

/// An example of a filter condition: it selects about half of the values of the hyperparameter with
/// the largest effect.
fn filter_example(comparison: &Comparison) -> String {
    let effect =
        comparison.effects.main.iter().find(|effect| comparison.keys.contains(&effect.name));
    match effect.map(|effect| (&effect.name, &effect.levels[(effect.levels.len() - 1) / 2].0)) {
        Some((key, Value::Text(word))) => format!("{}={}", safe(key), safe(word)),
        Some((key, value)) => format!("{}<={value}", safe(key)),
        None => "text of a row".to_owned(),
    }
}

/// Facts about the data and the program of the runs.
fn origin(comparison: &Comparison, details: &Details) -> Vec<Named> {
    let mut facts = vec![
        ("dataset".to_owned(), comparison.datasets.join(" = ")),
        ("sha256".to_owned(), comparison.dataset_sha256.clone()),
        ("validation".to_owned(), comparison.validation.to_string()),
        ("computed by".to_owned(), comparison.computed.join(", ")),
    ];
    let program = details.best.as_ref().and_then(|best| best.run.program_sha256.clone());
    facts.extend(program.map(|digest| ("program sha256".to_owned(), digest)));
    facts.extend(details.invocation.iter().flat_map(provenance));
    let named = |(name, value): (String, String)| Named { name, value: safe(&value) };
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(named).collect()
}
