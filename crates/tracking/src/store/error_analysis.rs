//! What people look at, in and out of the database. Nothing that is read is trusted.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::IntegrityIssue;
use crate::{ConfusionCell, ErrorAnalysis, Mistake, RecordedRun, RunId, checksum};

/// No text and no picture is longer.
#[allow(clippy::cast_possible_wrap, reason = "a few kilobytes")]
const LONGEST: i64 = ErrorAnalysis::ROOM as i64;

/// One more than there may be, to see that there are too many.
#[allow(clippy::cast_possible_wrap, reason = "a dozen")]
const MOST_ROWS: i64 = ErrorAnalysis::MISTAKES as i64 + 1;

/// Records them, with their checksum in the row of the run.
pub(super) fn insert(
    connection: &Connection,
    run: &RunId,
    examples: Option<&ErrorAnalysis>,
) -> rusqlite::Result<()> {
    let Some(examples) = examples else { return Ok(()) };
    if let Err(reason) = examples.validate() {
        let reason = format!("the error analysis is invalid: {reason}");
        return Err(rusqlite::Error::ToSqlConversionFailure(reason.into()));
    }
    let ErrorAnalysis { classes, rows, columns, confusion, left_out, mistakes } = examples;
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
    set_checksum(connection, run, checksum::of_error_analysis(run, examples))
}

/// What they must fit: -1 fits none.
pub(super) fn set_checksum(
    connection: &Connection,
    run: &RunId,
    checksum: i64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE runs SET examples_checksum = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![run.as_str(), checksum])?;
    Ok(())
}

/// Those of a run, and whether they are as they were recorded: if not, they are left out.
pub(super) fn of_run(
    connection: &Connection,
    run: &RecordedRun,
    damage: &mut Vec<IntegrityIssue>,
) -> rusqlite::Result<(Option<ErrorAnalysis>, bool)> {
    if !connection.column_exists(None, "runs", "examples_checksum")? {
        return Ok((None, true));
    }
    let fits = |it: &ErrorAnalysis, sum| {
        it.validate().is_ok() && checksum::of_error_analysis(&run.id, it) == sum
    };
    match legible(read(connection, &run.id))? {
        Some((None, None)) => Ok((None, true)),
        Some((Some(sum), Some(examples))) if fits(&examples, sum) => Ok((Some(examples), true)),
        _ => {
            damage.push(IntegrityIssue::of_examples(run));
            Ok((None, false))
        }
    }
}

/// What was read, unless it is of another kind or size than what is recorded.
fn legible<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match read {
        Err(
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..),
        ) => Ok(None),
        read => read.map(Some),
    }
}

/// The checksum and what the tables have. Texts and pictures that are longer than what is recorded are not even read.
fn read(
    connection: &Connection,
    run: &RunId,
) -> rusqlite::Result<(Option<i64>, Option<ErrorAnalysis>)> {
    let sql = "SELECT examples_checksum FROM runs WHERE id = ?1";
    let sum = connection
        .prepare_cached(sql)?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?
        .flatten();
    let sql = "SELECT classes, rows, columns, iif(octet_length(confusion) <= ?2, confusion, NULL), left_out
               FROM examples WHERE run_id = ?1";
    let examples = |row: &Row<'_>| {
        Ok(ErrorAnalysis {
            classes: row.get(0)?,
            rows: row.get(1)?,
            columns: row.get(2)?,
            confusion: from_json(&row.get::<_, String>(3)?)?,
            left_out: row.get::<_, i64>(4)?.cast_unsigned(),
            mistakes: Vec::new(),
        })
    };
    let key = params![run.as_str(), LONGEST];
    let Some(examples) = connection.prepare_cached(sql)?.query_row(key, examples).optional()?
    else {
        return Ok((sum, None));
    };
    let sql = "SELECT example, label, predicted, probability, iif(octet_length(picture) <= ?2, picture, NULL)
               FROM mistakes WHERE run_id = ?1 ORDER BY rank LIMIT ?3";
    let mistake = |row: &Row<'_>| {
        Ok(Mistake {
            index: row.get::<_, i64>(0)?.cast_unsigned(),
            label: row.get(1)?,
            predicted: row.get(2)?,
            probability: row.get(3)?,
            picture: row.get(4)?,
        })
    };
    let key = params![run.as_str(), LONGEST, MOST_ROWS];
    let mistakes =
        connection.prepare_cached(sql)?.query_map(key, mistake)?.collect::<Result<_, _>>()?;
    Ok((sum, Some(ErrorAnalysis { mistakes, ..examples })))
}

fn to_json(confusion: &[ConfusionCell]) -> String {
    let cells: Vec<String> = confusion
        .iter()
        .map(|it| format!("[{},{},{}]", it.label, it.predicted, it.count))
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
