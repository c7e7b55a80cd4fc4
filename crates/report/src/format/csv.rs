//! For a spreadsheet: full precision, one header for all tables, empty where there is nothing.

use anyhow::Result;
use tracking::neutralised;

use crate::comparison::Summary;
use crate::table::{Cell, Table};

/// One row a setting: experiment, dataset, validation, then every column of every table; a metric has its mean and its
/// standard deviation.
pub fn csv(tables: &[Table]) -> Result<String> {
    let named: Vec<Vec<(String, String)>> =
        tables.iter().flat_map(|table| table.rows.iter().map(|row| fields(table, &row.cells))).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in named.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut csv = ::csv::Writer::from_writer(Vec::new());
    csv.write_record(&names)?;
    for row in &named {
        csv.write_record(names.iter().map(|name| row.iter().find(|(key, _)| key == name).map_or("", |(_, it)| it)))?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

fn fields(table: &Table, cells: &[Cell]) -> Vec<(String, String)> {
    let identity = ["experiment", "dataset", "validation"].iter().zip(&table.identity);
    let mut fields: Vec<(String, String)> =
        identity.map(|(name, value)| ((*name).to_owned(), neutralised(value).into_owned())).collect();
    for (column, cell) in table.columns.iter().zip(cells) {
        let name = neutralised(&column.name).into_owned();
        match cell {
            Cell::Key(value) => {
                let text = value.as_ref().map_or_else(String::new, |value| match value {
                    tracking::Value::Text(word) => neutralised(word).into_owned(),
                    number => number.to_string(),
                });
                fields.push((name, text));
            }
            Cell::Count(count) => fields.push((name, count.to_string())),
            Cell::Note(words) => fields.push((name, neutralised(words).into_owned())),
            Cell::Metric(summary, _) => {
                let mean = summary.map(|Summary { mean, .. }| mean);
                let sd = summary.and_then(|Summary { sd, .. }| sd);
                fields.push((format!("{name}_mean"), mean.map_or_else(String::new, |it| format!("{it:?}"))));
                fields.push((format!("{name}_sd"), sd.map_or_else(String::new, |it| format!("{it:?}"))));
            }
        }
    }
    fields
}
