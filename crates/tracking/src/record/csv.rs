//! The record as a folder of CSV files, one file per table.
//!
//! An empty cell has no value in the store. Empty text is quoted (`""`), as in PostgreSQL. Values
//! are exported unchanged, even text that a spreadsheet reads as a formula. The only exception is
//! an id that reads as a number, which gets the prefix `id-`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Cell, Column, Digest, Kind, RecordError, Sink, TABLES, Table};
use crate::csv_id;
use crate::ids::from_csv;

/// File in the folder of an export that contains its digest.
pub const DIGEST_FILE: &str = "digest.txt";

/// Writes a record as CSV files into a folder.
#[derive(Debug)]
pub struct CsvFolder {
    folder: PathBuf,
    file: Option<(&'static Table, BufWriter<File>)>,
}

impl CsvFolder {
    /// Creates a sink that writes into `folder`, which must exist and be empty.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None }
    }

    fn finish_table(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |(_, mut file)| file.flush())
    }

    /// Completes the last table and writes the digest to `digest.txt`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(mut self, digest: Digest) -> Result<(), RecordError> {
        self.finish_table()?;
        Ok(std::fs::write(self.folder.join(DIGEST_FILE), format!("{digest}\n"))?)
    }
}

impl Sink for CsvFolder {
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError> {
        self.finish_table()?;
        let mut file = BufWriter::new(File::create(self.folder.join(file_name(table)))?);
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        writeln!(file, "{}", names.join(","))?;
        self.file = Some((table, file));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), RecordError> {
        let Some((table, out)) = &mut self.file else { return Ok(()) };
        for (index, (cell, column)) in cells.iter().zip(table.columns).enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            let text = cell.text();
            match if column.kind == Kind::Id { text.as_deref().map(csv_id) } else { text } {
                None => {}
                Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                    write!(out, "\"{}\"", text.replace('"', "\"\""))?;
                }
                Some(text) => out.write_all(text.as_bytes())?,
            }
        }
        Ok(out.write_all(b"\n")?)
    }
}

fn file_name(table: &Table) -> String {
    format!("{}.csv", table.name)
}

/// Reads a record from the CSV files of a folder. Returns the digest from `digest.txt`.
///
/// # Errors
/// If a file is missing or a row does not fit its table, with file and line; any error of `sink`.
pub fn read_csv(folder: &Path, sink: &mut dyn Sink) -> Result<Digest, RecordError> {
    let path = folder.join(DIGEST_FILE);
    let invalid = |reason: String| RecordError::Input { place: path.display().to_string(), reason };
    let unreadable = |error: io::Error| {
        invalid(format!("{error}; expected a folder that `export --format csv` wrote"))
    };
    let digest =
        std::fs::read_to_string(&path).map_err(unreadable)?.trim_end().parse().map_err(invalid)?;
    for table in &TABLES {
        sink.begin(table)?;
        let path = folder.join(file_name(table));
        if !table.original && !path.exists() {
            continue;
        }
        let mut lines = Lines::open(&path).map_err(|error| RecordError::Input {
            place: path.display().to_string(),
            reason: format!("{error}; expected one file per table: export the store again"),
        })?;
        read_table(&mut lines, table, sink).map_err(|error| error.at(|| lines.position(&path)))?;
    }
    Ok(digest)
}

fn read_table(
    lines: &mut Lines<impl BufRead>,
    table: &'static Table,
    sink: &mut dyn Sink,
) -> Result<(), RecordError> {
    if !lines.advance()? {
        return Err(RecordError::Row("the file is empty, expected column names".to_owned()));
    }
    let mut header: Vec<String> =
        lines.cells()?.into_iter().map(|name| name.unwrap_or_default().into_owned()).collect();
    // Some spreadsheets write a byte order mark at the start of a file.
    if let Some(first) = header.first_mut() {
        *first = first.trim_start_matches('\u{feff}').to_owned();
    }
    let positions = column_positions(table, &header)?;
    while lines.advance()? {
        let mut found = lines.cells()?;
        if found.len() != header.len() {
            return Err(RecordError::Row(format!(
                "the row has {} cells, expected {}",
                found.len(),
                header.len()
            )));
        }
        let mut cells = Vec::with_capacity(table.columns.len());
        for (column, position) in table.columns.iter().zip(&positions) {
            let text = position.and_then(|position| found[position].take());
            let text = match column.kind {
                Kind::Id => text.map(|id| Cow::Owned(from_csv(&id).to_owned())),
                _ => text,
            };
            cells.push(column.parse(text, cells.last())?);
        }
        sink.row(&cells)?;
    }
    Ok(())
}

/// Returns the position of each column of the table in the header. An optional column may be
/// missing.
fn column_positions(table: &Table, header: &[String]) -> Result<Vec<Option<usize>>, RecordError> {
    let position = |column: &Column| header.iter().position(|name| name == column.name);
    let positions: Vec<Option<usize>> = table.columns.iter().map(position).collect();
    if let Some((column, _)) = table
        .columns
        .iter()
        .zip(&positions)
        .find(|(column, position)| position.is_none() && !column.optional)
    {
        return Err(RecordError::Row(format!("column '{}' is missing", column.name)));
    }
    let is_known = |name: &str| table.columns.iter().any(|column| column.name == name);
    if let Some((index, name)) = header
        .iter()
        .enumerate()
        .find(|(index, name)| !is_known(name) || header[..*index].contains(name))
    {
        let problem = if is_known(name) { "appears twice" } else { "is unknown" };
        return Err(RecordError::Row(format!(
            "column {} '{}' {problem}",
            index + 1,
            crate::printable(name)
        )));
    }
    Ok(positions)
}

/// Reads the records of a CSV file. A record has several lines if a quoted cell contains line
/// breaks.
struct Lines<R> {
    input: R,
    /// The current record, without its line ending.
    record: String,
    /// The number of the first line of the current record, from 1.
    line: usize,
    /// The number of the next line to read.
    next: usize,
}

impl Lines<BufReader<File>> {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            input: BufReader::new(File::open(path)?),
            record: String::new(),
            line: 1,
            next: 1,
        })
    }
}

impl<R: BufRead> Lines<R> {
    fn position(&self, path: &Path) -> String {
        format!("{}, line {}", path.display(), self.line)
    }

    /// Reads the next record. Returns false at the end of the file.
    fn advance(&mut self) -> Result<bool, RecordError> {
        let mut record = Vec::new();
        self.line = self.next;
        loop {
            let read = self
                .input
                .read_until(b'\n', &mut record)
                .map_err(|error| RecordError::Row(error.to_string()))?;
            let open = record.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            if read == 0 && open {
                return Err(RecordError::Row("a cell has no closing quote".to_owned()));
            }
            if read == 0 && record.is_empty() {
                return Ok(false);
            }
            self.next += 1;
            if !open {
                break;
            }
        }
        let record = String::from_utf8(record)
            .map_err(|_| RecordError::Row("this line is not valid UTF-8".to_owned()))?;
        self.record = record;
        for end in ['\n', '\r'] {
            if self.record.ends_with(end) {
                self.record.pop();
            }
        }
        Ok(true)
    }

    /// Splits the record into cells. An empty cell is `None`.
    fn cells(&self) -> Result<Vec<Option<Cow<'_, str>>>, RecordError> {
        let mut cells = Vec::new();
        let mut rest = self.record.as_str();
        loop {
            let tail = if let Some(quoted) = rest.strip_prefix('"') {
                let end = closing_quote(quoted)
                    .ok_or_else(|| RecordError::Row("a cell has no closing quote".to_owned()))?;
                let text = &quoted[..end];
                cells.push(Some(if text.contains('"') {
                    text.replace("\"\"", "\"").into()
                } else {
                    text.into()
                }));
                &quoted[end + 1..]
            } else {
                let end = rest.find(',').unwrap_or(rest.len());
                cells.push(Some(&rest[..end]).filter(|text| !text.is_empty()).map(Cow::Borrowed));
                &rest[end..]
            };
            match tail.strip_prefix(',') {
                Some(next) => rest = next,
                None if tail.is_empty() => return Ok(cells),
                None => {
                    return Err(RecordError::Row(
                        "text follows the closing quote of a cell, expected a comma".to_owned(),
                    ));
                }
            }
        }
    }
}

/// Returns the index of the closing quote: the first quote that is not doubled.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut index = 0;
    loop {
        index += bytes[index..].iter().position(|byte| *byte == b'"')?;
        if bytes.get(index + 1) != Some(&b'"') {
            return Some(index);
        }
        index += 2;
    }
}

impl Column {
    /// Parses a cell of this column. `before` is the previous cell of the row.
    pub(super) fn parse<'a>(
        &self,
        text: Option<Cow<'a, str>>,
        before: Option<&Cell<'_>>,
    ) -> Result<Cell<'a>, RecordError> {
        let invalid = |reason: &str| RecordError::Row(format!("{} is {reason}", self.name));
        match text {
            Some(text) => self.kind.parse(text, before).map_err(|reason| invalid(&reason)),
            None if self.optional => Ok(Cell::Null),
            None => Err(invalid(&format!("empty, expected {}", self.kind))),
        }
    }
}
