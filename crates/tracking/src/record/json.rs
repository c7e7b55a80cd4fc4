//! The record as one JSON document: a list per table, an object per row.
//!
//! An empty cell is `null`. A real that is not finite is a string, and bytes are a base64 string.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Cell, Digest, RecordError, Sink, TABLES, Table};
use crate::printable::printable_json;

/// The value of the member `format`, which identifies the document and its version.
const FORMAT: &str = "candle-sweep record 1";

/// Writes a record as a JSON document, one line per row.
pub struct JsonDocument<W> {
    out: W,
    table: Option<&'static Table>,
    rows: usize,
}

impl<W: Write> JsonDocument<W> {
    /// Starts a document.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn new(mut out: W) -> Result<Self, RecordError> {
        write!(out, "{{\n\"format\": \"{FORMAT}\"")?;
        Ok(Self { out, table: None, rows: 0 })
    }

    fn finish_table(&mut self) -> std::io::Result<()> {
        if self.table.is_some() {
            self.out.write_all(if self.rows > 0 { b"\n]" } else { b"]" })?;
        }
        Ok(())
    }

    /// Completes the document and adds the digest.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn finish(mut self, digest: Digest) -> Result<(), RecordError> {
        self.finish_table()?;
        write!(self.out, ",\n\"digest\": \"{digest}\"\n}}\n")?;
        Ok(self.out.flush()?)
    }
}

impl<W: Write> Sink for JsonDocument<W> {
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError> {
        self.finish_table()?;
        write!(self.out, ",\n\"{}\": [", table.name)?;
        (self.table, self.rows) = (Some(table), 0);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError> {
        let Some(table) = self.table else { return Ok(()) };
        let out = &mut self.out;
        out.write_all(if self.rows > 0 { b",\n{" } else { b"\n{" })?;
        for (index, (column, cell)) in table.columns.iter().zip(cells).enumerate() {
            write!(out, "{}\"{}\": ", if index > 0 { ", " } else { "" }, column.name)?;
            match (cell, cell.text()) {
                (_, None) => out.write_all(b"null")?,
                (Cell::Integer(_), Some(number)) => out.write_all(number.as_bytes())?,
                (Cell::Real(real), Some(number)) if real.is_finite() => {
                    out.write_all(number.as_bytes())?
                }
                (_, Some(text)) => {
                    let quoted = serde_json::to_string(&text).map_err(std::io::Error::from)?;
                    out.write_all(printable_json(&quoted).as_bytes())?;
                }
            }
        }
        self.rows += 1;
        Ok(out.write_all(b"}")?)
    }
}

/// Reads a record from a JSON document. Returns the digest that the document states. Errors name
/// the document `name`.
///
/// # Errors
/// If the document is invalid, with line and column; any error of `sink`.
pub fn read_json(
    mut input: impl Read,
    name: &str,
    sink: &mut dyn Sink,
) -> Result<Digest, RecordError> {
    let invalid = |reason: String| RecordError::Input { place: name.to_owned(), reason };
    let mut start = Vec::new();
    Read::by_ref(&mut input)
        .take(START)
        .read_to_end(&mut start)
        .map_err(|error| invalid(error.to_string()))?;
    // Some editors and shells write a byte order mark at the start of a file.
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
    if let Some(problem) = other_format(start) {
        return Err(invalid(format!(
            "{problem}; expected a document that `export --format json` wrote"
        )));
    }
    let mut document = serde_json::Deserializer::from_reader(start.chain(input));
    document
        .deserialize_map(Document { sink })
        .and_then(|digest| document.end().map(|()| digest))
        .map_err(|error| invalid(error.to_string()))
}

/// Number of bytes that [`other_format`] examines.
const START: u64 = 64;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Describes the format of a file by its first bytes; `None` if the file may be JSON.
fn other_format(start: &[u8]) -> Option<String> {
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    match (first, start) {
        (None | Some(b'{' | b'['), _) => None,
        (_, [0x1f, 0x8b, ..]) => {
            Some("the file is compressed with gzip: decompress it first".to_owned())
        }
        (_, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => {
            Some("the file is UTF-16 text: save it as UTF-8".to_owned())
        }
        _ => {
            let line = String::from_utf8_lossy(start);
            let line: String =
                line.trim_start().lines().next().unwrap_or_default().chars().take(30).collect();
            let line = crate::printable(&line).into_owned();
            Some(format!(
                "the file begins with '{line}' and is not a JSON document (to import a CSV export, name the folder that contains {})",
                super::csv::DIGEST_FILE
            ))
        }
    }
}

struct Document<'s> {
    sink: &'s mut dyn Sink,
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document that `export --format json` wrote")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Digest, A::Error> {
        let mut read = Vec::new();
        let mut digest = None;
        while let Some(key) = map.next_key::<String>()? {
            match TABLES.iter().find(|table| table.name == key) {
                Some(table) => map.next_value_seed(Rows { table, sink: &mut *self.sink })?,
                None if key == "format" => {
                    check_format(&map.next_value::<String>()?).map_err(A::Error::custom)?
                }
                None if key == "digest" => {
                    digest = Some(map.next_value::<String>()?.parse().map_err(A::Error::custom)?);
                }
                None => {
                    return Err(A::Error::custom(format!(
                        "'{}' is not a table of the record",
                        crate::printable(&key)
                    )));
                }
            }
            if read.contains(&key) {
                return Err(A::Error::custom(format!("'{key}' appears twice")));
            }
            read.push(key);
        }
        let expected =
            TABLES.iter().filter(|table| table.original).map(|table| table.name).chain(["format"]);
        let missing = expected.into_iter().find(|name| !read.iter().any(|key| key == name));
        match (missing, digest) {
            (None, Some(digest)) => Ok(digest),
            (missing, _) => {
                Err(A::Error::custom(format!("'{}' is missing", missing.unwrap_or("digest"))))
            }
        }
    }
}

fn check_format(format: &str) -> Result<(), String> {
    if format == FORMAT {
        Ok(())
    } else {
        Err(format!("the format is '{}', expected '{FORMAT}'", crate::printable(format)))
    }
}

struct Rows<'s> {
    table: &'static Table,
    sink: &'s mut dyn Sink,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, rows: D) -> Result<(), D::Error> {
        self.sink.begin(self.table).map_err(D::Error::custom)?;
        rows.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of rows of '{}'", self.table.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<BTreeMap<String, Box<RawValue>>>()? {
            let invalid =
                |error: RecordError| A::Error::custom(format!("{}: {error}", self.table.name));
            let cells = cells(self.table, row).map_err(invalid)?;
            self.sink.row(&cells).map_err(invalid)?;
        }
        Ok(())
    }
}

/// Parses the cells of a row from the literal text of its values. A detour over `f64` would change
/// large integers.
fn cells(
    table: &Table,
    mut row: BTreeMap<String, Box<RawValue>>,
) -> Result<Vec<Cell<'static>>, RecordError> {
    let mut cells = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let text = match row.remove(column.name).as_deref().map(RawValue::get) {
            None if !column.optional => {
                return Err(RecordError::Row(format!("'{}' is missing", column.name)));
            }
            None | Some("null") => None,
            Some(quoted) if quoted.starts_with('"') => {
                let text: String = serde_json::from_str(quoted)
                    .map_err(|error| RecordError::Row(error.to_string()))?;
                Some(Cow::Owned(text))
            }
            Some(number) => Some(Cow::Owned(number.to_owned())),
        };
        cells.push(column.parse(text, cells.last())?);
    }
    match row.into_keys().next() {
        Some(name) => {
            Err(RecordError::Row(format!("column '{}' is unknown", crate::printable(&name))))
        }
        None => Ok(cells),
    }
}
