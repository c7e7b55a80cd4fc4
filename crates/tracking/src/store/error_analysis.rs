//! The tables `examples` and `mistakes`, which hold error analyses.
//!
//! A damaged store can contain anything, so reading bounds the number and the size of values.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::integrity::{Checked, IntegrityIssue};
use super::sqlite_error::is_unreadable_value;
use crate::{ConfusionCell, ErrorAnalysis, Mistake, RecordedRun, RunId, checksum};

/// Longest text or picture that is read, in bytes.
#[allow(clippy::cast_possible_wrap, reason = "a few kilobytes")]
const MAX_BYTES: i64 = ErrorAnalysis::MAX_BYTES as i64;

/// Number of mistakes that are read: one more than the limit, so that an excess is noticed.
#[allow(clippy::cast_possible_wrap, reason = "a dozen")]
const MAX_ROWS: i64 = ErrorAnalysis::MAX_MISTAKES as i64 + 1;

/// Inserts an error analysis, and its checksum in the row of the run.
pub(super) fn insert(
    connection: &Connection,
    run: &RunId,
    analysis: Option<&ErrorAnalysis>,
) -> rusqlite::Result<()> {
    let Some(analysis) = analysis else { return Ok(()) };
    if let Err(reason) = analysis.validate() {
        let reason = format!("the error analysis is invalid: {reason}");
        return Err(rusqlite::Error::ToSqlConversionFailure(reason.into()));
    }
    let ErrorAnalysis { classes, rows, columns, confusion, left_out, mistakes } = analysis;
    connection
        .prepare_cached(
            "INSERT INTO examples (run_id, classes, rows, columns, confusion, left_out) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![run.as_str(), classes, rows, columns, to_json(confusion), left_out.cast_signed()])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO mistakes (run_id, rank, example, label, predicted, probability, picture)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (rank, mistake) in (1i64..).zip(mistakes) {
        let Mistake { index, label, predicted, probability, picture } = mistake;
        insert.execute(params![
            run.as_str(),
            rank,
            index.cast_signed(),
            label,
            predicted,
            probability,
            picture
        ])?;
    }
    set_checksum(connection, run, checksum::of_error_analysis(run, analysis))
}

/// Sets the checksum of an error analysis. No error analysis matches -1.
pub(super) fn set_checksum(
    connection: &Connection,
    run: &RunId,
    checksum: i64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE runs SET examples_checksum = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![run.as_str(), checksum])?;
    Ok(())
}

/// The error analysis of a run. If it does not match its checksum, it is left out.
pub(super) fn of_run(
    connection: &Connection,
    run: &RecordedRun,
) -> rusqlite::Result<Checked<Option<ErrorAnalysis>>> {
    if !connection.column_exists(None, "runs", "examples_checksum")? {
        return Ok(Checked { value: None, issues: Vec::new() });
    }
    let found = match read(connection, &run.id) {
        Err(error) if is_unreadable_value(&error) => None,
        found => Some(found?),
    };
    let matches = |analysis: &ErrorAnalysis, expected| {
        analysis.validate().is_ok() && checksum::of_error_analysis(&run.id, analysis) == expected
    };
    Ok(match found {
        Some((None, None)) => Checked { value: None, issues: Vec::new() },
        Some((Some(expected), Some(analysis))) if matches(&analysis, expected) => {
            Checked { value: Some(analysis), issues: Vec::new() }
        }
        _ => Checked { value: None, issues: vec![IntegrityIssue::error_analysis_changed(run)] },
    })
}

/// The checksum and the error analysis of a run. Longer texts and pictures than the store writes
/// are not read.
fn read(
    connection: &Connection,
    run: &RunId,
) -> rusqlite::Result<(Option<i64>, Option<ErrorAnalysis>)> {
    let sql = "SELECT examples_checksum FROM runs WHERE id = ?1";
    let checksum = connection
        .prepare_cached(sql)?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?
        .flatten();
    let sql = "SELECT classes, rows, columns, iif(octet_length(confusion) <= ?2, confusion, NULL), left_out
               FROM examples WHERE run_id = ?1";
    let from_row = |row: &Row<'_>| {
        Ok(ErrorAnalysis {
            classes: row.get(0)?,
            rows: row.get(1)?,
            columns: row.get(2)?,
            confusion: from_json(&row.get::<_, String>(3)?)?,
            left_out: row.get::<_, i64>(4)?.cast_unsigned(),
            mistakes: Vec::new(),
        })
    };
    let key = params![run.as_str(), MAX_BYTES];
    let Some(analysis) = connection.prepare_cached(sql)?.query_row(key, from_row).optional()?
    else {
        return Ok((checksum, None));
    };
    let sql = "SELECT example, label, predicted, probability, iif(octet_length(picture) <= ?2, picture, NULL)
               FROM mistakes WHERE run_id = ?1 ORDER BY rank LIMIT ?3";
    let from_row = |row: &Row<'_>| {
        Ok(Mistake {
            index: row.get::<_, i64>(0)?.cast_unsigned(),
            label: row.get(1)?,
            predicted: row.get(2)?,
            probability: row.get(3)?,
            picture: row.get(4)?,
        })
    };
    let key = params![run.as_str(), MAX_BYTES, MAX_ROWS];
    let mistakes =
        connection.prepare_cached(sql)?.query_map(key, from_row)?.collect::<Result<_, _>>()?;
    Ok((checksum, Some(ErrorAnalysis { mistakes, ..analysis })))
}

fn to_json(confusion: &[ConfusionCell]) -> String {
    let cells: Vec<String> = confusion
        .iter()
        .map(|cell| format!("[{},{},{}]", cell.label, cell.predicted, cell.count))
        .collect();
    format!("[{}]", cells.join(","))
}

fn from_json(text: &str) -> rusqlite::Result<Vec<ConfusionCell>> {
    let cells: Vec<(u32, u32, u64)> = serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(cells
        .into_iter()
        .map(|(label, predicted, count)| ConfusionCell { label, predicted, count })
        .collect())
}
