//! A comparison as rows and columns.

use analysis::best::Standing;

use super::cells::{Cell, cell};
use super::column::Column;
use super::columns::{chosen_columns, columns};
use crate::comparison::Comparison;

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One cell per column.
    pub cells: Vec<Cell>,
    /// Whether the setting is marked as the best.
    pub best: bool,
    /// Whether the setting lacks the ranking metric.
    pub unranked: bool,
    /// The comparison with the best setting.
    pub standing: Standing,
}

/// A comparison as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The comparison.
    pub comparison: Comparison,
    /// The first digits of the dataset digest, if another dataset of the same name has a table.
    pub digest: Option<String>,
    /// Warnings about the training of the best setting.
    pub warnings: Vec<String>,
    /// Names the runs of older code, which are not compared.
    pub left_out: Option<String>,
    /// Keys, counts, metrics with the mark, and the note.
    pub columns: Vec<Column>,
    /// Best first.
    pub rows: Vec<Row>,
    /// Number of settings beyond the maximum number of rows.
    pub omitted: usize,
}

/// The rows and columns to show.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    /// The maximum number of rows; all by default.
    pub top: Option<u32>,
    /// The columns in this order, or [`ALL_COLUMNS`](super::ALL_COLUMNS). Without a list, the columns
    /// that fit are shown.
    pub columns: Option<Vec<String>>,
}

/// Makes one table per comparison.
pub fn tables(comparisons: Vec<Comparison>, options: &TableOptions) -> Vec<Table> {
    let digests: Vec<Option<String>> =
        comparisons.iter().map(|comparison| ambiguous_digest(comparison, &comparisons)).collect();
    comparisons
        .into_iter()
        .zip(digests)
        .map(|(comparison, digest)| table(comparison, digest, options))
        .collect()
}

/// The first digits of the digest, if another dataset of the same name was compared.
fn ambiguous_digest(comparison: &Comparison, all: &[Comparison]) -> Option<String> {
    let clash = |other: &Comparison| {
        other.experiment == comparison.experiment
            && other.datasets == comparison.datasets
            && other.dataset_sha256 != comparison.dataset_sha256
    };
    all.iter().any(clash).then(|| comparison.dataset_sha256.chars().take(8).collect())
}

fn table(comparison: Comparison, digest: Option<String>, options: &TableOptions) -> Table {
    let columns = match &options.columns {
        Some(wanted) => chosen_columns(&comparison, wanted),
        None => columns(&comparison),
    };
    let rows_shown = options
        .top
        .map_or(comparison.settings.len(), |top| comparison.settings.len().min(top as usize));
    let rows = comparison.settings[..rows_shown].iter().enumerate().map(|(index, setting)| Row {
        cells: columns.iter().map(|column| cell(column, index, setting, &comparison)).collect(),
        best: setting.is_best,
        unranked: setting.level.is_none(),
        standing: setting.standing,
    });
    let rows = rows.collect();
    Table {
        rows,
        omitted: comparison.settings.len() - rows_shown,
        digest,
        columns,
        comparison,
        warnings: Vec::new(),
        left_out: None,
    }
}
