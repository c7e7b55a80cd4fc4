//! The record as a folder of CSV files, one a table, and back. An empty cell is one that is empty in the store; an empty text stands
//! in quotes, as in PostgreSQL. Values are exported unchanged, even text that a spreadsheet reads
//! as a formula. The only exception is an id that reads as a number, which gets the prefix `id-`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Cell, Column, Digest, Kind, RecordError, Sink, TABLES, Table};
use crate::csv_id;
use crate::ids::from_csv;

/// The file beside the tables that says what they come to.
pub const DIGEST_FILE: &str = "digest.txt";

/// Writes a record to the CSV files of a folder.
#[derive(Debug)]
pub struct CsvFolder {
    folder: PathBuf,
    file: Option<(&'static Table, BufWriter<File>)>,
}

impl CsvFolder {
    /// Into a folder that is there, and empty.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None }
    }

    fn end_table(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |(_, mut file)| file.flush())
    }

    /// Ends it, with the digest that `digest.txt` tells.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, digest: Digest) -> Result<(), RecordError> {
        self.end_table()?;
        Ok(std::fs::write(self.folder.join(DIGEST_FILE), format!("{digest}\n"))?)
    }
}

impl Sink for CsvFolder {
    fn begin(&mut self, table: &'static Table) -> Result<(), RecordError> {
        self.end_table()?;
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

/// Reads a record from the CSV files of a folder; tells the digest that is beside them.
///
/// # Errors
/// With file and line, when a file is not there or a row not of its table; or what `sink` says.
pub fn read_csv(folder: &Path, sink: &mut dyn Sink) -> Result<Digest, RecordError> {
    let path = folder.join(DIGEST_FILE);
    let wrong = |reason: String| RecordError::Input { place: path.display().to_string(), reason };
    let cannot = |error: io::Error| {
        wrong(format!("{error}; expected a folder that `report export --format csv` wrote"))
    };
    let digest =
        std::fs::read_to_string(&path).map_err(cannot)?.trim_end().parse().map_err(wrong)?;
    for table in &TABLES {
        sink.begin(table)?;
        let path = folder.join(file_name(table));
        if !table.original && !path.exists() {
            continue;
        }
        let mut lines = Lines::open(&path).map_err(|error| RecordError::Input {
            place: path.display().to_string(),
            reason: format!("{error}; an export has a file for every table"),
        })?;
        read_table(&mut lines, table, sink).map_err(|error| error.at(|| lines.place(&path)))?;
    }
    Ok(digest)
}

fn read_table(
    lines: &mut Lines<impl BufRead>,
    table: &'static Table,
    sink: &mut dyn Sink,
) -> Result<(), RecordError> {
    if !lines.advance()? {
        return Err(RecordError::Row("it is empty, expected the names of columns".to_owned()));
    }
    let mut header = lines
        .cells()?
        .into_iter()
        .map(|name| name.unwrap_or_default().into_owned())
        .collect::<Vec<_>>();
    // Some spreadsheets begin a file with a mark.
    if let Some(first) = header.first_mut() {
        *first = first.trim_start_matches('\u{feff}').to_owned();
    }
    let position = |column: &Column| header.iter().position(|name| name == column.name);
    let positions: Vec<Option<usize>> = table.columns.iter().map(position).collect();
    if let Some((column, _)) =
        table.columns.iter().zip(&positions).find(|(it, at)| at.is_none() && !it.optional)
    {
        return Err(RecordError::Row(format!("there is no column '{}'", column.name)));
    }
    let known = |name: &str| table.columns.iter().any(|column| column.name == name);
    if let Some((index, stranger)) = header
        .iter()
        .enumerate()
        .find(|(index, name)| !known(name) || header[..*index].contains(name))
    {
        let what = if known(stranger) { "is there twice" } else { "is not one of this table" };
        return Err(RecordError::Row(format!(
            "column {} '{}' {what}",
            index + 1,
            crate::printable(stranger)
        )));
    }
    while lines.advance()? {
        let mut found = lines.cells()?;
        if found.len() != header.len() {
            return Err(RecordError::Row(format!(
                "{} cells, expected {}",
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
            cells.push(column.read(text, cells.last())?);
        }
        sink.row(&cells)?;
    }
    Ok(())
}

/// The records of a CSV file, each of one line or of several that are held together by quotes.
struct Lines<R> {
    input: R,
    /// The record, and the number of the line that it begins in.
    record: String,
    line: usize,
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
    fn place(&self, path: &Path) -> String {
        format!("{}, line {}", path.display(), self.line)
    }

    /// Reads the next record, if there is one.
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
                return Err(RecordError::Row(
                    "the file ends within quotes that begin here".to_owned(),
                ));
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
            .map_err(|_| RecordError::Row("this is no UTF-8 text".to_owned()))?;
        self.record = record;
        for end in ['\n', '\r'] {
            if self.record.ends_with(end) {
                self.record.pop();
            }
        }
        Ok(true)
    }

    /// The cells of the record; `None` is one that is empty.
    fn cells(&self) -> Result<Vec<Option<Cow<'_, str>>>, RecordError> {
        let mut cells = Vec::new();
        let mut rest = self.record.as_str();
        loop {
            let after = if let Some(quoted) = rest.strip_prefix('"') {
                let end = closing(quoted)
                    .ok_or_else(|| RecordError::Row("a cell's quotes do not end".to_owned()))?;
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
            match after.strip_prefix(',') {
                Some(following) => rest = following,
                None if after.is_empty() => return Ok(cells),
                None => return Err(RecordError::Row("a cell goes on after its quotes".to_owned())),
            }
        }
    }
}

/// Where the quotes end that a text is in: at the first that is not doubled.
fn closing(text: &str) -> Option<usize> {
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
    /// The cell of this column that such a text is, `before` being the one before it.
    pub(super) fn read<'a>(
        &self,
        text: Option<Cow<'a, str>>,
        before: Option<&Cell<'_>>,
    ) -> Result<Cell<'a>, RecordError> {
        let wrong = |reason: &str| RecordError::Row(format!("{} is {reason}", self.name));
        match text {
            Some(text) => self.kind.parse(text, before).map_err(|error| wrong(&error.to_string())),
            None if self.optional => Ok(Cell::Null),
            None => Err(wrong(&format!("empty, expected {}", self.kind))),
        }
    }
}
