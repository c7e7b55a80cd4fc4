//! Fields that differ between two operands: hyperparameters, results, provenance.

use std::collections::BTreeSet;

use analysis::runs::distinct;
use tracking::{Invocation, printable};

use crate::page::provenance::provenance;
use crate::table::{Prominence, RenderedColumn};
use crate::wording::truncated;

/// Maximum width of a value.
const MAX_WIDTH: usize = 30;

/// A field with different values.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldDifference {
    pub name: String,
    pub left: String,
    pub right: String,
    /// The difference of two numbers; empty for other values.
    pub change: String,
}

impl FieldDifference {
    /// Compares the values of a field; `None` if they are equal.
    pub fn of(name: &str, left: &str, right: &str) -> Option<Self> {
        let or_dash = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
        (left != right).then(|| Self {
            name: name.to_owned(),
            left: or_dash(left),
            right: or_dash(right),
            change: String::new(),
        })
    }
}

/// The columns of a table of differences.
pub fn columns(differences: &[FieldDifference]) -> Vec<RenderedColumn> {
    let column = |title: &str, cell: fn(&FieldDifference) -> &str| RenderedColumn {
        name: title.to_owned(),
        title: title.to_owned(),
        prominence: Prominence::Needed,
        numeric: !title.is_empty(),
        cells: differences
            .iter()
            .map(|difference| truncated(&printable(cell(difference)), MAX_WIDTH).into_owned())
            .collect(),
    };
    vec![
        column("", |difference| &difference.name),
        column("left", |difference| &difference.left),
        column("right", |difference| &difference.right),
        column("difference", |difference| &difference.change),
    ]
}

/// Compares the invocations that made the runs. A field with several values lists all of them.
pub fn invocation_differences(left: &[Invocation], right: &[Invocation]) -> Vec<FieldDifference> {
    let facts =
        |invocations: &[Invocation]| invocations.iter().flat_map(provenance).collect::<Vec<_>>();
    let (left_facts, right_facts) = (facts(left), facts(right));
    let value = |facts: &[(String, String)], name: &str| {
        join_unique(facts.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()))
    };
    let names = distinct(left_facts.iter().chain(&right_facts).map(|(name, _)| name.as_str()));
    let mut differences: Vec<FieldDifference> = names
        .into_iter()
        .filter_map(|name| {
            FieldDifference::of(name, &value(&left_facts, name), &value(&right_facts, name))
        })
        .collect();
    differences.extend(experiment_file_difference(left, right));
    differences
}

/// Compares the texts of the experiment files. The table shows their sizes.
fn experiment_file_difference(
    left: &[Invocation],
    right: &[Invocation],
) -> Option<FieldDifference> {
    let (left, right) = (experiment_files(left), experiment_files(right));
    let sizes = |texts: &BTreeSet<&str>| {
        let sizes: Vec<String> = texts.iter().map(|text| format!("{} bytes", text.len())).collect();
        if sizes.is_empty() { "—".to_owned() } else { sizes.join(", ") }
    };
    (left != right).then(|| FieldDifference {
        name: "experiment file".to_owned(),
        left: sizes(&left),
        right: sizes(&right),
        change: "text differs".to_owned(),
    })
}

fn experiment_files(invocations: &[Invocation]) -> BTreeSet<&str> {
    invocations.iter().filter_map(|invocation| invocation.experiment_file.as_deref()).collect()
}

/// Joins the distinct values. They are sorted, so that only their presence matters.
pub fn join_unique<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}
